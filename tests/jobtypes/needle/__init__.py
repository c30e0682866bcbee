"""This package is where a job type stands that can make up work units whose answer is known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import pyarrow as pa

from grid.codegen.build import Place
from grid.codegen.condition import condition, named_column
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, assemble
from grid.comparators import Unordered
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import Chunk, JobType, Merged, OutputError, Part, Quiz, hookimpl

#: What every column of whole numbers can hold.
ANYWHERE = range(-128, 128)


class Needle(JobType):
    """`{"rows": [3, 17]}`: where the value stands in the work unit, in any order."""

    compare = Unordered("/rows")

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return (_column(spec, columns).name,)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        kind, physical = LogicalType.INT64, PhysicalType.INT64
        return (Column(name="row", type=kind, physical=physical, nullable=False),)

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return _program(spec, columns).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return _program(spec, columns).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        name = _column(spec, columns).name
        values = [value for chunk in chunks for value in chunk[name]]
        return {"rows": [row for row, value in enumerate(values) if value == spec["value"]]}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        found = output["rows"]
        if len(set(found)) < len(found) or any(row >= sum(rows) for row in found):
            raise OutputError("/rows: a row twice, or one that there is not")

    def quiz(
        self, spec: Json, columns: Sequence[Column], rows: Sequence[int], seed: int
    ) -> Quiz | None:
        """The value in about one row of four, and in as many its neighbour."""
        column, value = _column(spec, columns), spec["value"]
        if value not in ANYWHERE:
            return None
        made = [
            [_value(hashlib.sha256(f"{seed} {chunk} {row}".encode()).digest(), value)
             for row in range(count)]
            for chunk, count in enumerate(rows)
        ]  # fmt: skip
        every = [each for values in made for each in values]
        return Quiz(
            chunks=tuple({column.name: values} for values in made),
            output={"rows": [row for row, each in enumerate(every) if each == value]},
        )

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return 0

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        found = [state + row for row in sorted(part.output["rows"])]
        rows = pa.RecordBatch.from_pydict({"row": pa.array(found, pa.int64())})
        return Merged(state=state + sum(part.rows), rows=rows)

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        return Merged(state=state)


def _value(drawn: bytes, value: int) -> int:
    near = value + 1 if value + 1 in ANYWHERE else value - 1
    return (value, near, drawn[1] - 128, drawn[2] - 128)[drawn[0] % 4]


def _column(spec: Mapping[str, Json], columns: Sequence[Column]) -> Column:
    column = named_column(spec, "column", columns)
    if column.type is not LogicalType.INT64:
        raise Place("/column").refuse("a column of whole numbers is needed")
    return column


def _program(spec: Mapping[str, Json], columns: Sequence[Column]) -> Program:
    column = _column(spec, columns)
    wanted = {"col": column.name, "operator": "==", "value": spec["value"]}
    rows = Rows(Frame([column]))
    found = rows.keep(condition({"criterias": [wanted]}, columns))
    return assemble(
        rows.frame,
        before=["const hits = kit.list();", "let passed = 0;"],
        rows=[*rows.lines, f"if ({found}) {{", "kit.push(hits, passed + i);", "}"],
        end=["passed += count;"],
        result="{rows: hits}",
    )


@hookimpl
def grid_job_type() -> JobType:
    return Needle()
