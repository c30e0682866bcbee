"""This file is where the job types' answers are compared with exact arithmetic and with DuckDB."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from evaluating import COMPUTED
from hypothesis import given
from hypothesis import strategies as st

from grid.conformance import ARROW, NOTABLE, Table, computed, cut_up, merged, random_tables
from grid.engines.deno import DenoEngine
from grid.items import Json, LogicalType
from grid.plugins.loader import OWN_FOLDER, find, load

LOADED = {
    name: load(find(OWN_FOLDER / name)) for name in ("filterBy", "SUM", "MIN", "MAX", "COUNT")
}
ROWS = [
    (1, "Bimal", 7), (1, "Utkarsh", 6), (1, "Bimal", 3), (9, "Suyash", 5), (1, "Bimal", 7),
    (1, "Suyash", 3), (1, "Bimal", 3), (1, "Bimal", 3), (9, "Suyash", 9), (3, "Utkarsh", 1),
]  # fmt: skip
PEOPLE = Table(
    names=("id", "name", "points"),
    types=(LogicalType.INT64, LogicalType.TEXT, LogicalType.INT64),
    values=tuple(zip(*ROWS, strict=True)),
)
SUYASH = {
    "criterias": [
        {"col": 0, "operator": "<=", "value": 9},
        {"col": 1, "operator": "==", "value": "Suyash"},
    ]
}


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def answer(
    engine: DenoEngine, name: str, spec: Json, table: Table, chunk_rows: int
) -> list[list[Json]]:
    """The assembled output, after program and reference agreed on it."""
    cut = cut_up(table, chunk_rows)
    computed(LOADED[name], spec, cut, engine)
    return merged(LOADED[name], spec, cut, 2)


@pytest.mark.parametrize("chunk_rows", [1, 3, 100])
@pytest.mark.parametrize(
    ("name", "spec", "rows"),
    [
        ("filterBy", SUYASH, [[9, "Suyash", 5], [1, "Suyash", 3], [9, "Suyash", 9]]),
        ("SUM", {"column": "points"}, [[47, 10]]),
        ("SUM", {"column": "points", **SUYASH}, [[17, 3]]),
        ("MIN", {"column": "points"}, [[1, 10]]),
        ("MIN", {"column": "points", **SUYASH}, [[3, 3]]),
        ("MAX", {"column": "points"}, [[9, 10]]),
        ("MAX", {"column": "points", **SUYASH}, [[9, 3]]),
        ("COUNT", {"column": "points"}, [[10]]),
        ("COUNT", {"column": "points", **SUYASH}, [[3]]),
    ],
)
def test_the_worked_examples(
    engine: DenoEngine, name: str, spec: Json, rows: Json, chunk_rows: int
) -> None:
    assert answer(engine, name, spec, PEOPLE, chunk_rows) == rows


OPERATORS = {
    "==": lambda a, b: a == b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}
MIXED = ("3", "30", "x", "", "O'Brien", "\\", "\u2028", "\U000e0001", "03")


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(
    ("kind", "values", "value"),
    [
        (LogicalType.INT64, (1, 3, 5, -3, 2**40), 3),
        (LogicalType.INT64, (1, 3, 5, -3, 2**40), 3.5),
        (LogicalType.DOUBLE, (1.0, 3.0, 3.5, -0.5), 3),
        (LogicalType.DOUBLE, (1.0, 3.0, 3.5, -0.5), 3.5),
        (LogicalType.TEXT, MIXED, "3"),
        *((LogicalType.TEXT, MIXED, text) for text in MIXED[4:8]),
    ],
)
def test_every_operator_of_a_criterion(
    engine: DenoEngine, operator: str, kind: LogicalType, values: tuple[Any, ...], value: Any
) -> None:
    table = Table(names=("c",), types=(kind,), values=(values,))
    spec = {"criterias": [{"col": 0, "operator": operator, "value": value}]}
    expected = [
        [one]
        for one in values
        if OPERATORS[operator](*(s.encode() if isinstance(s, str) else s for s in (one, value)))
    ]
    assert answer(engine, "filterBy", spec, table, 2) == expected


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ((0.1, 0.2), 0.30000000000000004),
        ((0.1,) * 10, 1.0),
        ((1e308, 1e308, -1e308), 1e308),
        ((1e308, 1e308), "Infinity"),
        ((-1e308, -1e308), "-Infinity"),
        ((5e-324, 5e-324), 1e-323),
        ((1e16, 1.0, -1e16), 1.0),
        ((1.0, 1e-16, 1e-16), math.fsum([1.0, 1e-16, 1e-16])),
        ((math.inf, 1.0), "Infinity"),
        ((math.inf, -math.inf), "NaN"),
        ((math.nan, math.inf), "NaN"),
        ((-math.inf, None, 3.0), "-Infinity"),
        ((0.0,), 0.0),
        ((None,), None),
        ((2.0**53, 1.0, 2.0), 2.0**53 + 4),
        ((2.2250738585072014e-308, -5e-324), 2.225073858507201e-308),
    ],
)
def test_a_sum_of_doubles_is_rounded_once(
    engine: DenoEngine, values: tuple[Any, ...], total: Json
) -> None:
    table = Table(names=("x",), types=(LogicalType.DOUBLE,), values=(values,))
    for chunk_rows in (1, 2, 100):
        ((found, count),) = answer(engine, "SUM", {"column": "x"}, table, chunk_rows)
        assert (found, count) == (total, sum(value is not None for value in values))


DOUBLES = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [value for value in NOTABLE[LogicalType.DOUBLE] if math.isfinite(value)]
)


@given(st.lists(DOUBLES, min_size=1, max_size=60), st.integers(1, 60))
def test_a_sum_of_doubles_is_the_exact_one(
    engine: DenoEngine, values: list[float], chunk_rows: int
) -> None:
    table = Table(names=("x",), types=(LogicalType.DOUBLE,), values=(tuple(values),))
    ((found, _),) = answer(engine, "SUM", {"column": "x"}, table, chunk_rows)
    exact = sum(map(Fraction, values), Fraction(0))
    try:
        assert found == exact.numerator / exact.denominator
        assert found == math.fsum(values)
    except OverflowError:
        assert found in ("Infinity", "-Infinity") or abs(exact) < 2**1024


WHOLE = st.integers(-(2**63), 2**63 - 1) | st.integers(-100, 100) | st.none()


@given(st.lists(WHOLE, min_size=1, max_size=60), st.integers(1, 60))
def test_a_sum_of_whole_numbers_never_overflows(
    engine: DenoEngine, values: list[int | None], chunk_rows: int
) -> None:
    table = Table(names=("n",), types=(LogicalType.INT64,), values=(tuple(values),))
    ((found, count),) = answer(engine, "SUM", {"column": "n"}, table, chunk_rows)
    known = [value for value in values if value is not None]
    assert count == len(known)
    assert (None if found is None else int(found)) == (sum(known) if known else None)


def test_sums_past_2_to_the_53_are_exact_in_one_chunk(engine: DenoEngine) -> None:
    values = (2**63 - 1,) * 40_000 + (-(2**63),) * 20_001
    table = Table(names=("n",), types=(LogicalType.INT64,), values=(values,))
    total = str(sum(values))
    assert answer(engine, "SUM", {"column": "n"}, table, 60_001) == [[total, 60_001]]
    narrow = (2**31 - 1,) * 60_000
    table = Table(names=("n",), types=(LogicalType.INT64,), values=(narrow,))
    assert answer(engine, "SUM", {"column": "n"}, table, 60_000) == [[sum(narrow), 60_000]]


TYPES = tuple(LogicalType)


@COMPUTED
@given(random_tables(TYPES, TYPES, 15), st.sampled_from(TYPES), st.integers(1, 15))
def test_min_is_what_duckdb_finds(
    engine: DenoEngine,
    database: duckdb.DuckDBPyConnection,
    table: Table,
    column: LogicalType,
    chunk_rows: int,
) -> None:
    arrow = pa.table(
        [
            pa.array(values, ARROW[kind])
            for values, kind in zip(table.values, table.types, strict=True)
        ],
        names=list(table.names),
    )
    database.register("given", arrow)
    (row,) = database.execute(
        f'SELECT min("{column}"), count("{column}") FROM given WHERE "boolean" OR "int64" < 9'
    ).fetchall()
    spec = {"column": str(column), "where": '"boolean" OR int64 < 9'}
    ((least, count),) = answer(engine, "MIN", spec, table, chunk_rows)
    assert count == row[1]
    if isinstance(row[0], float) and not math.isfinite(row[0]):
        assert float(least) == row[0] or (least == "NaN" and math.isnan(row[0]))
    elif isinstance(row[0], int) and not isinstance(row[0], bool):
        assert int(least) == row[0]
    else:
        assert least == row[0]


@pytest.mark.parametrize("rows", [0, 1, 4, 7])
def test_small_tables_come_out_whole(engine: DenoEngine, rows: int) -> None:
    texts = ("O'Brien", "a\\b", "line\nbreak", "\u2028", "\U000e0001", "", None)[:rows]
    table = Table(names=("t",), types=(LogicalType.TEXT,), values=(texts,))
    spec = {"where": "t IS NULL OR t = t"}
    for chunk_rows in (1, 3, 9):
        assert answer(engine, "filterBy", spec, table, chunk_rows) == [[text] for text in texts]


def test_all_rows_of_a_large_chunk_can_be_selected_or_none(engine: DenoEngine) -> None:
    values = tuple(range(70_000))
    table = Table(names=("n",), types=(LogicalType.INT64,), values=(values,))
    for where, expected in (
        ("n >= 0", 70_000),
        ("n < 0", 0),
        ("n % 16 = 0", 4_375),
        ("n % 15 = 0", 4_667),
        ("n = 69999", 1),
    ):
        rows = answer(engine, "filterBy", {"where": where}, table, 65_536)
        assert len(rows) == expected
