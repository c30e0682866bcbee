"""This file is where entries become leaves of the log, and leaves' bytes go once they are files."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, update

from grid.db.tables import JobRow, LeafRow, LogKeyRow, OutboxRow, table

#: Ids of one statement: SQLite takes 32,766 values.
IDS_MAX = 10_000


def add_leaves(connection: Connection, leaves: Sequence[LeafRow], entry_ids: Sequence[int]) -> None:
    """Give leaves their places, and take the entries that they hold out of the outbox."""
    connection.execute(insert(table(LeafRow)), [one.model_dump() for one in leaves])
    outbox = table(OutboxRow)
    for at in range(0, len(entry_ids), IDS_MAX):
        connection.execute(delete(outbox).where(outbox.c.id.in_(entry_ids[at : at + IDS_MAX])))


def set_program_leaf(connection: Connection, job_ids: Sequence[int], leaf: int) -> None:
    """Note which leaf names the programs of these jobs."""
    if job_ids:
        jobs = table(JobRow)
        connection.execute(update(jobs).where(jobs.c.id.in_(job_ids)).values(program_leaf=leaf))


def drop_leaves_below(connection: Connection, number: int) -> int:
    """Forget the bytes of leaves that lie in files; of how many."""
    leaves = table(LeafRow)
    full = (leaves.c.number < number) & leaves.c.hash.is_not(None)
    return connection.execute(update(leaves).where(full).values(data=None, hash=None)).rowcount


def set_log_keys(connection: Connection, purpose: str, vkeys: Sequence[str]) -> None:
    """Note which keys of a purpose the log has announced, newest first."""
    keys = table(LogKeyRow)
    connection.execute(delete(keys).where(keys.c.purpose == purpose))
    rows = [{"vkey": one, "purpose": purpose, "place": at} for at, one in enumerate(vkeys)]
    connection.execute(insert(keys), rows)
