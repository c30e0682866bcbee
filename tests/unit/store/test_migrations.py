"""This file is where the migrations are held against the tables."""

from __future__ import annotations

import warnings

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect
from sqlmodel import SQLModel

from grid.db import session, tables

pytestmark = pytest.mark.sqlite


def test_migrations_make_the_schema_that_the_tables_describe(tmp_path):
    url = f"sqlite:///{tmp_path / 'fresh.db'}"
    session.migrate(url)
    engine = create_engine(url)
    with engine.connect() as connection, warnings.catch_warnings():
        # Alembic cannot compare an index over an expression; the next test names them all.
        warnings.simplefilter("ignore", UserWarning)
        found = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    known = {"result_waiting"}
    assert [one for one in found if getattr(one[1], "name", None) not in known] == []
    engine.dispose()


def test_migrations_make_every_index(tmp_path):
    url = f"sqlite:///{tmp_path / 'fresh.db'}"
    session.migrate(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        made = {
            row[0]: row[1]
            for row in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")
        }
        wanted = {index.name for one in SQLModel.metadata.tables.values() for index in one.indexes}
        assert wanted <= made.keys()
        for name in (index.name for index in tables.table(tables.ResultRow).indexes):
            model = next(i for i in tables.table(tables.ResultRow).indexes if i.name == name)
            where = model.dialect_options["sqlite"]["where"]
            assert (where is None) or str(where) in made[name], name
        assert inspect(connection).get_table_names()
    engine.dispose()


def test_migrating_twice_changes_nothing(tmp_path):
    url = f"sqlite:///{tmp_path / 'fresh.db'}"
    session.migrate(url)
    before = (tmp_path / "fresh.db").read_bytes()
    session.migrate(url)
    assert (tmp_path / "fresh.db").read_bytes() == before
