"""This file is where it is read what a sweep is asked for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from grid.codegen import parse
from grid.codegen.best import Best
from grid.codegen.build import Place
from grid.codegen.failing import Site, failing, sites
from grid.codegen.reference import evaluated
from grid.codegen.tree import Call, Expr, shared, walk
from grid.codegen.types import NUMBERS, Kind
from grid.items import Json

from .parameters import Parameter, parameters, total, values

#: All values of so many points; more make an output that nobody reads.
ALL_MAX = 10**6
#: Points that the reference computes at once.
BLOCK = 4096
#: What operations cost, in nanoseconds of a browser of 2024: those of doubles and small integers,
#: of texts, and of the portable libm.
PLAIN_NS, TEXT_NS, LIBM_NS = 2, 60, 40
LIBM = frozenset({"sin", "cos", "tan", "atan2", "exp", "ln", "log10", "pow"})


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
        items = [item for expr in (self.value, self.where) if expr for item in walk(expr)]
        return PLAIN_NS + sum(_ns(item) for item in {id(item): item for item in items}.values())

    def computed(self, points: Sequence[int]) -> Iterator[tuple[int, bool, Any, int | None]]:
        """Each point: whether it is selected, its value, the place where it failed."""
        for start in range(0, len(points), BLOCK):
            block = points[start : start + BLOCK]
            chunk = values(self.found, block)
            numbers = failing(self.where, self.value)
            keep = [True] * len(block)
            faults: dict[int, int] = {}
            if self.where is not None:
                truth, faults = evaluated(self.where, chunk, len(block), numbers)
                keep = [value is True and row not in faults for row, value in enumerate(truth)]
            rows = [row for row, kept in enumerate(keep) if kept]
            narrow = {name: [column[row] for row in rows] for name, column in chunk.items()}
            given, failed = evaluated(self.value, narrow, len(rows), numbers)
            answers = {row: (given[at], failed.get(at)) for at, row in enumerate(rows)}
            for row, point in enumerate(block):
                value, fault = answers.get(row, (None, faults.get(row)))
                yield point, row in answers, None if fault else value, fault


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


def _ns(item: Expr) -> int:
    if not isinstance(item, Call):
        return 0
    if item.op in LIBM:
        return LIBM_NS
    texts = item.kind is Kind.TEXT or any(one.kind is Kind.TEXT for one in item.args)
    return TEXT_NS if texts else PLAIN_NS
