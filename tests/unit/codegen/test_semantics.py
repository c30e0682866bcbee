"""This file is where the language is compared with DuckDB, and programs with the reference."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from expressions import NAMES, TYPES, Sql, conditions
from hypothesis import assume, given
from hypothesis import strategies as st

from grid.codegen.parse import parse
from grid.codegen.reference import evaluate
from grid.codegen.selection import spell
from grid.conformance import ARROW, Table, computed, cut_up, random_tables
from grid.engines.deno import DenoEngine
from grid.items import LogicalType
from grid.plugins.loader import OWN_FOLDER, Loaded, find, load

TABLES = random_tables(NAMES, TYPES, 12)


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


@pytest.fixture(scope="module")
def filter_by() -> Loaded:
    return load(find(OWN_FOLDER / "filterBy"))


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        yield connection


@given(table=TABLES, sql=conditions())
def test_a_condition_means_what_it_means_in_duckdb(
    database: duckdb.DuckDBPyConnection, table: Table, sql: Sql
) -> None:
    cut = cut_up(table, max(table.rows, 1))
    arrow = pa.table(
        [
            *(
                pa.array(values, ARROW[kind])
                for values, kind in zip(table.values, table.types, strict=True)
            ),
            pa.array(range(table.rows), pa.int64()),
        ],
        names=[*NAMES, "place"],
    )
    database.register("given", arrow)
    try:
        found = database.execute(f"SELECT {sql.duckdb} FROM given ORDER BY place").fetchall()
    except duckdb.Error as error:
        assume("verflow" not in str(error) and "Out of Range" not in str(error))
        raise
    expr = parse(sql.grid, cut.columns)
    chunk = dict(zip(table.names, table.values, strict=True))
    assert list(evaluate(expr, chunk, table.rows)) == [row[0] for row in found]


@given(table=TABLES, sql=conditions(), wide=st.booleans())
def test_a_program_answers_as_the_reference_does(
    engine: DenoEngine, filter_by: Loaded, table: Table, sql: Sql, wide: bool
) -> None:
    for condition in (sql.grid, f"NOT ({sql.grid})"):
        computed(filter_by, {"where": condition}, cut_up(table, 5, wide=wide), engine)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("'a' BETWEEN t AND ''", []),
        ("NOT ('a' BETWEEN t AND '')", [0, 1, 2]),
        ("'a' IN ('a', t)", [0, 1, 2]),
        ("'a' NOT IN ('b', t)", [1]),
        ("t NOT IN ('a', NULL)", []),
        ("t BETWEEN NULL AND 'a'", []),
        ("NOT t BETWEEN NULL AND 'a'", [1]),
        ("NOT (t = t)", []),
        ("(t = 'a') IS NULL", [2]),
        ("(t < 'b') = (t IS NULL)", [1]),
        ("(t = t) = (t IS NOT NULL)", [0, 1]),
        ("(t IS NULL) = (t IS NULL)", [0, 1, 2]),
        ("(t = 'a') BETWEEN (t IS NULL) AND TRUE", [0, 1]),
        ("(t IS NULL) IN (t = 'c', t IS NULL)", [0, 1, 2]),
    ],
)
@pytest.mark.parametrize("wide", [False, True])
def test_null_in_a_dictionary_column(
    engine: DenoEngine, filter_by: Loaded, condition: str, expected: list[int], wide: bool
) -> None:
    table = Table(names=("t",), types=(LogicalType.TEXT,), values=(("a", "c", None),))
    output = computed(filter_by, {"where": condition}, cut_up(table, 9, wide=wide), engine)
    assert output == {"chunks": [spell([row in expected for row in range(3)])]}
