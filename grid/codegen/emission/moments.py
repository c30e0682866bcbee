"""This file is where dates, timestamps and intervals become JavaScript.

The calendar's functions are in the kit; they get a day and the microseconds since its midnight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from grid.codegen.cells import Cell, Form, joint
from grid.codegen.emission.whole import checked, scaled, settled, whole
from grid.codegen.tree import Call, Expr, Literal
from grid.codegen.types import Kind
from grid.values import DAY_MAX, DAY_MICROSECONDS, DAY_MIN, TIMESTAMP_MAX, TIMESTAMP_MIN

if TYPE_CHECKING:
    from grid.codegen.javascript import Rows

#: Parts of the day → microseconds of one, and how many the next greater part has.
CLOCK = {
    "hour": (3_600_000_000, 24),
    "minute": (60_000_000, 60),
    "second": (1_000_000, 60),
    "millisecond": (1_000, 60_000),
    "microsecond": (1, 60_000_000),
}
#: Greatest value of a part of the calendar, whose function in the kit has its name.
CALENDAR = {
    "year": 9999,
    "quarter": 4,
    "month": 12,
    "week": 53,
    "day": 31,
    "dow": 6,
    "isodow": 7,
    "doy": 366,
    "isoyear": 10_000,
    "decade": 999,
    "century": 100,
}
MONTHS = {"year": 12, "quarter": 3, "month": 1, "decade": 120, "century": 1200}
#: No date or timestamp leaves these by an interval (`grid.codegen.casting`).
FAR_MONTHS = 12 * 20_001


def split(rows: Rows, item: Expr) -> tuple[Cell, Cell]:
    """The day of a date or timestamp, and the microseconds since its midnight; both Numbers."""
    cell = rows.cell(item)
    if item.kind is Kind.DATE:
        return cell, Cell("0", (), Form.NUMBER)
    pair: tuple[Cell, Cell] = rows.once(cell, "split", lambda: _split(rows, cell))
    return pair


def _split(rows: Rows, cell: Cell) -> tuple[Cell, Cell]:
    size = rows.whole(DAY_MICROSECONDS)
    big = cell.form is Form.BIG
    day = rows.const("x", f"kit.{'bigday' if big else 'today'}({cell.text})")
    found = Cell(day, cell.valid, Form.NUMBER, DAY_MIN, DAY_MAX)
    if big:
        rest = f"kit.narrow({cell.text} - {rows.big(whole(rows, '*', found, size)).text})"
    else:
        rest = f"{cell.text} - {day} * {size.text}"
    return found, Cell(rows.const("x", rest), cell.valid, Form.NUMBER, 0, DAY_MICROSECONDS - 1)


def _part(call: Call) -> str:
    assert isinstance(call.args[0], Literal)
    return str(call.args[0].value)


def _extract(rows: Rows, call: Call) -> Cell:
    part = _part(call)
    day, clock = split(rows, call.args[1])
    if part in CLOCK:
        size, count = CLOCK[part]
        if clock.text == "0":
            return Cell("0", day.valid, Form.NUMBER)
        made = f"kit.floor({clock.text} / {rows.whole(size).text}) % {rows.whole(count).text}"
        return Cell(rows.const("x", made), day.valid, Form.NUMBER, 0, count - 1)
    made = rows.const("x", f"kit.{part}({day.text})")
    return Cell(made, day.valid, Form.NUMBER, 0, CALENDAR[part])


def _epoch(rows: Rows, call: Call) -> Cell:
    (item,) = call.args
    cell = rows.cell(item)
    if item.kind is Kind.DATE:
        made = rows.const("x", f"{cell.text} * {rows.whole(86_400).text}")
        return Cell(made, cell.valid, Form.DOUBLE)
    return rows.double(cell, 6)


def months(rows: Rows, day: Cell) -> Cell:
    """Months since year 0 of the month that the day is in."""
    made = rows.once(day, "months", lambda: rows.const("x", f"kit.months({day.text})"))
    return Cell(made, day.valid, Form.NUMBER, 12, 12 * 10_000)


def _difference(rows: Rows, call: Call) -> Cell:
    part = _part(call)
    (one, before), (two, after) = (split(rows, item) for item in call.args[1:])
    valid = joint(one.valid, two.valid)
    if part in MONTHS:
        unit = rows.whole(MONTHS[part]).text
        ends = [f"kit.floor({months(rows, day).text} / {unit})" for day in (two, one)]
        made = rows.const("x", f"{ends[0]} - {ends[1]}")
        return Cell(made, valid, Form.NUMBER, -120_000, 120_000)
    most = DAY_MAX - DAY_MIN + 1
    days = rows.const("x", f"{two.text} - {one.text}")
    if part == "week":
        made = rows.const("x", f"kit.trunc({days} / {rows.whole(7).text}) + 0")
        return Cell(made, valid, Form.NUMBER, -most, most)
    if part == "day":
        return Cell(days, valid, Form.NUMBER, -most, most)
    size, _ = CLOCK[part]
    per_day = DAY_MICROSECONDS // size
    total = scaled(rows, Cell(days, valid, Form.NUMBER, -most, most), per_day)
    parts = [f"kit.floor({clock.text} / {rows.whole(size).text})" for clock in (after, before)]
    rest = rows.const("x", f"{parts[0]} - {parts[1]}")
    return whole(rows, "+", total, Cell(rest, valid, Form.NUMBER, -per_day, per_day))


def _truncated(rows: Rows, call: Call) -> Cell:
    part = _part(call)
    day, clock = split(rows, call.args[1])
    if part in CLOCK:
        cell = rows.cell(call.args[1])
        if clock.text == "0":
            return scaled(rows, cell, DAY_MICROSECONDS)
        size = rows.whole(CLOCK[part][0]).text
        rest = rows.const("x", f"{clock.text} % {size}")
        found = whole(rows, "-", cell, Cell(rest, day.valid, Form.NUMBER, 0, DAY_MICROSECONDS - 1))
        return _as_timestamp(rows, found)
    if part == "day":
        start, low = day.text, DAY_MIN
    else:
        start, low = rows.const("x", f"kit.start{part}({day.text})"), DAY_MIN - 366 * 101
    found = Cell(start, day.valid, Form.NUMBER, low, DAY_MAX)
    return checked(rows, call, scaled(rows, found, DAY_MICROSECONDS))


def _as_timestamp(rows: Rows, cell: Cell) -> Cell:
    low, high = max(cell.low, TIMESTAMP_MIN), min(cell.high, TIMESTAMP_MAX)
    return Cell(cell.text, cell.valid, cell.form, low, high)


def shifted(rows: Rows, call: Call) -> Cell:
    """+ and − where a date or a timestamp takes part."""
    kinds = [item.kind for item in call.args]
    if Kind.INTERVAL not in kinds:
        left, right = (rows.cell(item) for item in call.args)
        return checked(rows, call, whole(rows, call.op, left, right))
    span, item = call.args if kinds[0] is Kind.INTERVAL else (call.args[1], call.args[0])
    assert isinstance(span, Literal) and isinstance(span.value, tuple)
    sign = 1 if call.op == "+" else -1
    by_months, days, microseconds = (sign * part for part in span.value)
    cell = rows.cell(item)
    if item.kind is Kind.DATE:
        cell = scaled(rows, cell, DAY_MICROSECONDS)
    later = cell
    if by_months:
        later = _months_later(rows, call, item, by_months)
    step = days * DAY_MICROSECONDS + microseconds
    if not step:
        return later
    moved = whole(rows, "+", later, rows.whole(step))
    return checked(rows, call, moved)


def _months_later(rows: Rows, call: Call, item: Expr, by_months: int) -> Cell:
    """The same day so many months later, or the last of that month."""
    day, clock = split(rows, item)
    moved = rows.const("x", f"kit.monthslater({day.text}, {rows.whole(by_months).text})")
    far = FAR_MONTHS * 31
    target = Cell(moved, day.valid, Form.NUMBER, -far, far)
    wrong = f"({moved} < {rows.whole(DAY_MIN).text}) | ({moved} > {rows.whole(DAY_MAX).text})"
    inside = settled(rows, call, target, wrong, DAY_MIN, DAY_MAX)
    start = scaled(rows, inside, DAY_MICROSECONDS)
    if clock.text == "0":
        return start
    return _as_timestamp(rows, whole(rows, "+", start, clock))


EMISSION: Mapping[str, Callable[[Rows, Call], Cell]] = {
    "extract": _extract,
    "epoch": _epoch,
    "date_diff": _difference,
    "date_trunc": _truncated,
}
