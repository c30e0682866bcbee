"""This package is where pingPong stands: work units of no work, to time their exchange."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import Chunk, JobType, Merged, OutputError, Part, Points, hookimpl

#: The generator of Park and Miller (1988), "minimal standard": its products are exact doubles.
FACTOR, MODULUS = 16807, 2147483647
#: What a turn, and a ping without any, takes a browser of 2024.
TURN_NS, PING_NS = 6, 1_000

PROGRAM = """(function (inputs, params, kit) {
  "use strict";
  const literals = params.literals;
  const turns = kit.times(literals[0]);
  const pings = inputs[0];
  const first = pings.first;
  let last = 1;
  for (let i = 0; i < turns; i++) {
    last = (last * 16807) % 2147483647;
  }
  return {pong: first, last: last};
})
"""


class PingPong(JobType):
    """Every ping is a work unit; the answer is its number, and where the loop ended."""

    over_dataset = False

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return ()

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points:
        point_ns = PING_NS + _turns(spec) * TURN_NS
        return Points(count=int(spec["count"]), point_ns=point_ns, per_workunit_max=1)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """`pongs` that came back, and pings that are `missing`."""
        whole, physical = LogicalType.INT64, PhysicalType.INT64
        return (
            Column(name="pongs", type=whole, physical=physical, nullable=False),
            Column(name="missing", type=whole, physical=physical, nullable=False),
        )

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return PROGRAM

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"literals": [str(_turns(spec))]}

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        """Where the loop ends is a power of its factor."""
        return {"pong": chunks[0]["index"][0], "last": pow(FACTOR, _turns(spec), MODULUS)}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        if output["pong"] >= spec["count"]:
            raise OutputError("/pong: no such ping")
        if output["last"] != pow(FACTOR, _turns(spec), MODULUS):
            raise OutputError("/last: the loop does not end there")

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """Turns of the loop, and one for the exchange."""
        return 1 + _turns(spec)

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"pongs": 0, "missing": 0}

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        kind = "pongs" if part.output["pong"] == part.first_chunk else "missing"
        return Merged(state={**state, kind: state[kind] + 1})

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        counts = [pa.array([state[name]], pa.int64()) for name in ("pongs", "missing")]
        return Merged(state=state, rows=pa.record_batch(counts, names=["pongs", "missing"]))


def _turns(spec: Json) -> int:
    return int(spec.get("turns", 0))


@hookimpl
def grid_job_type() -> JobType:
    """pingPong."""
    return PingPong()
