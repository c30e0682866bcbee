"""This file is where CAST and TRY_CAST become JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from grid.codegen.cells import Cell, Form, form_of
from grid.codegen.emission.moments import split
from grid.codegen.emission.whole import checked, fail, halves_away, quotient, scaled, settled, whole
from grid.codegen.tree import Call
from grid.codegen.types import WHOLE, Kind, limits
from grid.values import DAY_MAX, DAY_MICROSECONDS, DAY_MIN

if TYPE_CHECKING:
    from grid.codegen.javascript import Rows


def _cast(rows: Rows, call: Call) -> Cell:
    source, target = call.args[0].kind, call.kind
    if target is Kind.TEXT:
        return _to_text(rows, call)
    if source is Kind.TEXT:
        return _from_text(rows, call)
    cell = rows.cell(call.args[0])
    if target is Kind.DOUBLE:
        if source is Kind.BOOLEAN:
            return Cell(rows.const("x", f"{cell.text} & 1"), cell.valid, Form.DOUBLE)
        return rows.double(cell, call.args[0].type.scale)
    if target is Kind.BOOLEAN:
        zero = "0n" if cell.form is Form.BIG else "0"
        return Cell(rows.const("q", f"{cell.text} !== {zero}"), cell.valid, Form.FLAG)
    if target is Kind.DATE:
        return split(rows, call.args[0])[0]
    if target is Kind.TIMESTAMP:
        return scaled(rows, cell, DAY_MICROSECONDS)
    if source is Kind.BOOLEAN:
        return Cell(rows.const("x", f"{cell.text} & 1"), cell.valid, Form.NUMBER, 0, 1)
    if source is Kind.DOUBLE:
        return _from_double(rows, call, cell)
    places = call.type.scale - call.args[0].type.scale
    if places >= 0:
        return checked(rows, call, scaled(rows, cell, 10**places))
    unit = 10**-places
    found = halves_away(rows, cell, unit)
    low, high = quotient(cell, unit)
    return checked(rows, call, Cell(found.text, found.valid, found.form, low, high))


def _from_double(rows: Rows, call: Call, cell: Cell) -> Cell:
    """Integers: halves to even. Decimals: times 10^scale, halves away from zero, as in DuckDB."""
    low, high = limits(call.type)
    if call.kind is Kind.INTEGER:
        text = f"kit.even({cell.text})"
    else:
        text = f"kit.half({cell.text} * {rows.real(float(f'1e{call.type.scale}')).text})"
    rounded = rows.const("x", text)
    integer = call.kind is Kind.INTEGER
    test, below = (">=", rows.real(float(low))) if integer else (">", rows.real(float(low - 1)))
    above = rows.real(float(high + 1))
    wrong = f"!(({rounded} {test} {below.text}) & ({rounded} < {above.text}))"
    found = Cell(rounded, cell.valid, Form.DOUBLE)
    if form_of(low, high) is Form.BIG:
        found = Cell(rows.const("x", f"kit.whole({rounded})"), cell.valid, Form.BIG)
    return settled(rows, call, found, wrong, low, high)


def _to_text(rows: Rows, call: Call) -> Cell:
    item = call.args[0]
    cell = rows.cell(item)
    if item.kind is Kind.DECIMAL and item.type.scale:
        made = f"kit.spellscaled({_digits(cell)}, {rows.whole(item.type.scale).text}, "
        made += f"{int(item.type.precision == item.type.scale)})"
    elif item.kind in WHOLE and item.kind not in (Kind.DATE, Kind.TIMESTAMP):
        made = _digits(cell)
    elif item.kind is Kind.DATE:
        made = f"kit.spelldate({cell.text})"
    elif item.kind is Kind.TIMESTAMP:
        day, clock = split(rows, item)
        made = f"kit.spellmoment({day.text}, {clock.text})"
    elif item.kind is Kind.BOOLEAN:
        made = f"kit.spellflag({cell.text} & 1)"
    else:
        made = f"kit.spelldouble({cell.text})"
    return Cell(rows.const("s", made), cell.valid, Form.TEXT)


def _digits(cell: Cell) -> str:
    """The text's decimal digits."""
    return f"kit.decimal({cell.text})" if cell.form is Form.BIG else f"kit.digits({cell.text})"


def _from_text(rows: Rows, call: Call) -> Cell:
    """The kit reads; what spells nothing is NaN, or beyond every bound."""
    subject = rows.cell(call.args[0])
    low, high = limits(call.type)
    if call.kind in (Kind.INTEGER, Kind.DECIMAL):
        scale = rows.whole(call.type.scale).text
        number = rows.const("x", f"kit.readscaled({subject.text}, {scale})")
        least, most = rows.whole(low, big=True).text, rows.whole(high, big=True).text
        wrong = f"({number} < {least}) | ({number} > {most})"
        return settled(rows, call, Cell(number, subject.valid, Form.BIG), wrong, low, high)
    if call.kind is Kind.DOUBLE:
        wrong = rows.const("e", f"!kit.isdouble({subject.text})")
        made = rows.const("x", f"kit.readdouble({subject.text})")
        return Cell(made, fail(rows, call, subject.valid, wrong), Form.DOUBLE, nan=True)
    if call.kind is Kind.BOOLEAN:
        flag = rows.const("x", f"kit.readflag({subject.text})")
        wrong = rows.const("e", f"{flag} < 0")
        made = rows.const("q", f"{flag} === 1")
        return Cell(made, fail(rows, call, subject.valid, wrong), Form.FLAG)
    day = rows.const("x", f"kit.readday({subject.text})")
    wrong = rows.const("e", f"{day} !== {day}")
    found = Cell(day, subject.valid, Form.DOUBLE)
    inside = settled(rows, call, found, wrong, DAY_MIN, DAY_MAX)
    if call.kind is Kind.DATE:
        return inside
    clock = rows.const("x", f"kit.readclock({subject.text})")
    start = scaled(rows, inside, DAY_MICROSECONDS)
    rest = Cell(clock, (), Form.NUMBER, 0, DAY_MICROSECONDS - 1)
    total = whole(rows, "+", start, rest)
    return Cell(total.text, total.valid, total.form, low, high)


EMISSION: Mapping[str, Callable[[Rows, Call], Cell]] = {"cast": _cast, "try_cast": _cast}
