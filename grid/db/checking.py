"""This file is where a database is asked whether it is whole, and what it refers to."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from grid.db.copying import tables
from grid.db.dialects import POSTGRESQL, database_now
from grid.db.tables import ChunkColumnRow, JobRow, OutputPartRow, OutputRow, table


def rows(connection: Connection) -> int:
    """How many rows there are in all tables."""
    return sum(connection.scalar(select(func.count()).select_from(one)) or 0 for one in tables())


def not_whole(connection: Connection) -> str:
    """What SQLite finds broken in its file; "" for nothing, and for PostgreSQL, which checks what
    it reads."""
    if connection.dialect.name == POSTGRESQL:
        return ""
    said = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    return "" if said == "ok" else said


def clock(connection: Connection) -> int:
    """The database's time."""
    return int(connection.scalar(select(database_now())) or 0)


def referred(connection: Connection) -> set[str]:
    """Digests of blobs that must be there: data, programs, outputs."""
    columns = (
        table(ChunkColumnRow).c.digest,
        table(JobRow).c.program_digest,
        table(OutputPartRow).c.digest,
        table(OutputRow).c.manifest_digest,
    )
    return {str(one) for column in columns for one in connection.scalars(select(column))}
