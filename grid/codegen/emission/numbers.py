"""This file is where arithmetic, rounding and the functions of doubles become JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from grid.codegen.cells import Cell, Form, joint
from grid.codegen.emission import moments
from grid.codegen.emission.whole import checked, comparables, halves_away, quotient, scaled, whole
from grid.codegen.tree import Call, Expr, Literal
from grid.codegen.types import INT64_MIN, TIMES, Kind

if TYPE_CHECKING:
    from grid.codegen.javascript import Rows

#: Functions of doubles whose name in the kit is another one.
KIT_NAMES = {"ln": "log", "log10": "logten", "atan2": "atan", "pow": "topower", "sqrt": "root"}


def as_double(rows: Rows, item: Expr) -> Cell:
    """The operand as a double."""
    return rows.double(rows.cell(item), item.type.scale)


def _double(rows: Rows, made: str, *cells: Cell) -> Cell:
    valid = joint(*(cell.valid for cell in cells))
    return Cell(rows.const("x", made), valid, Form.DOUBLE, nan=True)


def _sum(rows: Rows, call: Call) -> Cell:
    """+ and −."""
    if any(item.kind in TIMES for item in call.args):
        return moments.shifted(rows, call)
    left, right = comparables(rows, call.args)
    if call.kind is Kind.DOUBLE:
        return _double(rows, f"{left.text} {call.op} {right.text}", left, right)
    return checked(rows, call, whole(rows, call.op, left, right))


def _product(rows: Rows, call: Call) -> Cell:
    if call.kind is Kind.DOUBLE:
        left, right = (as_double(rows, item) for item in call.args)
        return _double(rows, f"{left.text} * {right.text}", left, right)
    left, right = (rows.cell(item) for item in call.args)
    return checked(rows, call, whole(rows, "*", left, right))


def _not_zero(rows: Rows, cell: Cell, divisor: Cell) -> Cell:
    """The quotient, NULL where the divisor is 0."""
    zero = "0n" if divisor.form is Form.BIG else "0"
    flag = rows.const("z", f"{divisor.text} !== {zero}")
    return Cell(cell.text, (*cell.valid, flag), cell.form, cell.low, cell.high, cell.nan)


def _quotient(rows: Rows, call: Call) -> Cell:
    left, right = (as_double(rows, item) for item in call.args)
    return _not_zero(rows, _double(rows, f"{left.text} / {right.text}", left, right), right)


def _remainder(rows: Rows, call: Call) -> Cell:
    """// and %."""
    if call.kind is Kind.DOUBLE:
        left, right = (as_double(rows, item) for item in call.args)
        return _not_zero(rows, _double(rows, f"{left.text} % {right.text}", left, right), right)
    left, right = comparables(rows, call.args)
    divided = _not_zero(rows, whole(rows, call.op, left, right), right)
    if call.kind is not Kind.INTEGER or left.low > INT64_MIN or not right.low <= -1 <= right.high:
        return divided
    if call.op == "//":
        return checked(rows, call, divided)
    # DuckDB divides first, and that overflows.
    return _only_overflow(rows, call, divided, left, right)


def _only_overflow(rows: Rows, call: Call, cell: Cell, left: Cell, right: Cell) -> Cell:
    left, right = rows.big(left), rows.big(right)
    least, minus = rows.whole(INT64_MIN, big=True), rows.whole(-1, big=True)
    wrong = f"({left.text} === {least.text}) & ({right.text} === {minus.text})"
    flag = rows.const("e", " & ".join((wrong, *cell.valid)))
    rows.failed(call, flag)
    return cell


def _negative(rows: Rows, call: Call) -> Cell:
    cell = rows.cell(call.args[0])
    text = rows.const("x", f"{'0 ' if cell.form is Form.NUMBER else ''}-{cell.text}")
    if cell.form is Form.DOUBLE:
        return Cell(text, cell.valid, Form.DOUBLE, nan=cell.nan)
    return checked(rows, call, Cell(text, cell.valid, cell.form, -cell.high, -cell.low))


