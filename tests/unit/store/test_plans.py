"""This file is where the hot path's queries are seen to use the indexes they name."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import sqlite

from grid.db import hot

PLANS = [
    ("_OFFER", "result_unsent"),
    ("_OFFER", "result_workunit"),
    ("_OFFER", "result_leases"),
    ("_WAITING_FOR_ANYBODY", "result_unsent"),
    ("_WAITING_FOR_TRUSTED", "result_unsent"),
    ("_FACTS_OF_RESULTS", "result_workunit"),
    ("_FACTS_OF_UNITS", "result_workunit"),
]


@pytest.mark.parametrize(("name", "index"), PLANS)
def test_a_hot_query_is_served_by_its_index_and_sorts_nothing_large(world, name, index):
    world.job(chunks=300)
    statement = str(getattr(hot, name).statement.compile(dialect=sqlite.dialect()))
    with world.store.read() as connection:
        count = statement.count("?")
        given = tuple(5 if "LIMIT" in statement else "[1]" for _ in range(count))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
    steps = [row[3] for row in plan]
    assert any(f"INDEX {index}" in step for step in steps), steps
    assert not any("ORDER BY" in step for step in steps), steps
    assert {"SCAN result", "SCAN workunit", "SCAN job"}.isdisjoint(steps), steps
