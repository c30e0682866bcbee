"""This file is where the pages' rules for pictures run by themselves: no page, no canvas."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_rules import run


def column(name: str, kind: str) -> dict[str, str]:
    return {"name": name, "type": kind}


KEY, DAY, COUNT, SUM = (
    column("key", "text"), column("day", "date"), column("n", "int64"), column("s", "double"),
)  # fmt: skip
GROUPS = [["a", "3", 0.5], ["b", "4", 1.5], [None, "5", None]]


@pytest.mark.parametrize(
    ("columns", "rows", "expected"),
    [
        ([KEY, COUNT, SUM], GROUPS, ("bars", 0, 2)),
        ([DAY, COUNT], [["2013-01-01", 1], ["2013-01-02", 2]], ("line", 0, 1)),
        ([DAY, COUNT], [["2013-01-02", 1], ["2013-01-01", 2]], ("bars", 0, 1)),
        ([COUNT, SUM], [[9, 0.5], [10, 1.5]], ("line", 0, 1)),
        ([KEY, COUNT], [[str(n), n] for n in range(61)], ("histogram", -1, 1)),
        ([SUM], [[0.5], [1.5]], ("histogram", -1, 0)),
        ([SUM], [[0.5]], None),
        ([KEY], [["a"], ["b"]], None),
    ],
)
def test_what_is_drawn_first_follows_from_the_columns(
    columns: Any, rows: Any, expected: tuple[str, int, int] | None
) -> None:
    found = run(f"out = figures.choose({json.dumps(columns)}, {json.dumps(rows)})", "figures",
                folder="pages")  # fmt: skip
    assert found == (expected and dict(zip(("kind", "along", "of"), expected, strict=True)))


def test_a_histogram_counts_every_number_once_and_nothing_else() -> None:
    rows = [[1], [2], ["9007199254740993"], ["NaN"], ["Infinity"], [None], [1]]
    statement = (
        f"out = figures.series({json.dumps([COUNT])}, {json.dumps(rows)},"
        " {kind: 'histogram', along: -1, of: 0})"
    )
    found = run(statement, "figures", folder="pages")
    assert sum(found["values"]) == 4 and len(found["values"]) == len(found["labels"]) == 24
    assert found["values"][0] == 3 and found["values"][-1] == 1


def test_a_histogram_of_one_value_or_of_none_is_no_error() -> None:
    picture = "{kind: 'histogram', along: -1, of: 0}"
    columns = json.dumps([SUM])
    found = run(
        f"const of = (rows) => figures.series({columns}, rows, {picture});"
        "out = [[[2.5], [2.5]], [[null]]].map(of)",
        "figures",
        folder="pages",
    )
    assert [one["values"] for one in found] == [[2], []]


@pytest.mark.parametrize("count", [1, 19, 1_000, 100_000])
def test_every_cell_of_a_map_is_found_where_it_is_drawn(count: int) -> None:
    found = run(
        f"""
        const l = map.layout({count}, 700);
        let wrong = 0;
        for (let place = 0; place < {count}; place++) {{
          const x = (place % l.columns) * l.cell, y = Math.floor(place / l.columns) * l.cell;
          if (map.placeAt(l, {count}, x + l.cell - 1, y + l.cell - 1) !== place) wrong++;
        }}
        const beyond = map.placeAt(l, {count}, l.columns * l.cell, 0);
        out = [wrong, beyond, l.rows * l.cell, map.placeAt(l, {count}, 0, l.rows * l.cell)];
        """,
        "map",
        folder="pages",
    )
    wrong, beyond, height, below = found
    assert (wrong, beyond, below) == (0, -1, -1)
    assert height <= 1_000


def test_the_pace_is_that_of_the_last_minute() -> None:
    found = run(
        """
        const p = new pace.Pace();
        out = [p.perMinute()];
        for (let s = 0; s <= 300; s++) p.note(s, s < 200 ? 0 : (s - 200) * 2);
        out.push(p.perMinute(), p.words(), [1, 89, 90, 5400, 200000].map(pace.duration));
        """,
        "pace",
        folder="pages",
    )
    assert found == [None, 120, "120 a minute", ["1 s", "89 s", "2 min", "2 h", "2 days"]]
