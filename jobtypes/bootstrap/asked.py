"""This file is where it is read what a data set is resampled for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from msgspec import Struct

from grid.codegen import build, parse
from grid.codegen.build import Place
from grid.codegen.condition import condition
from grid.codegen.failing import Site, failing, sites
from grid.codegen.reference import evaluated
from grid.codegen.tree import ColumnRef, Expr, reads, walk
from grid.codegen.types import DOUBLE, NUMBERS, Kind
from grid.items import Column, Json
from grid.plugins.contract import Chunk

#: Statistics of one expression, and of two: with `by` a number, or with a group.
ALONE = ("mean", "sum", "median", "stddev", "quantile")
BESIDE = ("ratio", "correlation")
TEST = "difference"
#: Rows of a data set that every host holds whole.
ROWS_MAX = 1_000_000
#: What drawing and adding a value takes a browser of 2024, and rounding a statistic.
VALUE_NS, STATISTIC_NS = 25, 20_000


class Asked(Struct, frozen=True):
    """A spec, read against a data set."""

    columns: Sequence[Column]
    statistic: str
    #: Doubles; `by` is 1 or 0 where it is a group.
    of: Expr
    by: Expr | None
    where: Expr | None
    replicates: int
    seed: int
    #: Which quantile, exactly; None of the others.
    share: Fraction | None
    confidence: Fraction

    @property
    def expressions(self) -> tuple[Expr | None, ...]:
        """All, in the order in which places of failures are numbered."""
        return (self.where, self.of, self.by)

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where a row can fail."""
        return sites(*self.expressions)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that are read."""
        return reads(self.columns, *self.expressions)

    def replicate_ns(self, rows: int) -> int:
        """What one replicate of so many rows takes."""
        return rows * VALUE_NS + STATISTIC_NS

    def values(self, chunk: Chunk) -> tuple[list[tuple[float, float]], int, dict[int, int]]:
        """The values of each row that has them, how many have not, and the rows that fail."""
        numbers = failing(*self.expressions)
        rows = len(chunk[self.reads[0]])
        truth, faults = [True] * rows, dict[int, int]()
        if self.where is not None:
            truth, faults = evaluated(self.where, chunk, rows, numbers)
        kept = [row for row in range(rows) if truth[row] is True and row not in faults]
        narrow = {name: [chunk[name][row] for row in kept] for name in self.reads}
        sides: list[list[Any]] = []
        for expr in (self.of, self.by):
            if expr is None:
                sides.append([0.0] * len(kept))
                continue
            values, failed = evaluated(expr, narrow, len(kept), numbers)
            sides.append([None if at in failed else value for at, value in enumerate(values)])
            for at, number in failed.items():
                faults[kept[at]] = min(number, faults.get(kept[at], number))
        found = [pair for pair in zip(*sides, strict=True) if all(map(_usable, pair))]
        return [(x + 0.0, y + 0.0) for x, y in found], len(kept) - len(found), faults


def _usable(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def asked(spec: Mapping[str, Json], columns: Sequence[Column]) -> Asked:
    """What the spec asks for; raises SpecError."""
    statistic = spec["statistic"]
    wanted = {"by": BESIDE, "group": (TEST,), "share": ("quantile",)}
    for field, statistics in wanted.items():
        if (field in spec) is not (statistic in statistics):
            said = "is needed" if statistic in statistics else "is not part"
            raise Place(f"/{field}").refuse(f"this {said} of {statistic}")
    of = _number(spec["of"], columns, "/of")
    by = None
    if "by" in spec:
        by = _number(spec["by"], columns, "/by")
    elif "group" in spec:
        by = build.cast(parse.parse(spec["group"], columns, "/group"), DOUBLE, Place("/group"))
    where = condition(spec, columns)
    if not any(isinstance(item, ColumnRef) for item in walk(of)):
        raise Place("/of").refuse("this is the same for all rows")
    return Asked(
        columns=columns,
        statistic=statistic,
        of=of,
        by=by,
        where=where,
        replicates=int(spec.get("replicates", 10_000)),
        seed=int(spec.get("seed", 0)),
        share=Fraction(str(spec["share"])) if "share" in spec else None,
        confidence=Fraction(str(spec.get("confidence", 0.95))),
    )


def _number(text: str, columns: Sequence[Column], pointer: str) -> Expr:
    found = parse.expression(text, columns, pointer)
    if found.kind not in NUMBERS | {Kind.BOOLEAN}:
        raise Place(pointer).refuse(f"a number is needed, and this is {found.type}")
    return build.cast(found, DOUBLE, Place(pointer))
