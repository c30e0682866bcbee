"""This package is where SUM stands: the exact sum of a column.

Whole numbers are added as such, doubles as whole multiples of 2⁻¹⁰⁷⁴, of which every finite double
is one (IEEE 754 binary64). So partial sums add up in any order, and a sum of doubles is rounded
once, at the very end: it is what `math.fsum` gives.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import pluggy
import pyarrow as pa

from grid.codegen import failures
from grid.codegen.build import Place
from grid.codegen.condition import condition, named_column
from grid.codegen.failing import sites
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, assemble
from grid.codegen.reference import values_of
from grid.codegen.tree import ColumnRef, reads
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import Chunk, JobType, Merged, OutputError, Part

#: Every finite double is a whole number of units of 2^-1074, the least positive one.
UNIT_EXPONENT = 1074
UNITS = 1 << UNIT_EXPONENT
#: No value is further from 0: a double in its units, which is more than any int64.
SIZE_MAX = 2 ** (1024 + UNIT_EXPONENT)
ARROW = {
    LogicalType.DOUBLE: pa.float64(),
    LogicalType.TEXT: pa.utf8(),
    LogicalType.INT64: pa.int64(),
}
#: Types of 64 bits in memory.
WIDE = (PhysicalType.INT53, PhysicalType.INT64)
ADDED = ("count", "nan", "plus_infinity", "minus_infinity")
START: Json = {
    "count": 0,
    "sum": "0",
    "nan": 0,
    "plus_infinity": 0,
    "minus_infinity": 0,
    "failed": 0,
}


class Sum(JobType):
    """Partial sums are exact, so merging is addition."""

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        column = _column(spec, columns)
        return reads(columns, ColumnRef(column), condition(spec, columns))

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """`sum`, NULL when nothing was added, and `count`, how many values were.

        The sum of a column that is stored in 64 bits may need more of them, so it is text: all
        its digits. Sums of narrower whole numbers always fit.
        """
        column = _column(spec, columns)
        kind, physical = LogicalType.INT64, PhysicalType.INT64
        if column.type is LogicalType.DOUBLE:
            kind, physical = LogicalType.DOUBLE, PhysicalType.DOUBLE
        elif column.physical in WIDE:
            kind, physical = LogicalType.TEXT, PhysicalType.UTF8
        return (
            Column(name="sum", type=kind, physical=physical, nullable=True),
            Column(
                name="count", type=LogicalType.INT64, physical=PhysicalType.INT64, nullable=False
            ),
        )

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return _program(spec, columns).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return _program(spec, columns).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        column, where = _column(spec, columns), condition(spec, columns)
        values, faults = values_of(column, where, chunks)
        failed = {failures.FIELD: failures.counted(faults)} if sites(where) else {}
        return {**_partial(values), **failed}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        special = sum(output[key] for key in ADDED[1:])
        if output["count"] > sum(rows) or special > output["count"]:
            raise OutputError("/count: more values than rows")
        if abs(int(output["sum"])) > (output["count"] - special) * SIZE_MAX:
            raise OutputError("/sum: further from 0 than so many values can be")
        try:
            failures.check(output, rows)
        except ValueError as error:
            raise OutputError(str(error)) from error

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return START

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        total = {key: state[key] + part.output[key] for key in ADDED}
        total["sum"] = str(int(state["sum"]) + int(part.output["sum"]))
        places = sites(condition(spec, columns))
        failed = failures.forgiven(part.output, places, part.first_chunk, spec)
        return Merged(state={**total, "failed": state["failed"] + failed})

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        kind = self.output_columns(spec, columns)[0].type
        if not state["count"]:
            total = pa.array([None], ARROW[kind])
        elif kind is LogicalType.DOUBLE:
            total = pa.array([rounded(state)], ARROW[kind])
        else:
            exact = state["sum"]
            total = pa.array([exact if kind is LogicalType.TEXT else int(exact)], ARROW[kind])
        rows = pa.record_batch(
            [total, pa.array([state["count"]], pa.int64())],
            names=["sum", "count"],
        )
        return Merged(state=state, rows=rows)


def rounded(total: Mapping[str, Json]) -> float:
    """The double nearest to an exact sum of doubles, ties to even; infinite beyond the largest.

    NaN when a NaN was added, or infinities of both signs (IEEE 754, section 7.2).
    """
    if total["nan"] or (total["plus_infinity"] and total["minus_infinity"]):
        return math.nan
    if total["plus_infinity"] or total["minus_infinity"]:
        return math.inf if total["plus_infinity"] else -math.inf
    units = int(total["sum"])
    try:
        return units / UNITS
    except OverflowError:
        return math.inf if units > 0 else -math.inf


def _partial(values: Sequence[object]) -> Json:
    """The exact sum of int or float values, in the output's form."""
    whole = [value for value in values if isinstance(value, int)]
    doubles = [value for value in values if isinstance(value, float)]
    finite = sum((Fraction(value) for value in doubles if math.isfinite(value)), Fraction(0))
    return {
        "count": len(values),
        "sum": str(sum(whole) + int(finite * UNITS)),
        "nan": sum(math.isnan(value) for value in doubles),
        "plus_infinity": doubles.count(math.inf),
        "minus_infinity": doubles.count(-math.inf),
    }


