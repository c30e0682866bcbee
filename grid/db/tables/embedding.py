"""This file is where the tables stand of sites that embed, and of pages that find each other."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel


class SiteRow(SQLModel, table=True):
    """An origin that has embedded the volunteer page, or that an admin has named."""

    __tablename__ = "site"
    origin: str = Field(primary_key=True)
    first_seen_at: int
    last_seen_at: int = Field(index=True)
    #: Since when it may embed no more; None while it may.
    revoked_at: int | None = None
    #: Why, in the admin's words; its visitors read this.
    reason: str = ""


class EmbedScriptRow(SQLModel, table=True):
    """Every version of `embed.js` that other sites may still ask for by its digest."""

    __tablename__ = "embed_script"
    #: SHA-256 of the text.
    digest: str = Field(primary_key=True)
    text: str
    #: When it last was the newest.
    current_at: int


class NoteRow(SQLModel, table=True):
    """What one page leaves for another page of the same person, who alone knows its word."""

    __tablename__ = "note"
    #: SHA-256 of the word.
    hash: str = Field(primary_key=True)
    #: The volunteer that another browser may join by it; None says that a site's consent was given.
    volunteer_id: int | None = Field(default=None, foreign_key="volunteer.id")
    #: What was answered on the page of consent, and chosen with a yes.
    chosen: Any = Field(default=None, sa_column=Column(JSON))
    expires_at: int = Field(index=True)
