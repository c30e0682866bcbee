"""This package is where the job type of simulated grids stands: numbers, added up."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import (
    Chunk,
    JobType,
    Merged,
    OutputError,
    Part,
    Points,
    Quiz,
    hookimpl,
)

#: Sums of a hundred million answers stay exact in JSON.
ANSWER_MAX = 2**26
#: Right answers are below: whatever a wrong one is off by, it passes the check.
ANSWERS_BELOW = 2**24

PROGRAM = """(function (inputs, params, kit) {
  "use strict";
  const chunks = inputs.length;
  let rows = 0;
  for (let j = 0; j < chunks; j++) {
    const chunk = inputs[j];
    rows += chunk.rows;
  }
  return {answer: rows};
})
"""


class Riddle(JobType):
    """`{"answer": n}`, added up. Hosts of a simulated grid ask its oracle, not this program.

    With `{"counted": true}` its rows are counted as points.
    """

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return (columns[0].name,)

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points | None:
        if not spec.get("counted"):
            return None
        return Points(count=sum(rows), point_ns=1_000_000_000, per_workunit_max=1)

    def chunks_needed(
        self, spec: Json, columns: Sequence[Column], rows: Sequence[int], first: int, count: int
    ) -> Sequence[int]:
        """Chunks of simulated grids have one row."""
        return range(first, first + count)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        kind, physical = LogicalType.INT64, PhysicalType.INT64
        return (Column(name="answer", type=kind, physical=physical, nullable=False),)

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return PROGRAM

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"literals": []}

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        return {"answer": sum(len(next(iter(chunk.values()))) for chunk in chunks)}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        """Any small number might be the answer: that is what makes it a riddle."""
        if output["answer"] > ANSWER_MAX:
            raise OutputError(f"answers are at most {ANSWER_MAX}")

    def quiz(
        self, spec: Json, columns: Sequence[Column], rows: Sequence[int], seed: int
    ) -> Quiz | None:
        """Any small number may be the answer, so any is known."""
        values = [seed % 128] * sum(rows)
        return Quiz(chunks=({columns[0].name: values},), output={"answer": seed % ANSWERS_BELOW})

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return 0

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        return Merged(state=state + part.output["answer"])

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        rows = pa.RecordBatch.from_pydict({"answer": pa.array([state], pa.int64())})
        return Merged(state=state, rows=rows)


@hookimpl
def grid_job_type() -> JobType:
    return Riddle()
