"""This file is where it is read what a sweep is asked for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from grid.codegen import parse
from grid.codegen.best import Best
from grid.codegen.build import Place
from grid.codegen.expense import nanoseconds
from grid.codegen.failing import Site, sites
from grid.codegen.reference.given import Given, given
from grid.codegen.tree import Expr, shared
from grid.codegen.types import NUMBERS
from grid.items import Json

from .parameters import Parameter, parameters, total, values

#: All values of so many points; more make an output that nobody reads.
ALL_MAX = 10**6
#: Points that the reference computes at once.
BLOCK = 4096


class Asked(Struct, frozen=True):
    """A spec, read."""

    found: list[Parameter]
    value: Expr
    where: Expr | None
    #: What is to be kept: the best few, counts between edges, or, with neither, all values.
    best: Best | None
    edges: tuple[float, ...] | None

    @property
    def count(self) -> int:
        """How many points there are."""
        return total(self.found)

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where a point can fail."""
        return sites(self.where, self.value)

    @property
    def point_ns(self) -> int:
        """What a point takes, roughly."""
        return nanoseconds(self.where, self.value)

    def computed(self, points: Sequence[int]) -> Iterator[tuple[int, Given]]:
        """What each point gives."""
        for start in range(0, len(points), BLOCK):
            block = points[start : start + BLOCK]
            found = given(self.where, self.value, values(self.found, block), len(block))
            yield from zip(block, found, strict=True)


def asked(spec: Mapping[str, Json]) -> Asked:
    """What the spec asks for; raises SpecError."""
    found = parameters(spec)
    columns = [one.column for one in found]
    value = parse.expression(spec["value"], columns, "/value")
    if value.kind not in NUMBERS:
        raise Place("/value").refuse(f"a number is needed, and this is {value.type}")
    where = parse.parse(spec["where"], columns) if "where" in spec else None
    value, *rest = shared(value, *([] if where is None else [where]))
    best = edges = None
    if "best" in spec:
        best = Best(int(spec.get("top", 1)), spec["best"] == "argmax")
    elif "histogram" in spec:
        edges = tuple(float(edge) for edge in spec["histogram"])
        if any(one >= other for one, other in itertools.pairwise(edges)):
            raise Place("/histogram").refuse("edges go up")
    elif total(found) > ALL_MAX:
        raise Place("/all").refuse(f"all values of {ALL_MAX:,} points at most")
    return Asked(found, value, rest[0] if rest else None, best, edges)
