"""This file is where it is read what pairs of rows are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from msgspec import Struct

from grid.codegen import parse, sides
from grid.codegen.best import Best
from grid.codegen.build import Place
from grid.codegen.expense import nanoseconds
from grid.codegen.failing import Site, sites
from grid.codegen.reference import evaluate
from grid.codegen.reference.given import Given, given
from grid.codegen.tree import ColumnRef, Expr, reads, shared, walk
from grid.codegen.types import NUMBERS, Kind
from grid.items import Column, Json
from grid.plugins.contract import Chunk, Points, SpecError

from . import tiles

#: Digits of the decimals whose best of each row is kept in 64 bits.
DIGITS_64 = 18
#: What is kept of the pairs → the rows of a tile and the points of a work unit, so that an answer
#: has less than 64 kB; and how many rows a data set may have where all of them are told of.
SIZES = {
    "pairs": (128, 64, None),
    "best": (128, 4096, None),
    "each": (768, 1, 50_000),
    "all": (32, 1, 2_000),
}


class Asked(Struct, frozen=True):
    """A spec, read against a data set."""

    columns: Sequence[Column]
    #: Over a.… and b.….
    value: Expr
    where: Expr | None
    #: Over one row: true where it can be first, false where it can be second.
    split: Expr | None
    #: What is kept: a key of SIZES; and the best of all, or of each row.
    mode: str
    best: Best | None

    @property
    def tile(self) -> int:
        """Rows of a tile."""
        return SIZES[self.mode][0]

    @property
    def crossed(self) -> bool:
        """Whether a row may be first in a pair with a row ahead of it."""
        return self.split is not None

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where a pair can fail."""
        return sites(self.where, self.value)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of the data set that are read, in its order."""
        both = [sides.plain(expr) for expr in (self.value, self.where) if expr is not None]
        return reads(self.columns, *both, self.split)

    @property
    def point_ns(self) -> int:
        """What the pairs of a point take."""
        return self.tile**2 * nanoseconds(self.where, self.value)

    def points(self, rows: Sequence[int]) -> int:
        """How many points there are; raises SpecError for more rows than can be told of."""
        most = SIZES[self.mode][2]
        if most is not None and sum(rows) > most:
            raise SpecError(f"/{self.mode}", f"for {most:,} rows at most")
        return tiles.count(sum(rows), self.tile, self.crossed)

    def pairs(self, chunks: Sequence[Chunk]) -> Iterator[tuple[int, int, Given]]:
        """Each pair of a work unit's points, in the order in which they count."""
        points, *tables = chunks
        names = self.reads
        numbers = [
            cast("int", first) + row
            for first, table in zip(points["first_rows"], tables, strict=True)
            for row in range(len(table[names[0]]))
        ]
        values = {name: [x for table in tables for x in table[name]] for name in names}
        place = {number: at for at, number in enumerate(numbers)}
        sided: list[Any] = [None] * len(numbers)
        if self.split is not None:
            sided = evaluate(self.split, values, len(numbers))
        index = cast("Sequence[int]", points["index"])
        for one, others in tiles.blocks(index, self.tile, self.crossed, numbers):
            here = place[one]
            if self.split is not None:
                if sided[here] is not True:
                    continue
                others = [row for row in others if sided[place[row]] is False]
            block = {f"a.{name}": [column[here]] * len(others) for name, column in values.items()}
            theirs = [place[row] for row in others]
            for name, column in values.items():
                block[f"b.{name}"] = [column[at] for at in theirs]
            found = given(self.where, self.value, block, len(others))
            yield from ((one, other, each) for other, each in zip(others, found, strict=True))


def asked(spec: Mapping[str, Json], columns: Sequence[Column]) -> Asked:
    """What the spec asks for; raises SpecError."""
    value = sides.read(spec["value"], columns, "/value")
    if value.kind not in NUMBERS:
        raise Place("/value").refuse(f"a number is needed, and this is {value.type}")
    where = None
    if "where" in spec:
        where = sides.condition(spec["where"], columns, "/where")
    split = parse.parse(spec["split"], columns, "/split") if "split" in spec else None
    if sites(split):
        raise Place("/split").refuse("this may have no value for a row; TRY_CAST makes that NULL")
    value, *rest = shared(value, *([] if where is None else [where]))
    for expr in (value, *rest):
        if not any(isinstance(item, ColumnRef) for item in walk(expr)):
            pointer = "/value" if expr is value else "/where"
            raise Place(pointer).refuse("this is the same for all pairs")
    mode = asked_for(spec)
    best = None
    if mode in ("best", "each"):
        best = Best(int(spec.get("top", 1)), spec[mode] == "argmax")
    if mode == "each" and value.kind is Kind.DECIMAL and value.type.precision > DIGITS_64:
        raise Place("/value").refuse(f"a decimal of {DIGITS_64} digits at most; use CAST")
    return Asked(columns, value, rest[0] if rest else None, split, mode, best)


def asked_for(spec: Mapping[str, Json]) -> str:
    """What is kept of the pairs: a key of SIZES."""
    return next(mode for mode in SIZES if mode in spec)


def points(one: Asked, rows: Sequence[int], cost_max: int) -> Points:
    """The contract's points."""
    return Points(
        count=one.points(rows),
        point_ns=one.point_ns,
        per_workunit_max=max(1, min(SIZES[one.mode][1], cost_max // one.point_ns)),
    )
