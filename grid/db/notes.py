"""This file is where pages of one person find each other: by a word that they alone know.

A pairing code joins another browser to a volunteer. What was answered on our page of consent is
left for the frame that asked for it, where the browser lets the two not speak to each other.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from grid.canonical import digest
from grid.db import apply as writes
from grid.db.tables import HostRow, NoteRow, VolunteerRow, table
from grid.db.transaction import Transaction
from grid.items import Json

NOTE, HOST, PEOPLE = table(NoteRow), table(HostRow), table(VolunteerRow)

#: Long enough to walk to another device, too short to guess one of 2^40 codes.
PAIRING_S = 600
#: A person reads a page and decides.
CONSENT_S = 900
#: Crockford's digits: none looks like another, and case does not matter.
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PAIRING_DIGITS = 8


def spelled(code: str) -> str:
    """A pairing code as it was made, however somebody typed it."""
    plain = "".join(one for one in code.upper() if one.isalnum())
    return plain.translate(str.maketrans("OIL", "011"))


def leave_pairing(transaction: Transaction, host_id: int) -> str | None:
    """A code by which one more browser joins this host's volunteer; None when that is banned."""
    connection = transaction.connection
    volunteer_id = connection.scalar(
        select(PEOPLE.c.id)
        .join_from(HOST, PEOPLE, PEOPLE.c.id == HOST.c.volunteer_id)
        .where(HOST.c.id == host_id, PEOPLE.c.banned_at.is_(None))
    )
    if volunteer_id is None:
        return None
    drawn = transaction.entropy(PAIRING_DIGITS)
    code = "".join(DIGITS[byte % len(DIGITS)] for byte in drawn)
    note = NoteRow(
        hash=_hash("pairing", code),
        volunteer_id=volunteer_id,
        expires_at=transaction.now + PAIRING_S,
    )
    writes.leave_note(connection, note, transaction.now)
    return f"{code[:4]}-{code[4:]}"


def take_pairing(transaction: Transaction, code: str) -> int | None:
    """The volunteer that this code joins, once; None for a code that is wrong, old or used."""
    connection, word = transaction.connection, _hash("pairing", spelled(code))
    found = connection.execute(
        select(NOTE.c.volunteer_id).where(NOTE.c.hash == word, NOTE.c.expires_at > transaction.now)
    ).one_or_none()
    if found is None or not writes.take_note(connection, word):
        return None
    return int(found.volunteer_id)


def leave_consent(transaction: Transaction, word: str, answer: Json) -> None:
    """Somebody answered the frame that knows this word."""
    note = NoteRow(
        hash=_hash("consent", word), chosen=answer, expires_at=transaction.now + CONSENT_S
    )
    writes.leave_note(transaction.connection, note, transaction.now)


def consent(connection: Connection, word: str, now: int) -> Json:
    """What was answered under this word; None while nothing was (primary key)."""
    return connection.scalar(
        select(NOTE.c.chosen).where(NOTE.c.hash == _hash("consent", word), NOTE.c.expires_at > now)
    )


def _hash(kind: str, word: str) -> str:
    return digest(f"{kind} {word}".encode())
