"""This file is where every deliberate difference from DuckDB is shown to be one."""

from __future__ import annotations

import math

import duckdb
import pytest

from grid.codegen.differences import DIFFERENCES
from grid.codegen.errors import SpecError
from grid.codegen.parse import parse
from grid.codegen.reference import evaluate

REFUSED = "refused"
#: Difference → a condition, what DuckDB makes of it, what Grid makes of it.
CASES = {
    "integer + - *": ("(9223372036854775807 + 1) % 2 = 0", REFUSED, True),
    "x / 0": ("1 / 0 IS NULL", False, True),
    "x % 0": ("1 % 0 IS NULL", REFUSED, True),
    "decimal literals": ("0.1 + 0.2 = 0.3", True, False),
    "1e400": ("1e400 > 1", True, REFUSED),
    "'3' = 3": ("'3' = 3", True, REFUSED),
    "a = b IN (c)": ("1 = 1 IN (1)", True, REFUSED),
}


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_a_difference_is_one(difference: str) -> None:
    condition, theirs, ours = CASES[difference]
    with duckdb.connect() as database:
        try:
            ((found,),) = database.execute(f"SELECT {condition}").fetchall()
        except duckdb.Error:
            found = REFUSED
    try:
        (value,) = evaluate(parse(condition, ()), {}, 1)
    except SpecError:
        value = REFUSED
    assert (found, value) == (theirs, ours)


def test_no_double_beyond_the_largest_is_read() -> None:
    with pytest.raises(SpecError, match="too large"):
        parse(f"{math.nextafter(math.inf, 0):.0f}0.0 > 1", ())
