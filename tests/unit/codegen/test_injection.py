"""This file is where it is tested that nothing of a spec becomes program text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import JOB_TYPES, columns_of

from grid.codegen.checker import check, node_kinds
from grid.conformance import Table, cut_up
from grid.items import Column, LogicalType, PhysicalType

HOSTILE_TEXTS = (
    "'+fetch(1)+'",
    '"); fetch(1); ("',
    "\\",
    "\n",
    "\u2028",
    "\U000e0001",
    "`${a}`",
    "</script>",
    "<!--",
    "*/",
    "__proto__",
    "k0",
)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_text_of_the_spec_is_no_program_text(text: str) -> None:
    columns = columns_of(True, PhysicalType.DICT8, PhysicalType.INT8)
    for operator in ("=", "<", "LIKE"):
        spelled = text.replace("'", "''")
        hostile, tame = (
            JOB_TYPES["filterBy"].program({"where": f"t {operator} '{value}'"}, columns)
            for value in (spelled, "x")
        )
        assert hostile == tame
        assert node_kinds(hostile) == node_kinds(tame)
        params = JOB_TYPES["filterBy"].params({"where": f"t {operator} '{spelled}'"}, columns)
        assert params == {"literals": [text]}


WITH_TEXT = [
    *("t = {}", "t < {}", "t LIKE {}", "t IN ({}, {})", "t BETWEEN {} AND {}", "t || {} = t"),
    *("replace(t, {}, {}) = {}", "trim(t, {}) = t", "position({} IN t) > 0", "{} = {}"),
    *("starts_with(t, {})", "ends_with(t, {})", "split_part(t, {}, 2) = {}", "length({}) > a"),
    *("CASE t WHEN {} THEN {} ELSE {} END = {}", "coalesce(t, {}) = {}", "nullif(t, {}) = {}"),
    *("greatest(t, {}, {}) = {}", "lower({}) = upper({})", "substr({}, a, b) = {}"),
    *("TRY_CAST({} AS BIGINT) = a", "TRY_CAST({} AS DATE) = d", "TRY_CAST({} AS DOUBLE) = x"),
]


@pytest.mark.parametrize("shape", WITH_TEXT)
def test_no_text_of_any_expression_is_program_text(shape: str) -> None:
    for text_type in (PhysicalType.DICT8, PhysicalType.UTF8):
        columns = columns_of(True, text_type, PhysicalType.INT64)

        def program(value: str, columns: list[Column] = columns) -> str:
            spelled = "'" + value.replace("'", "''") + "'"
            where = shape.replace("{}", spelled)
            return JOB_TYPES["filterBy"].program({"where": where}, columns)

        tame = program("x")
        check(tame)
        for value in HOSTILE_TEXTS:
            assert program(value) == tame


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_column_name_is_no_program_text(text: str) -> None:
    def program(name: str) -> str:
        table = Table(names=(name,), types=(LogicalType.INT64,), values=((1, None),))
        return JOB_TYPES["SUM"].program({"column": name}, cut_up(table, 5).columns)

    assert program(text) == program("x")


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_no_name_or_text_of_a_query_is_program_text(text: str) -> None:
    columns = columns_of(True, PhysicalType.DICT8, PhysicalType.INT64)

    def programs(value: str) -> list[str]:
        name, word = '"' + value.replace('"', '""') + '"', "'" + value.replace("'", "''") + "'"
        groups = {
            "by": [{"expression": f"t || {word}", "as": value or "x"}],
            "aggregates": [{"function": "MIN", "expression": f"{word} || u", "as": f"{value}2"}],
            "max_groups": 1 + len(value),
        }
        rows = f"SELECT replace(t, {word}, u) AS {name} FROM data WHERE t <> {word}"
        ends = f"SELECT max(t) || {word} AS {name} FROM data HAVING min(u) < {word} LIMIT 3"
        return [
            JOB_TYPES["groupBy"].program(groups, columns),
            *(JOB_TYPES["sql"].program({"query": query}, columns) for query in (rows, ends)),
        ]

    assert programs(text) == programs("x")


@given(st.integers(-(2**53), 2**53))
def test_a_small_number_of_the_spec_is_no_program_text(value: int) -> None:
    columns = columns_of(True, PhysicalType.DICT8, PhysicalType.INT8)
    specs = [{"criterias": [{"col": 0, "operator": ">", "value": n}]} for n in (value, 1)]
    programs = [JOB_TYPES["filterBy"].program(spec, columns) for spec in specs]
    assert programs[0] == programs[1]
