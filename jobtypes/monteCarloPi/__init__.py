"""This package is where monteCarloPi stands: π from the share of random points in a circle.

The points come from Johannes Baagøe's generator Alea 0.9, a multiply-with-carry of lag 3 over
fractions of 32 bits, seeded by his hash Mash 0.9. It uses sums and products of doubles alone, so
all engines draw the same points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import cast

import pyarrow as pa

from grid.codegen.program import indented
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import (
    COST_MAX,
    Chunk,
    JobType,
    Merged,
    OutputError,
    Part,
    Points,
    SpecError,
    hookimpl,
)

#: What a point takes a browser of 2024; a stream's own start is some ten of them.
DRAW_NS = 9
START_DRAWS = 10
#: Points of one job: a thousand browsers draw so many in a day. All sums stay exact in JSON.
POINTS_MAX = 10**15
#: Streams of a work unit, where their draws do not bound them sooner.
STREAMS_PER_WORKUNIT_MAX = 1_000_000


def _started(lane: str, number: str) -> list[str]:
    """Where a stream begins."""
    return [
        f"const state{lane} = kit.alea(seed + kit.decimal(kit.widen({number})));",
        *(f"let s{place}{lane} = state{lane}[{place}];" for place in range(3)),
        f"let carry{lane} = state{lane}[3];",
    ]


def _drawn(lane: str) -> list[str]:
    """The steps of drawing a point: those of several streams may stand side by side."""
    return [
        f"const wide{lane} = 2091639 * s0{lane} + carry{lane} * fraction;",
        f"const middle{lane} = wide{lane} | 0;",
        f"const x{lane} = wide{lane} - middle{lane};",
        f"const high{lane} = 2091639 * s1{lane} + middle{lane} * fraction;",
        f"carry{lane} = high{lane} | 0;",
        f"const y{lane} = high{lane} - carry{lane};",
        f"s0{lane} = s2{lane};",
        f"s1{lane} = x{lane};",
        f"s2{lane} = y{lane};",
        f"inside += (x{lane} * x{lane} + y{lane} * y{lane} <= 1) & 1;",
    ]


def _program() -> str:
    """Two streams side by side, for each draw waits for the one before; the odd one by itself."""
    lines = [
        "(function (inputs, params, kit) {",
        '"use strict";',
        "const literals = params.literals;",
        "const seed = kit.text(literals[0]);",
        "const draws = kit.times(literals[1]);",
        "const fraction = 1 / 4294967296;",
        "const streams = inputs[0];",
        "const first = streams.first;",
        "const count = streams.rows;",
        "const pairs = kit.times((count / 2) | 0);",
        "let inside = 0;",
        "for (let i = 0; i < pairs; i++) {",
        *_started("p", "first + i + i + 1"),
        *_started("q", "first + i + i + 2"),
        "for (let n = 0; n < draws; n++) {",
        *(line for both in zip(_drawn("p"), _drawn("q"), strict=True) for line in both),
        "}",
        "}",
        "if (count & 1) {",
        *_started("r", "first + count"),
        "for (let m = 0; m < draws; m++) {",
        *_drawn("r"),
        "}",
        "}",
        "return {inside: inside};",
        "})",
    ]
    return indented(lines)


class MonteCarloPi(JobType):
    """A point of the job is a stream; a work unit's answer is how many of its draws hit."""

    over_dataset = False

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return ()

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points:
        streams, draws = int(spec["streams"]), int(spec["draws"])
        if streams * draws > POINTS_MAX:
            raise SpecError("/draws", f"streams × draws is {POINTS_MAX:,} at most")
        return Points(
            count=streams,
            point_ns=(draws + START_DRAWS) * DRAW_NS,
            per_workunit_max=min(COST_MAX // (draws + START_DRAWS), STREAMS_PER_WORKUNIT_MAX),
        )

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """`pi`, and the counts it comes from."""
        double, whole = LogicalType.DOUBLE, LogicalType.INT64
        return (
            Column(name="pi", type=double, physical=PhysicalType.DOUBLE, nullable=False),
            Column(name="inside", type=whole, physical=PhysicalType.INT64, nullable=False),
            Column(name="points", type=whole, physical=PhysicalType.INT64, nullable=False),
        )

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return _program()

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"literals": [spec.get("seed", ""), str(int(spec["draws"]))]}

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        inside = 0
        for index in chunks[0]["index"]:
            drawn = alea(spec.get("seed", "") + str(cast("int", index) + 1))
            for _ in range(int(spec["draws"])):
                x, y = next(drawn), next(drawn)
                inside += x * x + y * y <= 1
        return {"inside": inside}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        if output["inside"] > rows[0] * int(spec["draws"]):
            raise OutputError("/inside: more than were drawn")

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """Points drawn, with the start of each stream."""
        return max(1, rows[0] * (int(spec["draws"]) + START_DRAWS))

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return 0

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        return Merged(state=state + part.output["inside"])

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        drawn = int(spec["streams"]) * int(spec["draws"])
        rows = pa.record_batch(
            [
                pa.array([4 * state / drawn], pa.float64()),
                pa.array([state], pa.int64()),
                pa.array([drawn], pa.int64()),
            ],
            names=["pi", "inside", "points"],
        )
        return Merged(state=state, rows=rows)


def alea(seed: str) -> Iterator[float]:
    """The numbers that Alea 0.9 draws with this seed, each in [0, 1)."""
    spelled = seed.encode("utf-16-le")
    units = [low + 256 * high for low, high in zip(spelled[::2], spelled[1::2], strict=True)]
    mash = _mash([[32]] * 3 + [units] * 3)
    fractions = list(islice(mash, 3))
    fractions = [one - next(mash) for one in fractions]
    lag, carry = [one + 1 if one < 0 else one for one in fractions], 1
    while True:
        product = 2091639 * lag.pop(0) + carry * 2.0**-32
        carry = int(product)
        lag.append(product - carry)
        yield lag[-1]


def _mash(texts: Sequence[Sequence[int]]) -> Iterator[float]:
    """Mash 0.9 after each of these texts of UTF-16 units, as a fraction of 32 bits."""
    n: float = 0xEFC8249D
    for units in texts:
        for unit in units:
            n += unit
            h = 0.02519603282416938 * n
            n = int(h) % 2**32
            h = (h - n) * n
            n = int(h) % 2**32
            n += (h - n) * 2**32
        yield int(n) % 2**32 * 2.0**-32


@hookimpl
def grid_job_type() -> JobType:
    """monteCarloPi."""
    return MonteCarloPi()
