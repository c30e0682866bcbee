"""This file is where what is asked of one dictionary column is answered once for each of its texts.

The answers stand in tables, by code; the last place is for NULL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from grid.codegen.cells import Cell, Form
from grid.codegen.grammar import RULES
from grid.codegen.tree import Call, ColumnRef, Expr, walk
from grid.codegen.types import INT64_MAX, INT64_MIN, Kind
from grid.items import Column, PhysicalType

if TYPE_CHECKING:
    from grid.codegen.javascript import Fault, Rows

DICTIONARIES = frozenset({PhysicalType.DICT8, PhysicalType.DICT16})
#: Codes are never negative and below 2¹⁵; the mask also proves to the checker that it is an index.
CODE_MASK = 32767
#: What makes a table for values of a form.
TABLES = {Form.FLAG: "bytes", Form.NUMBER: "floats", Form.DOUBLE: "floats", Form.TEXT: "texts",
          Form.BIG: "longs"}  # fmt: skip
#: Calls that are NULL wherever their first operand is.
LED = frozenset({"in", "between"})


class _Table(Struct, frozen=True):
    """A table of one value for each text."""

    name: str
    cell: Cell


def column_of(rows: Rows, expr: Expr) -> Column | None:
    """The dictionary column that alone decides the call, if there is one."""
    if rows.entry is not None or not isinstance(expr, Call) or expr.kind is Kind.NULL:
        return None
    found: Column | None = rows.once(expr, "lifted", lambda: _column_of(expr))
    return found


def _column_of(expr: Call) -> Column | None:
    columns = [item.column for item in walk(expr) if isinstance(item, ColumnRef)]
    alone = bool(columns) and all(column == columns[0] for column in columns)
    return columns[0] if alone and columns[0].physical in DICTIONARIES else None


def truth(rows: Rows, expr: Call, column: Column, wanted: bool) -> str:
    """A flag of this row, looked up."""
    turn, entry = _turn(rows, column)
    answer = turn.true(expr) if wanted else turn.false(expr)
    (table,) = _fill(rows, column, turn, entry, [Cell(answer, (), Form.FLAG)])
    if _null_for_null(expr):
        found = f"{table.name}[{rows.code(column)}]"
        return rows.const("b", " & ".join((found, *rows.valid(column))))
    return rows.const("b", f"{table.name}[{place(rows, column)}]")


def cell(rows: Rows, expr: Call, column: Column) -> Cell:
    """The value of this row, looked up; computed where it is too wide for a table."""
    turn, entry = _turn(rows, column)
    made = turn.cell(expr)
    if made.form is Form.BIG and not (made.low >= INT64_MIN and made.high <= INT64_MAX):
        return rows.unlift(expr)
    known = [Cell(" & ".join(made.valid), (), Form.FLAG)] if made.valid else []
    value, *valid = _fill(rows, column, turn, entry, [made, *known])
    at = place(rows, column)
    text = rows.const("s" if made.form is Form.TEXT else "x", f"{value.name}[{at}]")
    flags = tuple(rows.const("v", f"{table.name}[{at}]") for table in valid)
    return Cell(text, flags, made.form, made.low, made.high, made.nan)


def faults(rows: Rows, expr: Call, column: Column) -> tuple[Fault, ...]:
    """The failures of this row, looked up."""
    turn, entry = _turn(rows, column)
    flags = turn.faults(expr)
    if not flags:
        return ()
    tables = _fill(rows, column, turn, entry, [Cell(flag, (), Form.FLAG) for flag, _ in flags])
    at = place(rows, column)
    return tuple(
        (rows.const("e", f"{table.name}[{at}]"), number)
        for table, (_, number) in zip(tables, flags, strict=True)
    )


def place(rows: Rows, column: Column) -> str:
    """This row's place in the column's dictionary and tables; the last one where it is NULL."""
    code = rows.code(column)
    if not column.nullable:
        return code
    (valid,) = rows.valid(column)
    made = f"({valid} ? {code} : {_last(rows, column)}) & {CODE_MASK}"
    return str(rows.once(column, "place", lambda: rows.const("d", made)))


def _last(rows: Rows, column: Column) -> str:
    return f"{_length(rows, column)} - 1"


def _length(rows: Rows, column: Column) -> str:
    """The name of the number of a dictionary's texts, that for NULL included."""
    frame = rows.frame
    dictionary = frame.part(column, "dictionary")
    name = f"m{frame.columns.index(column)}"
    line = f"const {name} = {dictionary}.length;"
    if line not in frame.chunk:
        frame.chunk.append(line)
    return name


def _turn(rows: Rows, column: Column) -> tuple[Rows, tuple[str, str]]:
    """What one turn over the dictionary computes, with the names of its text and its flag."""
    text, known = rows.frame.name("s"), rows.frame.name("v")
    turn = type(rows)(rows.frame, entry=(column, text, known), constants=rows.constants)
    return turn, (text, known)


def _fill(
    rows: Rows, column: Column, turn: Rows, entry: tuple[str, str], cells: list[Cell]
) -> list[_Table]:
    """Lines before the rows that make and fill a table for each of the cells."""
    frame = rows.frame
    dictionary, count = frame.part(column, "dictionary"), _length(rows, column)
    text, known = entry
    counter = frame.name("e")
    tables = [_Table(frame.name("t"), cell) for cell in cells]
    frame.chunk += [
        *(f"const {one.name} = kit.{TABLES[one.cell.form]}({count});" for one in tables),
        f"for (let {counter} = 0; {counter} < {count}; {counter}++) {{",
        f"const {text} = {dictionary}[{counter}];",
        f"const {known} = {counter} < {count} - 1;",
        *turn.lines,
        *(f"{one.name}[{counter}] = {one.cell.text};" for one in tables),
        "}",
    ]
    return tables


def _null_for_null(expr: Expr) -> bool:
    """Whether the expression is NULL for certain where its column is."""
    if not isinstance(expr, Call):
        return isinstance(expr, ColumnRef)
    if expr.op in LED:
        return _null_for_null(expr.args[0])
    if expr.op in ("and", "or"):
        return all(_null_for_null(item) for item in expr.args)
    return RULES[expr.op].strict and any(_null_for_null(item) for item in expr.args)
