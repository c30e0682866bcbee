"""This package is where a job type stands whose answers are cheap to check: a divisor of a number.

"There is none" has to be believed, and "not solved" is no answer at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from grid.codegen.build import Place
from grid.codegen.condition import named_column
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.parse import parse
from grid.codegen.program import Program, assemble
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import Chunk, JobType, Merged, OutputError, Part, hookimpl

#: What stands for no divisor.
NONE = "0"


class Factor(JobType):
    """`{"solved": 1, "divisor": "83"}`: the first of the candidates above 1 that divides."""

    verifies = True

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return (_column(spec, columns).name,)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        kind, physical = LogicalType.TEXT, PhysicalType.UTF8
        return (Column(name="divisor", type=kind, physical=physical, nullable=True),)

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return _program(spec, columns).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return _program(spec, columns).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        name, number = _column(spec, columns).name, int(spec["number"])
        divisors = (value for value in _whole(chunks, name) if value > 1 and number % value == 0)
        return {"solved": 1, "divisor": str(next(divisors, NONE))}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        if output["divisor"] != NONE and (not output["solved"] or int(output["divisor"]) < 2):
            raise OutputError("/divisor: no divisor at all")

    def verify(
        self,
        spec: Json,
        columns: Sequence[Column],
        rows: Sequence[int],
        chunks: Sequence[Chunk],
        output: Json,
    ) -> bool | None:
        """That there is none takes all the candidates to see."""
        divisor = int(output["divisor"])
        if not divisor:
            return None
        candidates = _whole(chunks, _column(spec, columns).name)
        return int(spec["number"]) % divisor == 0 and divisor in candidates

    def provable(self, spec: Json, output: Json) -> bool:
        return output["divisor"] != NONE

    def unsolved(self, spec: Json, output: Json) -> bool:
        return output["solved"] == 0

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return None

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        found = part.output["divisor"]
        return Merged(state=found if state is None and found != NONE else state)

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        rows = pa.RecordBatch.from_pydict({"divisor": pa.array([state], pa.utf8())})
        return Merged(state=state, rows=rows)


def _column(spec: Mapping[str, Json], columns: Sequence[Column]) -> Column:
    column = named_column(spec, "column", columns)
    if column.type is not LogicalType.INT64:
        raise Place("/column").refuse("candidates are whole numbers")
    return column


def _whole(chunks: Sequence[Chunk], name: str) -> Iterator[int]:
    return (value for chunk in chunks for value in chunk[name] if isinstance(value, int))


def _program(spec: Mapping[str, Json], columns: Sequence[Column]) -> Program:
    column = _column(spec, columns)
    quoted = '"' + column.name.replace('"', '""') + '"'
    rows = Rows(Frame([column]))
    divides = rows.keep(parse(f"{spec['number']} % {quoted} = 0 AND {quoted} > 1", columns))
    value = rows.value(column)
    if column.physical is not PhysicalType.INT64:
        value = f"kit.widen({value})"
    lines = [f"if ({divides} & (found === 0)) {{", "found = 1;", f"divisor = {value};", "}"]
    return assemble(
        rows.frame,
        before=["let found = 0;", "let divisor = 0n;"],
        rows=[*rows.lines, *lines],
        result="{solved: 1, divisor: kit.decimal(divisor)}",
    )


@hookimpl
def grid_job_type() -> JobType:
    return Factor()
