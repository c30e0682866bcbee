"""This file is where every deliberate difference from DuckDB is shown to be one."""

from __future__ import annotations

import math

import duckdb
import pytest
from evaluating import arrow_of

from grid.codegen.differences import DIFFERENCES
from grid.codegen.errors import SpecError
from grid.codegen.parse import parse
from grid.codegen.reference import RowFailed, evaluate
from grid.conformance import Table, cut_up, merged
from grid.items import Column, LogicalType, PhysicalType
from grid.plugins.loader import OWN_FOLDER, find, load

REFUSED = "refused"
COLUMNS = (Column(name="a", type=LogicalType.INT64, physical=PhysicalType.INT8, nullable=False),)
#: Difference → a condition, what DuckDB makes of it, what Grid makes of it.
CASES = {
    "integer literals": ("2147483647 + 1 = 2147483648", REFUSED, True),
    "9223372036854775808": ("100000000000000000000 * 1000000000000000000 > 0", True, REFUSED),
    "x / 0": ("1 / a IS NULL", False, True),
    "x // 0": ("1 // a IS NULL", REFUSED, True),
    "x % 0": ("1 % a IS NULL", REFUSED, True),
    "1.5 // 1": ("1.5 // 1 = 1.5", True, REFUSED),
    "lower('Ä')": ("lower('Ä') = 'Ä'", False, True),
    "CAST('1_000' AS BIGINT)": ("CAST('1_000' AS BIGINT) = 1000", True, REFUSED),
    "DATE '9999-12-31' + 1": ("DATE '9999-12-31' + 1 > DATE '9999-12-31'", True, REFUSED),
    "CAST(-sqrt(-1) AS VARCHAR)": (
        "CAST(-sqrt(-1) AS VARCHAR) = CAST(sqrt(-1) AS VARCHAR)",
        False,
        True,
    ),
    "FALSE AND CAST(t AS BIGINT) > 0": (
        "CAST(CAST(a AS VARCHAR) || 'x' AS BIGINT) > 0 AND a > 0",
        REFUSED,
        False,
    ),
    "sin(x)": ("exp(a + 50.97213119931712e0) = 1.3706144643998726e+22", True, False),
    "levenshtein(t, u)": (f"levenshtein('{'a' * 1025}', '') = 1025", True, REFUSED),
    "substr(t, 9223372036854775807)": ("substr('t', 9223372036854775807) = ''", REFUSED, True),
    "round(CAST(NULL AS DECIMAL(4,2)), -9)": (
        "round(CAST(nullif(a, 0) AS DECIMAL(4,2)), -9) = 0",
        True,
        None,
    ),
    "CAST(TRUE AS DECIMAL(4,4))": ("CAST(TRUE AS DECIMAL(4,4)) > 0", True, REFUSED),
    "1e400": ("1e400 > 1", True, REFUSED),
    "'3' = 3": ("'3' = 3", True, REFUSED),
    "a = b IN (c)": ("1 = 1 IN (1)", True, REFUSED),
}

#: Difference in aggregates → values of x, a condition on them, and the same.
AGGREGATED = {
    "sum(n), avg(x)": ((1e16, 1.0, -1e16), "sum(x) = 1", False, True),
    "avg(m)": (
        (1.0, 1.0, 0.0),
        (
            "avg(CASE WHEN x > 0 THEN TIMESTAMP '1969-12-31 23:59:59.999999' "
            "ELSE TIMESTAMP '1970-01-01' END) = TIMESTAMP '1970-01-01'"
        ),
        True,
        False,
    ),
    "stddev(x), var_samp(x)": ((math.inf,), "stddev_pop(x) = 0", True, False),
    "min(x * -0e0)": ((1.0,), "CAST(min(x * -0e0) AS VARCHAR) = '-0.0'", True, False),
}


def test_every_difference_is_shown_once() -> None:
    assert sorted([*CASES, *AGGREGATED]) == sorted(DIFFERENCES)


@pytest.mark.parametrize("difference", AGGREGATED)
def test_a_difference_in_aggregates_is_one(difference: str) -> None:
    values, condition, theirs, ours = AGGREGATED[difference]
    table = Table(names=("x",), types=(LogicalType.DOUBLE,), values=(values,))
    query = f"SELECT {condition} FROM data"
    with duckdb.connect() as database:
        database.register("data", arrow_of(table))
        assert database.execute(query).fetchall() == [(theirs,)]
    assert merged(load(find(OWN_FOLDER / "sql")), {"query": query}, cut_up(table, 1), 1) == [[ours]]


@pytest.mark.parametrize("difference", CASES)
def test_a_difference_is_one(difference: str) -> None:
    condition, theirs, ours = CASES[difference]
    with duckdb.connect() as database:
        try:
            given = "(SELECT CAST(range AS BIGINT) AS a FROM range(2))"
            query = f"SELECT {condition} FROM {given} ORDER BY a"
            ((found,), _) = database.execute(query).fetchall()
        except duckdb.Error:
            found = REFUSED
    try:
        (value,) = evaluate(parse(condition, COLUMNS), {"a": [0]}, 1)
    except (SpecError, RowFailed):
        value = REFUSED
    assert (found, value) == (theirs, ours)


def test_no_double_beyond_the_largest_is_read() -> None:
    with pytest.raises(SpecError, match="too large"):
        parse(f"{math.nextafter(math.inf, 0):.0f}0.0 > 1", ())
