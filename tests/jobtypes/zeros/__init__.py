"""This package is where a job type stands whose outputs are as large as a test wants them."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pyarrow as pa

from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import Chunk, JobType, Merged, OutputError, Part, hookimpl

PROGRAM = """(function (inputs, params, kit) {
  "use strict";
  const chunks = inputs.length;
  let rows = 0;
  for (let j = 0; j < chunks; j++) {
    const chunk = inputs[j];
    rows += chunk.rows;
  }
  const literals = params.literals;
  const each = kit.times(literals[0]);
  const size = rows * each;
  return {zeros: kit.base64(kit.bytes(size), size)};
})
"""


class Zeros(JobType):
    """`{"zeros": base64}` of so many zero bytes a row."""

    output_bytes_max = 1 << 20

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return (columns[0].name,)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        kind, physical = LogicalType.INT64, PhysicalType.INT64
        return (Column(name="bytes", type=kind, physical=physical, nullable=False),)

    def output_bytes(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        return len('{"zeros":""}') + -(-sum(rows) * spec["each"] // 3) * 4

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return PROGRAM

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"literals": [spec["each"]]}

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        size = sum(len(chunk[columns[0].name]) for chunk in chunks) * spec["each"]
        return {"zeros": base64.b64encode(bytes(size)).decode()}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        if len(output["zeros"]) != -(-sum(rows) * spec["each"] // 3) * 4:
            raise OutputError("not so many bytes")

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return 0

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        return Merged(state=state + len(base64.b64decode(part.output["zeros"])))

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        rows = pa.RecordBatch.from_pydict({"bytes": pa.array([state], pa.int64())})
        return Merged(state=state, rows=rows)


@hookimpl
def grid_job_type() -> JobType:
    return Zeros()
