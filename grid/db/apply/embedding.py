"""This file is where it is written who embeds, which scripts they may ask for, and notes."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from grid.db.tables import EmbedScriptRow, NoteRow, SiteRow, table

SITE, SCRIPT, NOTE = table(SiteRow), table(EmbedScriptRow), table(NoteRow)


def see_site(connection: Connection, origin: str, now: int, most: int) -> None:
    """Note that a site embeds; of more than `most` those that nobody decided about, and that were
    seen longest ago, are forgotten (ix_site_last_seen_at)."""
    new = insert(SITE).values(origin=origin, first_seen_at=now, last_seen_at=now, reason="")
    connection.execute(
        new.on_conflict_do_update(index_elements=["origin"], set_={"last_seen_at": now})
    )
    surplus = (connection.scalar(select(func.count()).select_from(SITE)) or 0) - most
    if surplus > 0:
        oldest = (
            select(SITE.c.origin)
            .where(SITE.c.revoked_at.is_(None))
            .order_by(SITE.c.last_seen_at)
            .limit(surplus)
        )
        connection.execute(delete(SITE).where(SITE.c.origin.in_(oldest)))


def set_site(
    connection: Connection, origin: str, revoked_at: int | None, reason: str, now: int
) -> None:
    """An admin has decided whether a site may embed."""
    values = {"revoked_at": revoked_at, "reason": reason}
    new = insert(SITE).values(origin=origin, first_seen_at=now, last_seen_at=now, **values)
    connection.execute(new.on_conflict_do_update(index_elements=["origin"], set_=values))


def keep_embed_script(
    connection: Connection, digest: str, text: str, now: int, before: int
) -> None:
    """This version is the newest; those that were so before `before` at last are gone."""
    new = insert(SCRIPT).values(digest=digest, text=text, current_at=now)
    connection.execute(
        new.on_conflict_do_update(index_elements=["digest"], set_={"current_at": now})
    )
    connection.execute(delete(SCRIPT).where(SCRIPT.c.current_at < before))


def leave_note(connection: Connection, note: NoteRow, now: int) -> None:
    """Leave a note, and let those go that nobody came for (ix_note_expires_at)."""
    connection.execute(delete(NOTE).where(NOTE.c.expires_at <= now))
    values = note.model_dump()
    new = insert(NOTE).values(**values)
    connection.execute(new.on_conflict_do_update(index_elements=["hash"], set_=values))


def take_note(connection: Connection, word_hash: str) -> bool:
    """A note is read once; False when it was not there."""
    return connection.execute(delete(NOTE).where(NOTE.c.hash == word_hash)).rowcount == 1


def drop_notes_of(connection: Connection, volunteer_id: int) -> None:
    """Nobody joins this volunteer any more."""
    connection.execute(delete(NOTE).where(NOTE.c.volunteer_id == volunteer_id))
