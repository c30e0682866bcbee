"""This file is where writers of several processes wait for each other on PostgreSQL.

SQLite has one writer at a time, and every command is written for that: what it has read holds until
it commits. On PostgreSQL an advisory lock of the transaction says the same. A writer that has died
holds nothing: its connection is gone, and the lock with it.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from grid.db.dialects import POSTGRESQL

#: Names the lock among the database's advisory locks; any number that nobody else takes.
WRITERS = 0x67726964


def one_writer(connection: Connection) -> None:
    """Wait until no other process writes; on SQLite the transaction has begun so."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(select(func.pg_advisory_xact_lock(WRITERS)))


def one_migration(connection: Connection) -> None:
    """The same for as long as this connection lives: processes that start together."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(select(func.pg_advisory_lock(WRITERS + 1)))
