"""This file is where the hot path's queries are seen to use the indexes they name."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import sqlite

from grid.db import asking, hot

pytestmark = pytest.mark.sqlite


PLANS = [
    (asking, "_ASKING", "result_leases"),
    (asking, "_ASKING", "result_principal_leases"),
    (asking, "_ASKING", "job_open"),
    (asking, "_ASKING", "job_sealed"),
    (asking, "_ASKING", "result_waiting"),
    (asking, "_WAITING", "result_waiting"),
    (asking, "_WAITING", "result_workunit"),
    (asking, "_WAITING_FOR", "result_waiting"),
    (asking, "_UNHEARD", "result_leases"),
    (hot, "_FACTS_OF_RESULTS", "result_workunit"),
    (hot, "_FACTS_OF_UNITS", "result_workunit"),
]


@pytest.mark.parametrize(("module", "name", "index"), PLANS)
def test_a_hot_query_is_served_by_its_index_and_sorts_nothing_large(world, module, name, index):
    world.job(chunks=300)
    statement = str(getattr(module, name).statement.compile(dialect=sqlite.dialect()))
    with world.store.read() as connection:
        count = statement.count("?")
        given = tuple(5 if "LIMIT" in statement else "[1]" for _ in range(count))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
    steps = [row[3] for row in plan]
    assert any(f"INDEX {index}" in step for step in steps), steps
    assert not any("ORDER BY" in step for step in steps), steps
    assert {"SCAN result", "SCAN workunit", "SCAN job"}.isdisjoint(steps), steps
