"""This file is where the store's connections are asked what they are: one writes, one cannot."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

pytestmark = pytest.mark.sqlite


#: What `PRAGMA synchronous` says for FULL: every commit waits for the disk.
FULL = 2


def pragma(connection, name):
    return connection.execute(text(f"PRAGMA {name}")).scalar()


def test_a_commit_is_on_the_disk_before_it_is_answered(world):
    def ask(tx):
        names = ("journal_mode", "synchronous", "foreign_keys", "query_only")
        return {name: pragma(tx.connection, name) for name in names}

    said = world.store.write(ask)
    assert said == {"journal_mode": "wal", "synchronous": FULL, "foreign_keys": 1, "query_only": 0}


def test_who_writes_holds_the_lock_before_the_first_statement(world):
    file = world.settings.data_dir / "grid.db"
    other = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)

    def intrude(tx):
        assert tx.connection.in_transaction()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        return other.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]

    assert world.store.write(intrude) > 0, "readers are not kept out"
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
    other.close()


def test_who_reads_cannot_write(world):
    with world.store.read() as connection:
        assert pragma(connection, "query_only") == 1
        with pytest.raises(OperationalError, match="readonly"):
            connection.execute(text("CREATE TABLE intruder (id INTEGER)"))


def test_who_reads_sees_one_snapshot(world):
    world.account("before")
    count = text("SELECT count(*) FROM account")
    with world.store.read() as connection:
        first = connection.execute(count).scalar()
        world.account("after")
        assert connection.execute(count).scalar() == first
    with world.store.read() as connection:
        assert connection.execute(count).scalar() == first + 1
