"""This file is where the public record lies: a SQLite file of its own, made from the log, and
searched. It can be deleted at any time; it is then made again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as DbapiConnection

from msgspec import Struct
from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    cast,
    create_engine,
    event,
    func,
    literal_column,
    select,
    text,
)

from grid.db.record import taking
from grid.db.record.schema import entry, job, metadata, output, verdict, vote

NAME = "record.db"
#: Lines of one kind that a search shows.
FOUND_MAX = 20


class Hit(Struct, frozen=True, kw_only=True):
    """Something that a search found."""

    #: "job", "work unit", "answer", "volunteer", "program", "data set" or "output".
    what: str
    job: str
    work_unit: int | None = None
    #: What else there is to say: a digest, a pseudonym.
    said: str = ""


class PublicRecord:
    """The tables of `schema`; whoever reads sees one moment of them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._engine: Engine | None = None
        self._opening = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that changes nothing."""
        with self._opened().connect() as connection:
            yield connection

    def taken(self) -> int:
        """How many leaves of the log it holds."""
        with self.read() as connection:
            return taking.taken(connection)

    def take(self, first: int, leaves: Sequence[bytes]) -> int:
        """Take leaves from number `first` on; how many, none when others were quicker."""
        with self._opened().begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # a page may take leaves, too
            if taking.taken(connection) != first:
                return 0
            taking.take(connection, first, leaves)
        return len(leaves)

    def copy(self, path: Path) -> None:
        """Write the whole record to a new file."""
        with self._opened().connect() as connection:
            connection.execute(text("VACUUM INTO :path"), {"path": str(path)})

    def close(self) -> None:
        """Let go of the file."""
        if self._engine is not None:
            self._engine.dispose()

    def _opened(self) -> Engine:
        with self._opening:
            if self._engine is None:
                self._engine = _open(self.path)
            return self._engine


def _open(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True)

    @event.listens_for(engine, "connect")
    def configure(connection: DbapiConnection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA busy_timeout = 15000")

    metadata.create_all(engine)
    return engine


def leaves_of(connection: Connection, name: str) -> list[int]:
    """Numbers of the leaves that tell of a job, in order (entry_job)."""
    found = select(entry.c.leaf).where(entry.c.job == name).distinct().order_by(entry.c.leaf)
    return list(connection.scalars(found))


def leaves_of_unit(connection: Connection, name: str, ordinal: int) -> list[int]:
    """Numbers of the leaves that tell of one work unit, in order (entry_job)."""
    found = (
        select(entry.c.leaf)
        .where(entry.c.job == name, entry.c.work_unit == ordinal)
        .distinct()
        .order_by(entry.c.leaf)
    )
    return list(connection.scalars(found))


def leaves_of_kind(connection: Connection, name: str, kind: str) -> list[int]:
    """Numbers of the leaves with an entry of this kind about a job, in order (entry_job)."""
    found = select(entry.c.leaf).where(entry.c.job == name, entry.c.kind == kind)
    return list(connection.scalars(found.distinct().order_by(entry.c.leaf)))


def grown(connection: Connection, days: int, today: int) -> list[tuple[int, int]]:
    """(day since 1970, entries) of the last days, oldest first (entry_minute)."""
    day = entry.c.minute / literal_column("1440")
    found = (
        select(cast(day, Integer), func.count())
        .where(entry.c.minute >= (today - days + 1) * 1440)
        .group_by(cast(day, Integer))
    )
    counts = {int(one): int(count) for one, count in connection.execute(found)}
    return [(one, counts.get(one, 0)) for one in range(today - days + 1, today + 1)]


def kinds(connection: Connection) -> dict[str, int]:
    """How many entries of each kind there are (entry_kind)."""
    found = select(entry.c.kind, func.count()).group_by(entry.c.kind).order_by(entry.c.kind)
    return {kind: int(count) for kind, count in connection.execute(found)}


def search(connection: Connection, wanted: str) -> list[Hit]:
    """Whatever is called so: a job, a pseudonym, a digest of anything that the log names.

    Pseudonyms and digests may be their first eight digits or more (each by an index).
    """
    low, high = wanted, wanted + "\uffff"
    hits = [
        Hit(what="job", job=name)
        for name in connection.scalars(select(job.c.job).where(job.c.job == wanted))
    ]
    for what, column in (
        ("program", job.c.program),
        ("data set", job.c.source_digest),
        ("data set", job.c.data_root),
        ("job type", job.c.job_type_digest),
        ("spec", job.c.spec_digest),
    ):
        statement = select(job.c.job, column).where(column.between(low, high)).limit(FOUND_MAX)
        hits += [
            Hit(what=what, job=name, said=said) for name, said in connection.execute(statement)
        ]
    made = select(output.c.job, output.c.manifest).where(output.c.manifest.between(low, high))
    hits += [
        Hit(what="output", job=name, said=said)
        for name, said in connection.execute(made.limit(FOUND_MAX))
    ]
    chosen = (
        select(verdict.c.job, verdict.c.work_unit, verdict.c.canonical)
        .where(verdict.c.canonical.between(low, high))
        .limit(FOUND_MAX)
    )
    hits += [
        Hit(what="answer", job=name, work_unit=unit, said=said)
        for name, unit, said in connection.execute(chosen)
    ]
    for what, column in (("volunteer", vote.c.principal), ("vote", vote.c.output)):
        given = (
            select(vote.c.job, vote.c.work_unit, column)
            .where(column.between(low, high))
            .limit(FOUND_MAX)
        )
        hits += [
            Hit(what=what, job=name, work_unit=unit, said=said)
            for name, unit, said in connection.execute(given)
        ]
    return hits