def _column(spec: Mapping[str, Json], columns: Sequence[Column]) -> Column:
    column = named_column(spec, "column", columns)
    if column.type not in (LogicalType.INT64, LogicalType.DOUBLE):
        raise Place("/column").refuse(f"{column.name!r} holds {column.type}, which has no sum")
    return column


#: Adds the words of a double's significand to the bins of its exponent (`kit.exact` proves it).
DOUBLE_ROWS = [
    "const low = pairs[i << 1];",
    "const high = pairs[(i << 1) | 1];",
    "const power = (high >>> 20) & 2047;",
    "const sign = keep * (1 - ((high >>> 31) << 1));",
    "lows[power & 2047] += sign * (low >>> 0);",
    "highs[power & 2047] += sign * (((power > 0) << 20) | (high & 1048575));",
    "if (keep & (power === 2047)) {",
    "const odd = ((high & 1048575) | low) !== 0;",
    "nan += odd & 1;",
    "plus += !odd & (high >= 0);",
    "minus += !odd & (high < 0);",
    "}",
]


def _program(spec: Mapping[str, Json], columns: Sequence[Column]) -> Program:
    column, where = _column(spec, columns), condition(spec, columns)
    names = reads(columns, ColumnRef(column), where)
    frame = Frame([one for one in columns if one.name in names], where)
    rows = Rows(frame)
    failed = failures.counting(rows, (where, "1"))
    lines = [f"const keep = {rows.keep(where, column)};", "found += keep;"]
    values = frame.part(column, "values")
    if column.type is LogicalType.DOUBLE:
        start = ["const lows = kit.floats(2048);", "const highs = kit.floats(2048);"]
        start.append(f"const pairs = kit.words({values});")
        lines += DOUBLE_ROWS
        partial = "kit.exact(lows, highs)"
    elif column.physical in WIDE:
        start = ["let lows = 0;", "let highs = 0;", f"const pairs = kit.words({values});"]
        lines += [
            "lows += keep * (pairs[i << 1] >>> 0);",
            "highs += keep * pairs[(i << 1) | 1];",
        ]
        partial = "kit.joined(lows, highs)"
    else:
        # Below 2^53: at most 2^31 times a million rows.
        start = ["let part = 0;"]
        lines.append(f"part += keep * {rows.value(column)};")
        partial = "kit.widen(part)"
    return assemble(
        frame,
        before=[f"let {name} = 0;" for name in ("found", "nan", "plus", "minus")]
        + ["let total = 0n;", *failed.before],
        start=start,
        rows=[*rows.lines, *failed.rows, *lines],
        end=[f"total += {partial};"],
        result=f"{{{failed.pair}count: found, sum: kit.decimal(total), nan: nan, "
        "plus_infinity: plus, minus_infinity: minus}",
    )


@pluggy.HookimplMarker("grid")
def grid_job_type() -> JobType:
    """SUM."""
    return Sum()
