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
DRAW_NS = 11
START_DRAWS = 10
#: Points of one job: a thousand browsers draw so many in a day. All sums stay exact in JSON.
POINTS_MAX = 10**15
#: Streams of a work unit, where their draws do not bound them sooner.
STREAMS_PER_WORKUNIT_MAX = 1_000_000

PROGRAM = """(function (inputs, params, kit) {
  "use strict";
  const literals = params.literals;
  const seed = kit.text(literals[0]);
  const draws = kit.times(literals[1]);
  const fraction = 1 / 4294967296;
  const streams = inputs[0];
  const first = streams.first;
  const count = streams.rows;
  let inside = 0;
  for (let i = 0; i < count; i++) {
    const state = kit.alea(seed + kit.decimal(kit.widen(first + i + 1)));
    let oldest = state[0];
    let middle = state[1];
    let newest = state[2];
    let carry = state[3];
    for (let n = 0; n < draws; n++) {
      const wide = 2091639 * oldest + carry * fraction;
      carry = wide | 0;
      const x = wide - carry;
      const high = 2091639 * middle + carry * fraction;
      carry = high | 0;
      const y = high - carry;
      oldest = newest;
      middle = x;
      newest = y;
      inside += (x * x + y * y <= 1) & 1;
    }
  }
  return {inside: inside};
})
"""


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
        return PROGRAM

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
