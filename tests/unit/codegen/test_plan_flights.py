"""This file is where questions about 336,776 flights get the answers that DuckDB gives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from large_tables import answered, flights, laid_out

from grid.conformance import Cut
from grid.engines.deno import DenoEngine
from grid.plugins.loader import OWN_FOLDER, find, load

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as DuckDB's timestamps
CHUNK_ROWS = 65_536
SQL = load(find(OWN_FOLDER / "sql")).job_type
QUERIES = [
    "SELECT origin, count(*), sum(distance), max(dep_delay) FROM data GROUP BY 1 ORDER BY 1",
    "SELECT carrier, origin, count(arr_delay), sum(arr_delay) FROM data GROUP BY ALL ORDER BY 1, 2",
    (
        "SELECT month, day, count(*) AS n, min(dep_time) FROM data WHERE dep_delay > 60 "
        "GROUP BY month, day HAVING count(*) > 100 ORDER BY n DESC, month, day LIMIT 20"
    ),
    "SELECT dest, sum(air_time), min(tailnum), max(tailnum) FROM data GROUP BY dest ORDER BY dest",
    "SELECT tailnum, count(*) AS n FROM data GROUP BY tailnum ORDER BY n DESC, tailnum LIMIT 50",
    (
        "SELECT hour // 6 AS part, dep_delay IS NULL AS gone, count(*) FROM data GROUP BY ALL "
        "ORDER BY 1, 2"
    ),
    (
        "SELECT upper(substr(dest, 1, 1)) || '-' || origin AS way, sum(distance * 2 - 7) FROM data "
        "WHERE carrier IN ('UA', 'DL', 'AA') OR tailnum LIKE 'N7%' GROUP BY way ORDER BY way"
    ),
    (
        "SELECT extract(week FROM time_hour) AS w, count(*), "
        "sum(CASE WHEN arr_delay > 15 THEN 1 ELSE 0 END) AS late, bool_and(distance > 100) "
        "FROM data GROUP BY w ORDER BY w"
    ),
    (
        "SELECT date_trunc('month', time_hour) AS m, min(time_hour), max(time_hour), "
        "sum(CAST(distance AS DECIMAL(12,2)) * 1.61) FROM data GROUP BY m ORDER BY m DESC"
    ),
    (
        "SELECT flight % 1000 AS k, year, count(*), sum(arr_delay - dep_delay), max(carrier) "
        "FROM data WHERE arr_delay IS NOT NULL GROUP BY k, year ORDER BY 4, k LIMIT 30 OFFSET 5"
    ),
]


@cache
def table() -> pa.Table:
    return flights()


@cache
def cut() -> Cut:
    return laid_out(table(), CHUNK_ROWS)


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


def plain(value: Any) -> Any:
    """DuckDB's value as outputs have it: timestamps in microseconds."""
    return (value - EPOCH) // timedelta(microseconds=1) if isinstance(value, datetime) else value


@pytest.mark.parametrize("query", QUERIES, ids=range(1, len(QUERIES) + 1))
def test_a_question_about_flights_is_answered_as_by_duckdb(engine: DenoEngine, query: str) -> None:
    with duckdb.connect() as database:
        database.register("data", table())
        theirs = database.execute(query).fetchall()
    ours = answered(SQL, {"query": query}, cut(), engine, 2)
    assert ours == [[plain(value) for value in row] for row in theirs]
    assert len(ours) >= 3
