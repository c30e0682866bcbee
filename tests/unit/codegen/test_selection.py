"""This file is where it is tested that a selection of rows has one spelling."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.codegen.selection import SPARSE, read, spell
from grid.items import Json


def rows_of(found: bytes | list[int]) -> list[int]:
    if isinstance(found, list):
        return found
    return [row for row in range(8 * len(found)) if found[row >> 3] >> (row & 7) & 1]


@given(st.lists(st.booleans(), max_size=300))
def test_what_is_spelled_is_read(hits: list[bool]) -> None:
    assert rows_of(read(spell(hits), len(hits))) == [row for row, hit in enumerate(hits) if hit]


@given(st.sets(st.integers(0, 99_999), max_size=6))
def test_few_rows_of_many_are_a_list_of_gaps(rows: set[int]) -> None:
    hits = [row in rows for row in range(100_000)]
    spelled = spell(hits)
    assert set(spelled) == {"count", "deltas"}
    assert read(spelled, len(hits)) == sorted(rows)
    assert len(base64.b64decode(spelled["deltas"])) <= 3 * len(rows)


@given(st.integers(1, 400), st.data())
def test_a_list_is_never_longer_than_the_bitmap(rows: int, data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.integers(0, rows - 1), max_size=rows // SPARSE))
    spelled = spell([row in chosen for row in range(rows)])
    assert len(base64.b64decode(spelled["deltas"])) <= (rows + 7) // 8


def b64(*data: int) -> str:
    return base64.b64encode(bytes(data)).decode()


@pytest.mark.parametrize(
    ("rows", "selection", "says"),
    [
        (16, {"count": 1, "bitmap": b64(1, 0)}, "other form"),
        (16, {"count": 2, "deltas": b64(0, 0)}, "other form"),
        (16, {"count": 1, "deltas": b64(0), "bitmap": b64(1, 0)}, "other form"),
        (16, {"count": 1, "deltas": b64(16)}, "past the end"),
        (64, {"count": 2, "deltas": b64(63, 0)}, "past the end"),
        (64, {"count": 2, "deltas": b64(0)}, "1 rows are selected, not 2"),
        (64, {"count": 1, "deltas": b64(0x80)}, "cut off"),
        (64, {"count": 1, "deltas": b64(0x81, 0)}, "needless byte"),
        (64, {"count": 1, "deltas": b64(*[0x80] * 5, 1)}, "too long"),
        (64, {"count": -1, "deltas": b64()}, "0 rows are selected, not -1"),
        (64, {"count": 1, "deltas": "AA"}, "not base64"),
        (64, {"count": 1, "deltas": "A\nA=="}, "not base64"),
        (64, {"count": 1, "deltas": "AB=="}, "one spelling"),
        (9, {"count": 1, "bitmap": b64(1)}, "not of the chunk's length"),
        (9, {"count": 1, "bitmap": b64(1, 0, 0)}, "not of the chunk's length"),
        (9, {"count": 2, "bitmap": b64(1, 2)}, "past the end"),
        (9, {"count": 2, "bitmap": b64(1, 0)}, "1 rows are selected, not 2"),
        (0, {"count": 1, "bitmap": ""}, "0 rows are selected, not 1"),
    ],
)
def test_any_other_spelling_is_refused(rows: int, selection: Json, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(selection, rows)
