"""This file is where connections are made: one kind that writes, one that cannot.

SQLite runs in WAL mode with `synchronous=FULL`: a commit is on the disk before it is answered.
"""

from __future__ import annotations

from pathlib import Path
from sqlite3 import Connection as DbapiConnection
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event

#: How long a writer waits for another process's commit: far beyond any commit of ours.
BUSY_TIMEOUT_MS = 15_000
#: More than there are threads that read, so that none waits for another's connection.
CONNECTIONS_MAX = 64
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
    """Connections whose transactions take the write lock at once (`BEGIN IMMEDIATE`)."""
    further = (
        f"PRAGMA cache_size = -{WRITER_CACHE_KIB}",
        f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
    )
    return _engine(url, begin="BEGIN IMMEDIATE", further=further)


def reading_engine(url: str) -> Engine:
    """Connections that see one snapshot and cannot write."""
    return _engine(url, begin="BEGIN", further=("PRAGMA query_only = ON",))


def migrate(url: str) -> None:
    """Bring the database's schema up to this version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "head")


def _engine(url: str, begin: str, further: tuple[str, ...]) -> Engine:
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "cached_statements": STATEMENTS_MAX},
        pool_size=CONNECTIONS_MAX,
        hide_parameters=True,  # a logged error shows no value: it may be a secret or private
    )

    @event.listens_for(engine, "connect")
    def configure(connection: DbapiConnection, _record: object) -> None:
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
