"""This file is where all rows go from one database into another, of the same or the other kind.

A backup is a SQLite file, whatever it was made of, so one may also move: from the embedded database
to PostgreSQL, and back.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Table, func, select
from sqlmodel import SQLModel

from grid.db import apply as writes
from grid.db import session

#: Rows that go at a time.
BITE = 1_000


class NotEmpty(Exception):
    """There is something in the database already."""


def tables() -> list[Table]:
    """All of them, each behind those that it refers to."""
    return list(SQLModel.metadata.sorted_tables)


def to_file(source: Connection, path: Path) -> dict[str, int]:
    """Copy what `source` sees into a new SQLite file; how many rows each table has."""
    url = f"sqlite:///{path.resolve()}"
    session.migrate(url)
    engine = session.writing_engine(url)
    try:
        with engine.begin() as target:
            counts = _copy(source, target)
        with engine.connect() as whole:  # one file, without a write-ahead log beside it
            whole.exec_driver_sql("COMMIT")
            whole.exec_driver_sql("PRAGMA journal_mode = DELETE")
            whole.exec_driver_sql("BEGIN")
        return counts
    finally:
        engine.dispose()


def from_file(path: Path, url: str) -> dict[str, int]:
    """Copy a SQLite file into a database that is empty, and brought up to this version. Raises
    NotEmpty."""
    old = f"sqlite:///{path.resolve()}"
    session.migrate(old)
    session.migrate(url)
    source, target = session.reading_engine(old), session.writing_engine(url)
    try:
        with source.connect() as reading, target.begin() as writing:
            if any(_count(writing, one) for one in tables()):
                raise NotEmpty("the database has something in it; restore into an empty one")
            counts = _copy(reading, writing)
            writes.count_on(writing, tables())
            return counts
    finally:
        source.dispose()
        target.dispose()


def _count(connection: Connection, one: Table) -> int:
    return int(connection.scalar(select(func.count()).select_from(one)) or 0)


def _copy(source: Connection, target: Connection) -> dict[str, int]:
    done: dict[str, int] = {}
    for one in tables():
        found = source.execution_options(yield_per=BITE).execute(
            select(one).order_by(*one.primary_key.columns)
        )
        done[one.name] = 0
        for several in found.partitions():
            writes.add_rows(target, one, [dict(row._mapping) for row in several])
            done[one.name] += len(several)
    return done