def _absolute(rows: Rows, call: Call) -> Cell:
    cell = rows.cell(call.args[0])
    if cell.form is Form.DOUBLE:
        text = rows.const("x", f"kit.abs({cell.text})")
        return Cell(text, cell.valid, Form.DOUBLE, nan=cell.nan)
    zero = "0n" if cell.form is Form.BIG else "0"
    text = rows.const("x", f"{cell.text} < {zero} ? -{cell.text} : {cell.text}")
    most = max(abs(cell.low), abs(cell.high))
    return checked(rows, call, Cell(text, cell.valid, cell.form, 0, most))


def _sign(rows: Rows, call: Call) -> Cell:
    cell = rows.cell(call.args[0])
    zero = "0n" if cell.form is Form.BIG else "0"
    text = rows.const("x", f"({cell.text} > {zero}) - ({cell.text} < {zero})")
    return Cell(text, cell.valid, Form.NUMBER, -1, 1)


def _rounded(rows: Rows, call: Call) -> Cell:
    """round and trunc."""
    item, away = call.args[0], call.op == "round"
    digits = 0
    if len(call.args) > 1 and isinstance(call.args[1], Literal):
        digits = int(str(call.args[1].value))
    cell = rows.cell(item)
    if cell.form is Form.DOUBLE:
        function = "half" if away else "trunc"
        if not digits:
            return _double(rows, f"kit.{function}({cell.text})", cell)
        power = rows.real(float(f"1e{abs(digits)}"))
        made = (
            f"kit.{'rounded' if away else 'cutoff'}({cell.text}, {power.text}, {int(digits < 0)})"
        )
        return _double(rows, made, cell)
    places = item.type.scale - digits
    if places <= 0:
        return cell
    unit = 10**places
    shift = 10 ** max(-digits, 0) if item.type.kind is not Kind.INTEGER else unit
    found = halves_away(rows, cell, unit) if away else whole(rows, "//", cell, rows.whole(unit))
    low, high = quotient(cell, unit) if away else (_cut(cell.low, unit), _cut(cell.high, unit))
    found = Cell(found.text, found.valid, found.form, low, high)
    return checked(rows, call, scaled(rows, found, shift))


def _cut(bound: int, unit: int) -> int:
    return bound // unit if bound >= 0 else -(-bound // unit)


def _stepped(rows: Rows, call: Call) -> Cell:
    """floor and ceil."""
    item = call.args[0]
    cell = rows.cell(item)
    if call.kind is Kind.DOUBLE:
        cell = rows.double(cell, 0)
        return _double(rows, f"kit.{call.op}({cell.text})", cell)
    unit = 10**item.type.scale
    if unit == 1:
        return cell
    found = whole(rows, "//", cell, rows.whole(unit))
    rest = whole(rows, "%", cell, rows.whole(unit))
    zero, one = ("0n", "1n") if found.form is Form.BIG else ("0", "1")
    nothing = "0n" if rest.form is Form.BIG else "0"
    test, step = ("<", "-") if call.op == "floor" else (">", "+")
    made = f"{found.text} {step} ({rest.text} {test} {nothing} ? {one} : {zero})"
    low, high = quotient(cell, unit)
    return Cell(rows.const("x", made), cell.valid, found.form, low, high)


def _of_doubles(rows: Rows, call: Call) -> Cell:
    cells = [as_double(rows, item) for item in call.args]
    name = KIT_NAMES.get(call.op, call.op)
    return _double(rows, f"kit.{name}({', '.join(cell.text for cell in cells)})", *cells)


EMISSION: Mapping[str, Callable[[Rows, Call], Cell]] = {
    "+": _sum,
    "-": _sum,
    "*": _product,
    "/": _quotient,
    "//": _remainder,
    "%": _remainder,
    "negate": _negative,
    "abs": _absolute,
    "sign": _sign,
    "round": _rounded,
    "trunc": _rounded,
    "floor": _stepped,
    "ceil": _stepped,
    **dict.fromkeys(
        ("sqrt", "sin", "cos", "tan", "atan2", "exp", "ln", "log10", "pow"), _of_doubles
    ),
}
