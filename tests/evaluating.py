"""This file is where an expression is computed in three ways: by DuckDB, the reference, a program.

Values come out as the reference has them: whole numbers for decimals, dates and timestamps.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Context, Decimal
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import settings

from grid import canonical, chunks
from grid.codegen.cells import Cell, Form
from grid.codegen.checker import check
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, assemble
from grid.codegen.reference import evaluated
from grid.codegen.tree import Expr, reads
from grid.codegen.types import Kind, Type
from grid.conformance import Cut, Table
from grid.engines import Computation, Engine
from grid.items import Column, LogicalType

#: For properties that run a program for each case: half the cases, unless many are asked for.
COMPUTED = settings(max_examples=settings().max_examples if settings().max_examples > 200 else 50)
FAILED = "failed"
WIDE = Context(prec=60)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as DuckDB's timestamps
_MICROSECOND = timedelta(microseconds=1)
SPELLED = {
    Form.NUMBER: "kit.digits({})",
    Form.BIG: "kit.decimal({})",
    Form.DOUBLE: "kit.bits({})",
    Form.FLAG: "{} & 1",
    Form.TEXT: "{}",
}


def program(expr: Expr, columns: Sequence[Column]) -> tuple[Program, tuple[Column, ...]]:
    """A program that answers with the expression's value for every row, and what it reads."""
    names = reads(columns, expr) or (columns[0].name,)
    read = tuple(column for column in columns if column.name in names)
    frame = Frame(read, expr)
    rows = Rows(frame)
    cell: Cell = rows.cell(expr)
    fault, where = rows.fault((expr, "1"))
    known = " & ".join(cell.valid) or "1"
    value = SPELLED[cell.form].format(cell.text)
    return assemble(
        frame,
        before=["const answers = kit.list();"],
        rows=[
            *rows.lines,
            f"const known = {known};",
            f"const value = {fault} ? -({where}) : known ? {value} : null;",
            "kit.push(answers, value);",
        ],
        result="{answers: answers}",
    ), read


def by_program(expr: Expr, cut: Cut, engine: Engine) -> list[Any]:
    """What the program answers, checked; a failure is "failed" and the number of its place."""
    made, read = program(expr, cut.columns)
    check(made.text)
    job = Computation(
        program=made.text,
        columns=read,
        chunks=tuple(
            tuple(chunks.encode_column(batch.column(one.name), one) for one in read)
            for batch in cut.chunks
        ),
        rows=tuple(batch.num_rows for batch in cut.chunks),
        params=made.params,
        time_limit_s=60.0,
    )
    answers = canonical.loads(engine.compute(job))["answers"]
    return [_read(answer, expr.type) for answer in answers]


def _read(answer: Any, type: Type) -> Any:
    if answer is None:
        return None
    if isinstance(answer, int) and answer < 0:
        return (FAILED, -answer)
    if type.kind is Kind.BOOLEAN:
        return bool(answer)
    if type.kind is Kind.TEXT:
        return answer
    if type.kind is Kind.DOUBLE:
        return struct.unpack(">d", bytes.fromhex(answer))[0]
    return int(answer)


def by_reference(expr: Expr, table: Table) -> list[Any]:
    """The same by the reference."""
    chunk: Mapping[str, Sequence[Any]] = dict(zip(table.names, table.values, strict=True))
    values, faults = evaluated(expr, chunk, table.rows)
    return [(FAILED, faults[row]) if row in faults else value for row, value in enumerate(values)]


def by_duckdb(sql: str, type: Type, table: Table, database: duckdb.DuckDBPyConnection) -> list[Any]:
    """The same by DuckDB, where every failure is "failed"."""
    arrow = arrow_of(table).append_column("place", pa.array(range(table.rows), pa.int64()))
    found = _asked(sql, arrow, database)
    if found is None:
        # A failure ends a query, so each row gets its own; twice, since DuckDB takes one for a
        # constant, and does not compute what stands beside a constant NULL.
        alone = [_asked(sql, arrow.take([row, row]), database) for row in range(table.rows)]
        found = [FAILED if values is None else values[0] for values in alone]
    return [plain(value, type) for value in found]


def arrow_of(table: Table) -> pa.Table:
    """The table as DuckDB reads it."""
    columns = zip(table.values, table.types, table.sizes, strict=True)
    return pa.table(
        [_arrow(values, kind, size) for values, kind, size in columns], names=list(table.names)
    )


def _asked(sql: str, arrow: pa.Table, database: duckdb.DuckDBPyConnection) -> list[Any] | None:
    """The expression's values, or None where a row failed."""
    database.register("given", arrow)
    try:
        found = database.execute(f"SELECT {sql} FROM given ORDER BY place").fetchall()
    except (duckdb.OutOfRangeException, duckdb.ConversionException, duckdb.InvalidInputException):
        return None
    return [row[0] for row in found]


def _arrow(values: Sequence[Any], kind: LogicalType, size: tuple[int, int]) -> pa.Array:
    match kind:
        case LogicalType.DECIMAL:
            scaled = [None if x is None else Decimal(x).scaleb(-size[1], WIDE) for x in values]
            return pa.array(scaled, pa.decimal128(*size))
        case LogicalType.DATE:
            return pa.array(values, pa.int32()).cast(pa.date32())
        case LogicalType.TIMESTAMP:
            return pa.array(values, pa.int64()).cast(pa.timestamp("us"))
        case LogicalType.INT64:
            return pa.array(values, pa.int64())
        case LogicalType.DOUBLE:
            return pa.array(values, pa.float64())
        case LogicalType.BOOLEAN:
            return pa.array(values, pa.bool_())
    return pa.array(values, pa.utf8())


def plain(value: Any, type: Type) -> Any:
    """DuckDB's value as the reference would have it."""
    if value is None or value == FAILED:
        return value
    if type.kind is Kind.DECIMAL:
        return int(Decimal(value).scaleb(type.scale, WIDE))
    if type.kind is Kind.DATE:
        return (value - _EPOCH.date()).days
    if type.kind is Kind.TIMESTAMP:
        if not isinstance(value, datetime):
            value = datetime.combine(value, time())
        return (value - _EPOCH) // _MICROSECOND
    return value


def alike(one: Any, two: Any) -> bool:
    """Equal to the bit: NaN is NaN, and 0.0 is not −0.0."""
    if isinstance(one, float) and isinstance(two, float):
        if math.isnan(one) or math.isnan(two):
            return math.isnan(one) and math.isnan(two)
        return one == two and math.copysign(1, one) == math.copysign(1, two)
    return type(one) is type(two) and one == two
