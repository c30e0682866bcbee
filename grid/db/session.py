"""This file is where connections are made: one kind that writes, one that cannot.

SQLite runs in WAL mode with `synchronous=FULL`, PostgreSQL with `synchronous_commit=on`: a commit
is on the disk before it is answered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from grid.db.dialects import POSTGRESQL

#: How long a writer waits for another process's commit: far beyond any commit of ours.
BUSY_TIMEOUT_MS = 15_000
#: More than there are threads that read, so that none waits for another's connection.
CONNECTIONS_MAX = 64
#: Of PostgreSQL, where each is a process, and a hundred of them all that it usually allows: readers
#: wait for one of these.
SERVER_CONNECTIONS_MAX = 16
#: Seconds after which a database that does not answer is said not to.
CONNECT_TIMEOUT_S = 10
#: Statements that a connection keeps ready: a set of rows goes in statements of seven lengths.
STATEMENTS_MAX = 1024
#: What the one connection that writes keeps in memory: the pages that batches return to, of a
#: database far larger than SQLite's usual 2 MB.
WRITER_CACHE_KIB = 32 * 1024
#: Pages of the write-ahead log after which a commit also moves them into the database: 16 MB, so
#: that a page that every batch changes is moved once in hundreds of commits.
CHECKPOINT_PAGES = 4000
MIGRATIONS = Path(__file__).parent / "migrations"


def writing_engine(url: str) -> Engine:
    """Connections that write: on SQLite their transactions take the write lock at once (`BEGIN
    IMMEDIATE`); on PostgreSQL `locks` says who waits for whom."""
    if _is_postgresql(url):
        return _server_engine(url, "read committed", read_only=False)
    further = (
        f"PRAGMA cache_size = -{WRITER_CACHE_KIB}",
        f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
    )
    return _embedded_engine(url, begin="BEGIN IMMEDIATE", further=further)


def reading_engine(url: str) -> Engine:
    """Connections that see one snapshot and cannot write."""
    if _is_postgresql(url):
        return _server_engine(url, "repeatable read", read_only=True)
    return _embedded_engine(url, begin="BEGIN", further=("PRAGMA query_only = ON",))


def migrate(url: str) -> None:
    """Bring the database's schema up to this version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "head")


def _is_postgresql(url: str) -> bool:
    return make_url(url).get_backend_name() == POSTGRESQL


def _server_engine(url: str, isolation: str, *, read_only: bool) -> Engine:
    options = {
        "synchronous_commit": "on",
        "default_transaction_isolation": isolation.replace(" ", "\\ "),
        "default_transaction_read_only": "on" if read_only else "off",
        "jit": "off",  # what it costs to compile a query of a millisecond is more than that
    }
    return create_engine(
        url,
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "grid",
        },
        pool_size=SERVER_CONNECTIONS_MAX,
        max_overflow=0,
        pool_pre_ping=read_only,  # the writer makes itself a new one when its own has failed
        hide_parameters=True,
    )


def _embedded_engine(url: str, begin: str, further: tuple[str, ...]) -> Engine:
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "cached_statements": STATEMENTS_MAX},
        pool_size=CONNECTIONS_MAX,
        hide_parameters=True,  # a logged error shows no value: it may be a secret or private
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin below, not inside the driver
        cursor = connection.cursor()
        for pragma in (
            f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
            *further,
        ):
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        driver.execute(begin)

    return engine
