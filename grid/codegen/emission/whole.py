"""This file is where arithmetic on whole numbers becomes JavaScript that is exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from grid.codegen.cells import Cell, Form, bounds, form_of, joint
from grid.codegen.tree import Call, Expr
from grid.codegen.types import (
    NUMBERS,
    Kind,
    Type,
    limits,
)
from grid.values import DAY_MICROSECONDS

if TYPE_CHECKING:
    from grid.codegen.javascript import Rows


def whole(rows: Rows, op: str, left: Cell, right: Cell) -> Cell:
    """`left op right` of whole numbers, however large; by 0 some whole number."""
    low, high = bounds(op, left, right)
    constant = left.constant and right.constant
    rows = rows.constants if constant else rows
    small = left.form is Form.NUMBER and right.form is Form.NUMBER
    form = Form.NUMBER if small and form_of(low, high) is Form.NUMBER else Form.BIG
    if form is Form.BIG:
        left, right = rows.big(left), rows.big(right)
    one, other, zero = left.text, right.text, "0n" if form is Form.BIG else "0"
    made = f"{one} {op} {other}"
    # JavaScript's products and remainders may be −0, which is no whole number.
    plus = "" if form is Form.BIG else " + 0"
    if op == "*":
        made += plus
    elif op == "%":
        made = f"{other} === {zero} ? {zero} : {one} % {other}{plus}"
    elif op == "//":
        exact = f"{one} / {other}"
        if form is Form.NUMBER:
            exact = f"({one} - {one} % {other}) / {other} + 0"
        made = f"{other} === {zero} ? {zero} : {exact}"
    valid = joint(left.valid, right.valid)
    return Cell(rows.const("x", made), valid, form, low, high, constant=constant)


def checked(rows: Rows, call: Call, cell: Cell) -> Cell:
    """The whole number as a value of the call's type; the row fails where it is none."""
    low, high = limits(call.type)
    big = cell.form is Form.BIG
    if cell.low >= low and cell.high <= high:
        if big and form_of(low, high) is Form.NUMBER:  # such as a day, which is always a Number
            narrow = rows.const("x", f"kit.narrow({cell.text})")
            return replace(cell, text=narrow, form=Form.NUMBER)
        return cell
    least, most = rows.whole(low, big=big), rows.whole(high, big=big)
    outside = []
    if cell.low < low:
        outside.append(f"({cell.text} < {least.text})")
    if cell.high > high:
        outside.append(f"({cell.text} > {most.text})")
    low, high = max(cell.low, low), min(cell.high, high)
    if low > high:  # every row fails, and what stands there is 0
        low = high = 0
    return settled(rows, call, cell, " | ".join(outside), low, high)


def settled(rows: Rows, call: Call, cell: Cell, wrong: str, low: int, high: int) -> Cell:
    """The cell within its bounds, where the condition `wrong` is not met; elsewhere the row fails.

    TRY_CAST makes NULL of that.
    """
    flag = rows.const("e", wrong)
    form = form_of(low, high)
    if cell.form is Form.DOUBLE:
        text, zero = cell.text, "0"
    elif cell.form is Form.BIG and form is Form.NUMBER:
        text, zero = f"kit.narrow({cell.text})", "0"
    else:
        form, text, zero = cell.form, cell.text, "0n" if cell.form is Form.BIG else "0"
    if cell.form is Form.DOUBLE and form is Form.NUMBER:
        text = f"{text} + 0"
    made = rows.const("x", f"{flag} ? {zero} : {text}")
    return Cell(made, fail(rows, call, cell.valid, flag), form, low, high)


def fail(rows: Rows, call: Call, valid: tuple[str, ...], flag: str) -> tuple[str, ...]:
    """Where the call's value is not NULL, when it has none wherever `flag` is 1."""
    if call.op != "try_cast":
        failed = rows.const("e", " & ".join((flag, *valid))) if valid else flag
        rows.failed(call, failed)
    return (*valid, rows.const("v", f"!{flag}"))


def scaled(rows: Rows, cell: Cell, factor: int) -> Cell:
    """The whole number times a constant."""
    if factor == 1:
        return cell
    made: Cell = rows.once(
        cell, f"times{factor}", lambda: whole(rows, "*", cell, rows.whole(factor))
    )
    return made


def halves_away(rows: Rows, cell: Cell, unit: int) -> Cell:
    """The whole number divided by a positive constant, halves away from zero."""
    half = rows.whole(unit // 2)
    up, down = whole(rows, "+", cell, half), whole(rows, "-", cell, half)
    if up.form is not down.form or up.form is not cell.form:
        cell, up, down = rows.big(cell), rows.big(up), rows.big(down)
    zero = "0n" if cell.form is Form.BIG else "0"
    made = rows.const("x", f"{cell.text} < {zero} ? {down.text} : {up.text}")
    shifted = Cell(made, cell.valid, cell.form, down.low, up.high)
    return whole(rows, "//", shifted, rows.whole(unit))


def quotient(cell: Cell, unit: int) -> tuple[int, int]:
    """Bounds of the cell divided by a positive constant, whichever way it is rounded."""
    return -(-cell.low // unit) - 1, cell.high // unit + 1


def comparables(rows: Rows, args: Sequence[Expr]) -> list[Cell]:
    """The operands in one form and scale: among numbers with a double all are doubles."""
    types = [item.type for item in args]
    cells = [rows.cell(item) for item in args]
    kinds = {one.kind for one in types}
    if Kind.TEXT in kinds:
        return cells
    if Kind.BOOLEAN in kinds:
        return [_flag(rows, cell) for cell in cells]
    if Kind.DOUBLE in kinds:
        pairs = zip(cells, types, strict=True)
        return [rows.double(cell, one.scale) for cell, one in pairs]
    aligned = [
        scaled(rows, cell, _factor(one, types)) for cell, one in zip(cells, types, strict=True)
    ]
    if any(cell.form is Form.BIG for cell in aligned):
        return [rows.big(cell) for cell in aligned]
    return aligned


def _flag(rows: Rows, cell: Cell) -> Cell:
    made = rows.once(cell, "bit", lambda: rows.const("n", f"{cell.text} & 1"))
    return Cell(made, cell.valid, Form.FLAG, constant=cell.constant)


def _factor(type: Type, types: Sequence[Type]) -> int:
    if type.kind in NUMBERS:
        return int(10 ** (max(one.scale for one in types) - type.scale))
    mixed = type.kind is Kind.DATE and any(one.kind is Kind.TIMESTAMP for one in types)
    return DAY_MICROSECONDS if mixed else 1
