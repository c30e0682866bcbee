"""This package is where a job type stands whose program fails on every host."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import Chunk, JobType, Merged, OutputError, Part, hookimpl

PROGRAM = """(function (inputs, params, kit) {
  "use strict";
  const literals = params.literals;
  const nothing = literals[0];
  const count = nothing.length;
  return {rows: count};
})
"""


class Throws(JobType):
    """`{"rows": n}`, added up."""

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return (columns[0].name,)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        kind, physical = LogicalType.INT64, PhysicalType.INT64
        return (Column(name="rows", type=kind, physical=physical, nullable=False),)

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return PROGRAM

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"literals": []}

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        return {"rows": sum(len(chunk[columns[0].name]) for chunk in chunks)}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        """Wrong counts pass on purpose, so that quorum has something to do."""
        if output["rows"] > 10**9:
            raise OutputError("more rows than there are anywhere")

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return 0

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        return Merged(state=state + part.output["rows"])

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        rows = pa.RecordBatch.from_pydict({"rows": pa.array([state], pa.int64())})
        return Merged(state=state, rows=rows)


@hookimpl
def grid_job_type() -> JobType:
    return Throws()
