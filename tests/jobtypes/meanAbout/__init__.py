"""This package is where a job type stands whose answers may differ in their last digit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pyarrow as pa

from grid.codegen.build import Place
from grid.codegen.condition import named_column
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, assemble
from grid.codegen.reference import values_of
from grid.comparators import Within
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import Chunk, JobType, Merged, OutputError, Part, hookimpl

#: Values further from 0 are left out, so that sums of thousandths stay whole.
SIZE_MAX = 1_000_000


class MeanAbout(JobType):
    """`{"count": 2, "thousandths": "5000"}`: the sum of a column, cut to thousandths row by row."""

    compare = Within("/thousandths", absolute=2)

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return (_column(spec, columns).name,)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        kind, physical = LogicalType.DOUBLE, PhysicalType.DOUBLE
        return (Column(name="mean", type=kind, physical=physical, nullable=True),)

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return _program(spec, columns).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return _program(spec, columns).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        values, _ = values_of(_column(spec, columns), None, chunks)
        kept = [value for value in values if -SIZE_MAX <= value <= SIZE_MAX]
        return {
            "count": len(kept),
            "thousandths": str(sum(math.trunc(value * 1000) for value in kept)),
        }

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        if output["count"] > sum(rows):
            raise OutputError("/count: more values than rows")
        if abs(int(output["thousandths"])) > 1000 * SIZE_MAX * output["count"]:
            raise OutputError("/thousandths: further from 0 than so many values can be")

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"count": 0, "thousandths": "0"}

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        total = int(state["thousandths"]) + int(part.output["thousandths"])
        count = state["count"] + part.output["count"]
        return Merged(state={"count": count, "thousandths": str(total)})

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        count = state["count"]
        mean = int(state["thousandths"]) / (1000 * count) if count else None
        rows = pa.RecordBatch.from_pydict({"mean": pa.array([mean], pa.float64())})
        return Merged(state=state, rows=rows)


def _column(spec: Mapping[str, Json], columns: Sequence[Column]) -> Column:
    column = named_column(spec, "column", columns)
    if column.type is not LogicalType.DOUBLE:
        raise Place("/column").refuse("a column of doubles is needed")
    return column


def _program(spec: Mapping[str, Json], columns: Sequence[Column]) -> Program:
    column = _column(spec, columns)
    rows = Rows(Frame([column]))
    keep, value = rows.keep(None, column), rows.value(column)
    lines = [
        f"const ok = {keep} & ({value} >= -{SIZE_MAX}) & ({value} <= {SIZE_MAX});",
        "if (ok) {",
        f"const scaled = {value} * 1000;",
        "total += scaled - scaled % 1;",
        "found += 1;",
        "}",
    ]
    return assemble(
        rows.frame,
        before=["let found = 0;", "let total = 0;"],
        rows=[*rows.lines, *lines],
        result="{count: found, thousandths: kit.decimal(kit.widen(total))}",
    )


@hookimpl
def grid_job_type() -> JobType:
    return MeanAbout()
