"""This package is where MIN stands: the least value of a column of any type.

NaN is the greatest double and text goes by its UTF-8 bytes, as in DuckDB.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence

import pluggy
import pyarrow as pa
from msgspec import Struct

from grid.chunks import arrow_type
from grid.codegen import failures
from grid.codegen.condition import condition, named_column
from grid.codegen.failing import sites
from grid.codegen.frame import Frame
from grid.codegen.javascript import DICTIONARIES, Rows
from grid.codegen.program import Program, assemble
from grid.codegen.reference import values_of
from grid.codegen.tree import ColumnRef, reads
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import Chunk, JobType, Merged, OutputError, Part

#: How the least value is stored; all others are whole numbers.
PHYSICAL = {
    LogicalType.DOUBLE: PhysicalType.DOUBLE,
    LogicalType.BOOLEAN: PhysicalType.BOOLEAN,
    LogicalType.TEXT: PhysicalType.UTF8,
}
NAN_BITS = "7ff8000000000000"


class Min(JobType):
    """The least of the least values is the least value."""

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        column = named_column(spec, "column", columns)
        return reads(columns, ColumnRef(column), condition(spec, columns))

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """`min`, NULL when there is no value, and `count`, how many values there were."""
        column = named_column(spec, "column", columns)
        physical = PHYSICAL.get(column.type, PhysicalType.INT64)
        if column.physical is PhysicalType.INT128:
            physical = PhysicalType.INT128
        return (
            Column(
                name="min",
                type=column.type,
                physical=physical,
                nullable=True,
                precision=column.precision,
                scale=column.scale,
            ),
            Column(
                name="count", type=LogicalType.INT64, physical=PhysicalType.INT64, nullable=False
            ),
        )

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return _program(spec, columns).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return _program(spec, columns).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        column, where = named_column(spec, "column", columns), condition(spec, columns)
        values, faults = values_of(column, where, chunks)
        least = min(values, key=_rank) if values else None
        failed = {failures.FIELD: failures.counted(faults)} if sites(where) else {}
        return {"count": len(values), "min": spelled(least), **failed}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        if output["count"] > sum(rows):
            raise OutputError("/count: more values than rows")
        if (output["count"] == 0) is not (output["min"] is None):
            raise OutputError("/min: null is for no values, and only for them")
        try:
            failures.check(output, rows)
        except ValueError as error:
            raise OutputError(str(error)) from error

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"count": 0, "min": None, "failed": 0}

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        kind = named_column(spec, "column", columns).type
        both = [state["min"], part.output["min"]]
        known = [read(value, kind) for value in both if value is not None]
        least = min(known, key=_rank) if known else None
        count = state["count"] + part.output["count"]
        places = sites(condition(spec, columns))
        failed = state["failed"] + failures.forgiven(part.output, places, part.first_chunk, spec)
        return Merged(state={"count": count, "min": spelled(least), "failed": failed})

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        kind = named_column(spec, "column", columns).type
        least = None if state["min"] is None else read(state["min"], kind)
        wanted = self.output_columns(spec, columns)[0]
        rows = pa.record_batch(
            [pa.array([least], arrow_type(wanted)), pa.array([state["count"]], pa.int64())],
            names=["min", "count"],
        )
        return Merged(state=state, rows=rows)


def spelled(value: object) -> Json:
    """A value as the output has it: digits of an integer, 16 hex digits of a double's bits."""
    if isinstance(value, float):
        return NAN_BITS if math.isnan(value) else struct.pack(">d", value).hex()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def read(value: Json, kind: LogicalType) -> object:
    """The value that `spelled` made; raises ValueError for a value of another type."""
    wanted = bool if kind is LogicalType.BOOLEAN else str
    if not isinstance(value, wanted):
        raise ValueError(f"{value!r} is not of type {kind}")
    found: object = value
    if kind is LogicalType.DOUBLE:
        (found,) = struct.unpack(">d", bytes.fromhex(str(value)))
    elif kind not in PHYSICAL:
        found = int(str(value))
    if spelled(found) != value:
        raise ValueError(f"{value!r} is not the one spelling of its value")
    return found


def _rank(value: object) -> tuple[bool, object]:
    """Sorts values of one type."""
    if isinstance(value, float) and math.isnan(value):
        return (True, 0.0)
    return (False, value.encode() if isinstance(value, str) else value)


class _Search(Struct, frozen=True):
    """How the program looks for the least value of one physical type."""

    #: What `least` is before the first value.
    first: str
    #: The row's candidate, and when it takes the place of `least`.
    candidate: str
    better: str
    #: The output's value once something was found.
    value: str
    #: Lines behind the rows of each chunk.
    end: tuple[str, ...] = ()


def _search(column: Column, frame: Frame, rows: Rows) -> _Search:
    if column.physical in DICTIONARIES:
        code, dictionary = rows.code(column), frame.part(column, "dictionary")
        end = ("if (found > 0) {", f"word = {dictionary}[least & 32767];", "}")
        return _Search("32767", code, f"{code} < least", "word", end)
    value = rows.value(column)
    smaller = f"{value} < least"
    match column.physical:
        case PhysicalType.UTF8:
            better = f"(found === 0) | (kit.compare({value}, least) < 0)"
            return _Search(frame.literal("text", ""), value, better, "least")
        case PhysicalType.DOUBLE:
            better = f"({smaller}) | ((least !== least) & ({value} === {value}))"
            return _Search(frame.literal("double", NAN_BITS), value, better, "kit.bits(least)")
        case PhysicalType.INT53 | PhysicalType.INT64:
            return _Search("9223372036854775807n", value, smaller, "kit.decimal(least)")
        case PhysicalType.INT128:
            value, first = rows.cell(ColumnRef(column)).text, frame.literal("big", str(10**38))
            return _Search(first, value, f"{value} < least", "kit.decimal(least)")
        case PhysicalType.BOOLEAN:
            return _Search("1", value, smaller, "least === 1")
    return _Search("2147483647", value, smaller, "kit.decimal(kit.widen(least))")


def _program(spec: Mapping[str, Json], columns: Sequence[Column]) -> Program:
    column, where = named_column(spec, "column", columns), condition(spec, columns)
    names = reads(columns, ColumnRef(column), where)
    frame = Frame([one for one in columns if one.name in names], where)
    rows = Rows(frame)
    failed = failures.counting(rows, (where, "1"))
    keep = rows.keep(where, column)
    search = _search(column, frame, rows)
    before = ["let found = 0;", f"let least = {search.first};", *failed.before]
    if search.end:
        before.append(f"let word = {frame.literal('text', '')};")
    return assemble(
        frame,
        before=before,
        rows=[
            *rows.lines,
            *failed.rows,
            f"if ({keep}) {{",
            f"if ({search.better}) {{",
            f"least = {search.candidate};",
            "}",
            "found += 1;",
            "}",
        ],
        end=search.end,
        result=f"{{{failed.pair}count: found, min: found === 0 ? null : {search.value}}}",
    )


@pluggy.HookimplMarker("grid")
def grid_job_type() -> JobType:
    """MIN."""
    return Min()
