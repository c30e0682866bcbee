"""This file is where edit distance and Jaro-Winkler are compared with DuckDB's."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from evaluating import COMPUTED, by_program, by_reference
from hypothesis import given
from hypothesis import strategies as st

from grid.codegen.parse import expression
from grid.codegen.reference.similar import jaro_winkler, levenshtein
from grid.conformance import Table, cut_up
from grid.engines.deno import DenoEngine
from grid.items import LogicalType

#: Few letters of one to four bytes, so that they match; lengths on both sides of a word's 32 bits.
WORDS = st.text("abcd\u00e9\u20ac\U0001f600", max_size=12) | st.text("ab ", max_size=90)
PAIRS = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=20)
THEIRS = "SELECT levenshtein($1, $2), jaro_winkler_similarity($1, $2)"
LONG = ["a" * 1024, "ab" * 60, "\u20ac" * 41, "x" * 31, "x" * 32, "x" * 33, "\u00e9" * 16, ""]


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def compare(engine: DenoEngine, pairs: list[tuple[str, str]]) -> list[list[object]]:
    """What the reference says, which the programs say too."""
    table = Table(
        names=("t", "u"),
        types=(LogicalType.TEXT,) * 2,
        values=tuple(zip(*pairs, strict=True)),
    )
    cut = cut_up(table, 7, wide=True)
    found = []
    for name in ("levenshtein", "jaro_winkler_similarity"):
        expr = expression(f"{name}(t, u)", cut.columns, "/x")
        said = by_reference(expr, table)
        assert by_program(expr, cut, engine) == said
        found.append(said)
    return found


@COMPUTED
@given(pairs=PAIRS)
def test_any_two_texts_are_as_near_as_duckdb_says(
    engine: DenoEngine, database: duckdb.DuckDBPyConnection, pairs: list[tuple[str, str]]
) -> None:
    distances, likenesses = compare(engine, pairs)
    for pair, distance, likeness in zip(pairs, distances, likenesses, strict=True):
        assert database.execute(THEIRS, pair).fetchone() == (distance, likeness), pair


def test_texts_of_all_lengths_are_as_near_as_duckdb_says(
    engine: DenoEngine, database: duckdb.DuckDBPyConnection
) -> None:
    pairs = [(one, other) for one in LONG for other in LONG]
    distances, likenesses = compare(engine, pairs)
    for pair, distance, likeness in zip(pairs, distances, likenesses, strict=True):
        assert database.execute(THEIRS, pair).fetchone() == (distance, likeness), pair


def test_more_texts_than_are_kept_are_compared_all_the_same(engine: DenoEngine) -> None:
    """The kit keeps two million bytes of texts, and then begins anew."""
    pairs = [("x7", f"{number}{'x' * 1000}") for number in range(2_200)]
    distances, _ = compare(engine, pairs)
    assert distances[:2] == [1000, 1000]


def test_a_text_of_more_than_1024_bytes_fails(engine: DenoEngine) -> None:
    failed = ("failed", 1)
    assert compare(engine, [("\u20ac" * 342, "a"), ("a", "a" * 1025), ("a", "b")]) == [
        [failed, failed, 1],
        [failed, failed, 0.0],
    ]


@pytest.mark.parametrize(
    ("one", "other", "distance", "likeness"),
    [
        ("kitten", "sitting", 3, 0.746031746031746),
        ("MARTHA", "MARHTA", 2, 0.9611111111111111),
        ("DIXON", "DICKSONX", 4, 0.8133333333333332),
        ("\u00e9", "e", 2, 0.0),
        ("", "abc", 3, 0.0),
    ],
)
def test_known_pairs_are_as_near_as_ever(
    one: str, other: str, distance: int, likeness: float
) -> None:
    assert (levenshtein(one, other), jaro_winkler(one, other)) == (distance, likeness)
