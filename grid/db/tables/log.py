"""This file is where the tables of the public log stand: its leaves, and its keys."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class LeafRow(SQLModel, table=True):
    """A leaf of the log, by its index. Its bytes go when they lie in a full bundle."""

    __tablename__ = "leaf"
    #: Where is the commitment to an answer that came in at this time?
    __table_args__ = (Index("leaf_commits", "last_commit_at"),)
    number: int = Field(primary_key=True)
    data: bytes | None
    hash: bytes | None
    #: When the first and the last answer came in that it commits to; None where it holds none.
    first_commit_at: int | None
    last_commit_at: int | None


class LogKeyRow(SQLModel, table=True):
    """A public key that the log has announced, and has not announced the end of."""

    __tablename__ = "log_key"
    vkey: str = Field(primary_key=True)
    #: `log` for checkpoints, `promise` for what reports are answered with.
    purpose: str
    #: 0 for the newest of its purpose.
    place: int
