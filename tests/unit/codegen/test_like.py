"""This file is where LIKE is seen to match what the reference does, in steps linear in the text."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from evaluating import by_program, by_reference
from hypothesis import given
from hypothesis import strategies as st

from grid.codegen.parse import expression
from grid.conformance import Table, cut_up
from grid.engines.deno import DenoEngine
from grid.items import LogicalType

PIECES = st.text("ab_%\U0001f600", max_size=12) | st.sampled_from(
    ["%aabaabaab_aab%", "%" + "ab" * 20 + "%", "%" + "a_" * 40 + "%", "%_%_%", "%a%b%_"]
)
TEXTS = st.text("ab\U0001f600", max_size=120)


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


def table_of(texts: list[str]) -> Table:
    return Table(names=("t",), types=(LogicalType.TEXT,), values=(tuple(texts),))


@given(pattern=PIECES, texts=st.lists(TEXTS, min_size=1, max_size=30))
def test_a_pattern_matches_what_the_reference_says(
    engine: DenoEngine, pattern: str, texts: list[str]
) -> None:
    table = table_of(texts)
    cut = cut_up(table, len(texts))
    expr = expression(f"t LIKE '{pattern}'", cut.columns, "/x")
    assert by_program(expr, cut, engine) == by_reference(expr, table)


@pytest.mark.parametrize(
    "pattern", ["%" + "a" * 400 + "b%", "%" + "a_" * 200 + "b%", "%" + "a" * 400 + "%b%c"]
)
def test_a_text_ten_times_as_long_takes_no_more_than_ten_times_the_time(
    engine: DenoEngine, pattern: str
) -> None:
    def seconds(length: int) -> float:
        table = table_of(["a" * length])
        cut = cut_up(table, 1, wide=True)
        expr = expression(f"t LIKE '{pattern}'", cut.columns, "/x")
        best = 60.0
        for _ in range(3):
            start = time.perf_counter()
            assert by_program(expr, cut, engine) == [False]
            best = min(best, time.perf_counter() - start)
        return best

    # Pattern times text is 8·10^8 steps, which take seconds.
    assert seconds(2_000_000) < 25 * seconds(200_000) + 0.5
