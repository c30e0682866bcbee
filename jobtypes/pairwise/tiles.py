"""This file is where pairs of rows are numbered by tiles: squares of the table of all pairs.

A tile is so many rows; a point is a pair of tiles, and a point's pairs are those of their rows. The
numbers do not depend on how many rows there are: pairs of tiles (i, j) with i ≤ j go by j, then i;
pairs of any two go by the greater of them, first (0, m) to (m, m), then (m, 0) to (m, m − 1).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from itertools import accumulate

#: The lines of a program that find the tiles `one` and `two` of the point `number`.
ORDERED = [
    "let two = kit.floor((kit.sqrt(8 * number + 1) - 1) / 2);",
    "if (two * (two + 1) / 2 > number) {",
    "two += -1;",
    "}",
    "if ((two + 1) * (two + 2) / 2 <= number) {",
    "two += 1;",
    "}",
    "const one = number - two * (two + 1) / 2;",
]
CROSSED = [
    "let most = kit.floor(kit.sqrt(number));",
    "if (most * most > number) {",
    "most += -1;",
    "}",
    "if ((most + 1) * (most + 1) <= number) {",
    "most += 1;",
    "}",
    "const past = number - most * most;",
    "const one = past > most ? most : past;",
    "const two = past > most ? past - most - 1 : most;",
]


def count(rows: int, tile: int, crossed: bool) -> int:
    """How many pairs of tiles so many rows make; `crossed` where either may be first."""
    tiles = -(-rows // tile)
    return tiles * tiles if crossed else tiles * (tiles + 1) // 2


def tiles(point: int, crossed: bool) -> tuple[int, int]:
    """The tiles of this point."""
    if crossed:
        most = math.isqrt(point)
        past = point - most * most
        return (past, most) if past <= most else (most, past - most - 1)
    two = (math.isqrt(8 * point + 1) - 1) // 2
    return point - two * (two + 1) // 2, two


def chunks(rows: Sequence[int], tile: int, points: range, crossed: bool) -> list[int]:
    """The chunks, of so many rows each, that hold the tiles of these points."""
    ends = list(accumulate(rows))
    needed: set[int] = set()
    for number in {number for point in points for number in tiles(point, crossed)}:
        first = bisect.bisect_right(ends, number * tile)
        last = bisect.bisect_left(ends, min((number + 1) * tile, ends[-1]))
        needed.update(range(first, last + 1))
    return [chunk for chunk in sorted(needed) if rows[chunk]]


def blocks(
    points: Sequence[int], tile: int, crossed: bool, known: Sequence[int]
) -> Iterator[tuple[int, Sequence[int]]]:
    """Each row that is first in pairs of these points, with those that are second; `known` are the
    numbers of the rows that there are, ascending."""
    for point in points:
        one, two = tiles(point, crossed)
        left, right = (
            known[bisect.bisect_left(known, number * tile) :][:tile] for number in (one, two)
        )
        others = [row for row in right if row < (two + 1) * tile]
        for row in left:
            if row < (one + 1) * tile:
                yield row, [other for other in others if crossed or other > row]
