"""This package is where newJobType stands: values in a range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from grid.codegen.condition import condition, named_column
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, assemble
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import (
    Chunk,
    JobType,
    Merged,
    OutputError,
    Part,
    SpecError,
    hookimpl,
)


class NewJobType(JobType):
    """A work unit answers with two counts, and counts add up."""

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return (_column(spec, columns).name,)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """`inside` and `share`."""
        whole, double = LogicalType.INT64, LogicalType.DOUBLE
        return (
            Column(name="inside", type=whole, physical=PhysicalType.INT64, nullable=False),
            Column(name="share", type=double, physical=PhysicalType.DOUBLE, nullable=True),
        )

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return _program(spec, columns).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return _program(spec, columns).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        name = _column(spec, columns).name
        values = [value for chunk in chunks for value in chunk[name] if value is not None]
        inside = [value for value in values if spec["low"] <= value <= spec["high"]]
        return {"values": len(values), "inside": len(inside)}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        if output["values"] > sum(rows):
            raise OutputError("/values: more than there are rows")
        if output["inside"] > output["values"]:
            raise OutputError("/inside: more than there are values")

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"values": 0, "inside": 0}

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        return Merged(state={name: state[name] + part.output[name] for name in state})

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        share = state["inside"] / state["values"] if state["values"] else None
        rows = pa.RecordBatch.from_pydict(
            {
                "inside": pa.array([state["inside"]], pa.int64()),
                "share": pa.array([share], pa.float64()),
            }
        )
        return Merged(state=state, rows=rows)


def _column(spec: Mapping[str, Json], columns: Sequence[Column]) -> Column:
    column = named_column(spec, "column", columns)
    if column.type is not LogicalType.INT64:
        raise SpecError("/column", f"{column.name!r} holds {column.type}, not whole numbers")
    if spec["low"] > spec["high"]:
        raise SpecError("/low", "more than high")
    return column


def _program(spec: Mapping[str, Json], columns: Sequence[Column]) -> Program:
    column = _column(spec, columns)
    bounds = ((">=", spec["low"]), ("<=", spec["high"]))
    wanted = [{"col": column.name, "operator": one, "value": value} for one, value in bounds]
    inside = condition({"criterias": wanted}, columns)
    rows = Rows(Frame([column], inside))
    value, kept = rows.keep(None, column), rows.keep(inside)
    return assemble(
        rows.frame,
        before=["let values = 0;", "let inside = 0;"],
        rows=[*rows.lines, f"values += {value};", f"inside += {kept};"],
        result="{values: values, inside: inside}",
    )


@hookimpl
def grid_job_type() -> JobType:
    """newJobType."""
    return NewJobType()
