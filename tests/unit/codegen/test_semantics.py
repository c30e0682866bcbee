"""This file is where the language is compared with DuckDB, and programs with the reference.

What is tried is driven from the grammar: each of its productions at least once on its own, and all
of them in one another.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from evaluating import COMPUTED, FAILED, alike, by_duckdb, by_program, by_reference
from grammatical import (
    LIBM,
    MACROS,
    NAMES,
    PRODUCTIONS,
    TYPES,
    Production,
    Sql,
    calls,
    expressions,
    notable,
)
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from grid.codegen.emission import EMISSION
from grid.codegen.errors import SpecError
from grid.codegen.grammar import RULES
from grid.codegen.parse import expression
from grid.codegen.reference import SPECIAL
from grid.codegen.reference.functions import FUNCTIONS
from grid.codegen.selection import spell
from grid.codegen.tree import Expr
from grid.codegen.types import Kind
from grid.conformance import Cut, Table, computed, cut_up, random_tables
from grid.engines.deno import DenoEngine
from grid.items import LogicalType
from grid.plugins.loader import OWN_FOLDER, Loaded, find, load

TABLES = random_tables(NAMES, TYPES, 8).map(lambda table: settled(table))
ROWS = 12
#: DuckDB fails with an operand that nothing depends on; `grid.codegen.differences` says where.
FORGIVING = (" and ", " or ", "BETWEEN", " IN ", "NULL", "substr")
#: On one row DuckDB takes what these make for a constant, and computes nothing beside a NULL.
CONSTANT = ("NULL", "CASE", "nullif", "inrange", "days", "coalesce", "least", "greatest")
#: Two units in the last place: neither libm rounds correctly, and both nearly do.
LIBM_WITHIN = 2 * sys.float_info.epsilon
EACH_PRODUCTION = settings(
    max_examples=settings().max_examples // 40 if settings().max_examples > 200 else 1,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


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
        for macro in MACROS:
            connection.execute(macro)
        yield connection


def settled(table: Table) -> Table:
    """The table as ingest lays it down: with one zero and one NaN."""
    chunks = cut_up(table, max(table.rows, 1)).python(NAMES)
    values = tuple(tuple(chunks[0][name]) for name in NAMES) if chunks else table.values
    return Table(names=NAMES, types=TYPES, values=values)


def read(sql: Sql, cut: Cut) -> Expr | None:
    """The expression; None where a constant part of it fails, which is refused at once."""
    try:
        return expression(sql.grid, cut.columns, "/x")
    except SpecError:
        return None


def excused(sql: Sql, ours: Any, theirs: Any) -> bool:
    if theirs == FAILED:
        return any(word in sql.grid for word in FORGIVING)
    if isinstance(ours, float) and isinstance(theirs, float):
        near = math.isclose(ours, theirs, rel_tol=LIBM_WITHIN, abs_tol=math.ulp(0.0))
        return near and any(f"{name}(" in sql.grid for name in LIBM)
    return ours == FAILED and theirs is None and any(word in sql.duckdb for word in CONSTANT)


def compare_with_duckdb(
    database: duckdb.DuckDBPyConnection, table: Table, sql: Sql, expr: Expr
) -> None:
    ours = [FAILED if isinstance(x, tuple) else x for x in by_reference(expr, table)]
    theirs = by_duckdb(sql.duckdb, expr.type, table, database)
    for row, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert alike(one, other) or excused(sql, one, other), (sql, row, one, other)


def compare_with_program(engine: DenoEngine, table: Table, sql: Sql, cut: Cut, expr: Expr) -> None:
    answers = by_program(expr, cut, engine)
    for row, (one, other) in enumerate(zip(by_reference(expr, table), answers, strict=True)):
        assert alike(one, other), (sql, row, one, other)


def test_every_rule_has_a_program_and_a_reference() -> None:
    assert set(RULES) == {*EMISSION, "and", "or", "not"}
    assert set(RULES) == {*FUNCTIONS, *SPECIAL}
    assert {one.op for one in PRODUCTIONS} == set(RULES)


def test_every_production_means_what_it_means_in_duckdb(
    engine: DenoEngine, database: duckdb.DuckDBPyConnection
) -> None:
    """Each operator with each kind of operands, on rows of all sorts; prints what was covered."""
    covered: Counter[Production] = Counter()
    table = notable(ROWS)

    for production in PRODUCTIONS:

        @EACH_PRODUCTION
        @seed(PRODUCTIONS.index(production))
        @given(st.just(production), calls(production, 1), st.booleans())
        def holds(one: Production, sql: Sql, wide: bool) -> None:
            cut = cut_up(table, 5, wide=wide)
            expr = read(sql, cut)
            if expr is not None:
                compare_with_duckdb(database, table, sql, expr)
                compare_with_program(engine, table, sql, cut, expr)
                covered[one] += 1

        holds()
    missing = [str(one) for one in PRODUCTIONS if not covered[one]]
    print(f"{len(covered)} of {len(PRODUCTIONS)} productions, {sum(covered.values())} cases")
    assert not missing


@COMPUTED
@given(table=TABLES, kind=st.sampled_from(tuple(Kind)[:7]), data=st.data(), wide=st.booleans())
def test_an_expression_means_what_it_means_in_duckdb(
    engine: DenoEngine,
    database: duckdb.DuckDBPyConnection,
    table: Table,
    kind: Kind,
    data: st.DataObject,
    wide: bool,
) -> None:
    sql = data.draw(expressions(kind, 3))
    cut = cut_up(table, 5, wide=wide)
    expr = read(sql, cut)
    assume(expr is not None and table.rows)
    assert expr is not None
    compare_with_duckdb(database, table, sql, expr)
    compare_with_program(engine, table, sql, cut, expr)


@COMPUTED
@given(table=TABLES, sql=expressions(Kind.BOOLEAN, 3), wide=st.booleans())
def test_a_program_answers_as_the_reference_does(
    engine: DenoEngine, filter_by: Loaded, table: Table, sql: Sql, wide: bool
) -> None:
    cut = cut_up(table, 5, wide=wide)
    assume(read(sql, cut) is not None)
    for condition in (sql.grid, f"NOT ({sql.grid})"):
        computed(filter_by, {"where": condition}, cut, engine)


@pytest.mark.parametrize(
    "text", [".25", "0.25", "1 - .5", "-.5 * .5", "-0e0", "0e0", "- -0e0", "-0"]
)
def test_a_literal_has_the_digits_and_the_sign_it_is_written_with(
    engine: DenoEngine, database: duckdb.DuckDBPyConnection, text: str
) -> None:
    table = notable(ROWS)
    cut = cut_up(table, 5)
    for sql in (text, f"CAST({text} AS VARCHAR)"):
        expr = expression(sql, cut.columns, "/x")
        compare_with_duckdb(database, table, Sql(sql, sql), expr)
        compare_with_program(engine, table, Sql(sql, sql), cut, expr)


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
        ("coalesce(t, 'z') = 'z'", [2]),
        ("CASE WHEN t IS NULL THEN TRUE ELSE t > 'b' END", [1, 2]),
        ("upper(t) = 'C'", [1]),
        ("length(coalesce(t, '12')) > 1", [2]),
        ("upper(coalesce(CAST(NULL AS VARCHAR), NULL)) = 'A'", []),
        ("greatest(coalesce(CAST(NULL AS VARCHAR), NULL), t) = 'c'", [1]),
        ("coalesce(nullif(coalesce(CAST(NULL AS VARCHAR), NULL), t), t) = 'a'", [0]),
        ("rtrim(coalesce(coalesce(CAST(NULL AS VARCHAR), NULL), lower(t))) = 'c'", [1]),
    ],
)
@pytest.mark.parametrize("wide", [False, True])
def test_null_in_a_dictionary_column(
    engine: DenoEngine, filter_by: Loaded, condition: str, expected: list[int], wide: bool
) -> None:
    table = Table(names=("t",), types=(LogicalType.TEXT,), values=(("a", "c", None),))
    output = computed(filter_by, {"where": condition}, cut_up(table, 9, wide=wide), engine)
    assert output == {"chunks": [spell([row in expected for row in range(3)])]}


def test_a_day_is_moved_whatever_it_was_computed_from(
    engine: DenoEngine, filter_by: Loaded
) -> None:
    """A day less a whole number of 64 bits is a day like any other."""
    table = Table(
        names=("d", "a"),
        types=(LogicalType.DATE, LogicalType.INT64),
        values=((0, 30, 31), (2**62, None, -(2**62))),
    )
    where = "CASE WHEN d < DATE '2000-01-01' THEN d - 0 * a END + INTERVAL 1 MONTH"
    spec = {"where": f"{where} = DATE '1970-02-01'"}
    output = computed(filter_by, spec, cut_up(table, 9, wide=True), engine)
    assert output["chunks"] == [spell([True, False, False])]
