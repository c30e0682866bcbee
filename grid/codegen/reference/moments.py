"""This file is where the reference computes with dates and timestamps, on Python's `datetime`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from grid.codegen.failing import Failure
from grid.codegen.tree import Call, Literal
from grid.codegen.types import Kind, Type, limits
from grid.values import (
    DAY_MICROSECONDS,
    EPOCH,
    MICROSECOND,
    MOMENT_ZERO,
    TIMESTAMP_MAX,
    TIMESTAMP_MIN,
)

#: Microseconds of what divides a day, and of a day.
UNITS = {
    "day": DAY_MICROSECONDS,
    "hour": 3_600_000_000,
    "minute": 60_000_000,
    "second": 1_000_000,
    "millisecond": 1_000,
    "microsecond": 1,
}
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTHS = {"year": 12, "quarter": 3, "month": 1, "decade": 120, "century": 1200}


def moment(value: int, type: Type) -> datetime:
    """The value of a date or timestamp."""
    microseconds = value * DAY_MICROSECONDS if type.kind is Kind.DATE else value
    return MOMENT_ZERO + microseconds * MICROSECOND


def shifted(call: Call) -> Callable[..., int]:
    """+ and − where a date or a timestamp takes part."""
    types = [item.type for item in call.args]
    sign = 1 if call.op == "+" else -1
    if types[0].kind is Kind.DATE and types[1].kind is Kind.DATE:
        return lambda one, two: one - two
    if any(one.kind is Kind.INTERVAL for one in types):
        type = types[0] if types[1].kind is Kind.INTERVAL else types[1]

        def by_interval(one: Any, two: Any) -> int:
            value, span = (one, two) if isinstance(two, tuple) else (two, one)
            return later(moment(value, type), *(sign * part for part in span))

        return by_interval
    low, high = limits(call.type)

    def by_days(one: int, two: int) -> int:
        found = one + sign * two
        if not low <= found <= high:
            raise Failure
        return found

    return by_days


def later(at: datetime, months: int, days: int, microseconds: int) -> int:
    """So many months later (on the month's last day at most), then days, then microseconds."""
    number = at.year * 12 + at.month - 1 + months
    year, month = number // 12, number % 12 + 1
    if not 1 <= year <= 9999:
        raise Failure
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    day = min(at.day, MONTH_DAYS[month - 1] + leap)
    base = (at.replace(year=year, month=month, day=day) - MOMENT_ZERO) // MICROSECOND
    found = base + days * DAY_MICROSECONDS + microseconds
    if not TIMESTAMP_MIN <= found <= TIMESTAMP_MAX:
        raise Failure
    return found


def _part(call: Call) -> str:
    item = call.args[0]
    assert isinstance(item, Literal)
    return str(item.value)


PARTS: Mapping[str, Callable[[datetime], int]] = {
    "year": lambda at: at.year,
    "quarter": lambda at: (at.month + 2) // 3,
    "month": lambda at: at.month,
    "week": lambda at: _iso(at)[1],
    "day": lambda at: at.day,
    "hour": lambda at: at.hour,
    "minute": lambda at: at.minute,
    "second": lambda at: at.second,
    "millisecond": lambda at: at.second * 1000 + at.microsecond // 1000,
    "microsecond": lambda at: at.second * 1_000_000 + at.microsecond,
    "dow": lambda at: at.isoweekday() % 7,
    "isodow": lambda at: at.isoweekday(),
    "doy": lambda at: at.timetuple().tm_yday,
    "isoyear": lambda at: _iso(at)[0],
    "decade": lambda at: at.year // 10,
    "century": lambda at: (at.year - 1) // 100 + 1,
}


def _iso(at: datetime) -> tuple[int, int]:
    """ISO 8601's year and week: those of the week's Thursday, which may lie in year 0 or 10000."""
    day = (at.date() - EPOCH).days
    thursday = day - (at.isoweekday() - 1) + 3
    shifted, years = thursday, 0
    if thursday < (date.min - EPOCH).days or thursday > (date.max - EPOCH).days:
        years = 400 if thursday < 0 else -400
        shifted += 146_097 if thursday < 0 else -146_097
    in_year = EPOCH + timedelta(days=shifted)
    return in_year.year - years, (in_year.timetuple().tm_yday - 1) // 7 + 1


def _extract(call: Call) -> Callable[..., int]:
    read, type = PARTS[_part(call)], call.args[1].type
    return lambda _, value: read(moment(value, type))


def _epoch(call: Call) -> Callable[..., float]:
    type = call.args[0].type
    if type.kind is Kind.DATE:
        return lambda value: float(value * 86_400)
    return lambda value: value / 1_000_000


def _difference(call: Call) -> Callable[..., int]:
    part, (start, end) = _part(call), (item.type for item in call.args[1:])

    def of_months(one: datetime, two: datetime) -> int:
        unit = MONTHS[part]
        before, after = (at.year * 12 + at.month - 1 for at in (one, two))
        return after // unit - before // unit

    def of_units(one: datetime, two: datetime) -> int:
        unit = UNITS[part] * MICROSECOND
        return (two - MOMENT_ZERO) // unit - (one - MOMENT_ZERO) // unit

    def of_weeks(one: datetime, two: datetime) -> int:
        days = (two.date() - one.date()).days
        return days // 7 if days >= 0 else -(-days // 7)

    found = of_weeks if part == "week" else of_months if part in MONTHS else of_units
    return lambda _, one, two: found(moment(one, start), moment(two, end))


def _truncated(call: Call) -> Callable[..., int]:
    part, type = _part(call), call.args[1].type

    def start(at: datetime) -> datetime:
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        if part in MONTHS:
            number = (at.year * 12 + at.month - 1) // MONTHS[part] * MONTHS[part]
            if part == "century":
                number = (at.year - 1) // 100 * 1200 + 12
            if number < 12:
                raise Failure
            return midnight.replace(year=number // 12, month=number % 12 + 1, day=1)
        if part == "isoyear":
            back = (_iso(at)[1] - 1) * 7 + at.isoweekday() - 1
        else:
            back = at.isoweekday() - 1 if part == "week" else 0
        if (midnight - MOMENT_ZERO).days - back < (date.min - EPOCH).days:
            raise Failure
        return midnight - timedelta(days=back)

    def found(_: Any, value: int) -> int:
        at = moment(value, type)
        if part in UNITS:
            count = (at - MOMENT_ZERO) // MICROSECOND
            return count - count % UNITS[part]
        return (start(at) - MOMENT_ZERO) // MICROSECOND

    return found


FUNCTIONS: Mapping[str, Callable[[Call], Callable[..., Any]]] = {
    "extract": _extract,
    "epoch": _epoch,
    "date_diff": _difference,
    "date_trunc": _truncated,
}
