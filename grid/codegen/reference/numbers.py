"""This file is where the reference computes with numbers: arithmetic, comparisons, rounding."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from grid.codegen.failing import Failure
from grid.codegen.reference import moments
from grid.codegen.reference.ordering import as_double, order, with_keys
from grid.codegen.tree import Call, Literal
from grid.codegen.types import INT64_MIN, TIMES, Kind, Type, limits

COMPARISONS: Mapping[str, Callable[[int], bool]] = {
    "=": lambda found: found == 0,
    "<>": lambda found: found != 0,
    "<": lambda found: found < 0,
    "<=": lambda found: found <= 0,
    ">": lambda found: found > 0,
    ">=": lambda found: found >= 0,
}


def within(type: Type, value: int) -> int:
    """The whole number, if it stands for a value of the type; raises Failure."""
    low, high = limits(type)
    if not low <= value <= high:
        raise Failure
    return value


def doubles(call: Call, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of the operands as doubles."""
    scales = [item.type.scale for item in call.args]
    return lambda *values: function(
        *(as_double(value, scale) for value, scale in zip(values, scales, strict=True))
    )


def _comparison(call: Call) -> Callable[..., bool]:
    test = COMPARISONS[call.op]
    return with_keys([item.type for item in call.args], lambda one, two: test(order(one, two)))


def _sum(call: Call) -> Callable[..., Any]:
    """+ and −."""
    function = operator.add if call.op == "+" else operator.sub
    kinds = {item.kind for item in call.args}
    if kinds & TIMES:
        return moments.shifted(call)
    if call.kind is Kind.DOUBLE:
        return doubles(call, function)
    return with_keys(
        [item.type for item in call.args], lambda one, two: within(call.type, function(one, two))
    )


def _product(call: Call) -> Callable[..., Any]:
    if call.kind is Kind.DOUBLE:
        return doubles(call, operator.mul)
    return lambda one, two: within(call.type, one * two)


def _quotient(call: Call) -> Callable[..., Any]:
    return doubles(call, lambda one, two: None if two == 0 else one / two)


def _whole_quotient(call: Call) -> Callable[..., Any]:
    def divided(one: int, two: int) -> int | None:
        if two == 0:
            return None
        found = abs(one) // abs(two)
        return within(call.type, found if (one < 0) == (two < 0) else -found)

    return divided


def _remainder(call: Call) -> Callable[..., Any]:
    """IEEE fmod: the dividend's sign."""

    def of_doubles(one: float, two: float) -> float | None:
        if two == 0:
            return None
        return math.nan if math.isinf(one) or math.isnan(one) else math.fmod(one, two)

    def of_whole(one: int, two: int) -> int | None:
        if two == 0:
            return None
        if call.kind is Kind.INTEGER and one == INT64_MIN and two == -1:
            raise Failure
        found = abs(one) % abs(two)
        return -found if one < 0 else found

    if call.kind is Kind.DOUBLE:
        return doubles(call, of_doubles)
    return with_keys([item.type for item in call.args], of_whole)


def _negative(call: Call) -> Callable[..., Any]:
    if call.kind is Kind.DOUBLE:
        return operator.neg
    return lambda value: within(call.type, -value)


def _absolute(call: Call) -> Callable[..., Any]:
    if call.kind is Kind.DOUBLE:
        return abs
    return lambda value: within(call.type, abs(value))


def _sign(_call: Call) -> Callable[..., int]:
    return lambda value: int(value > 0) - int(value < 0)


def halves_away(value: int, unit: int) -> int:
    """value / unit as a whole number, halves away from zero."""
    found = (2 * abs(value) + unit) // (2 * unit)
    return found if value >= 0 else -found


def _cut(value: int, unit: int) -> int:
    return value // unit if value >= 0 else -(-value // unit)


def whole_double(value: float, away: bool) -> float:
    """The double without fraction: halves away from zero, or towards zero."""
    if not math.isfinite(value) or abs(value) >= 2.0**52:
        return value
    found = math.floor(abs(value))
    if away and abs(value) - found >= 0.5:
        found += 1
    return math.copysign(float(found), value)


def _digits(call: Call) -> int | None:
    if len(call.args) == 1:
        return 0
    item = call.args[1]
    assert isinstance(item, Literal)
    return item.value if isinstance(item.value, int) else None


def _rounded(call: Call) -> Callable[..., Any]:
    """round and trunc."""
    away, digits, type = call.op == "round", _digits(call), call.args[0].type
    if digits is None:
        return lambda *values: None
    if call.kind is Kind.DOUBLE:
        return lambda value, *_: rounded_double(value, digits, away)
    places = type.scale - digits
    if places <= 0:
        return lambda value, *_: value
    unit = 10**places
    shift = 10 ** max(-digits, 0) if type.kind is not Kind.INTEGER else unit

    def found(value: int, *_: Any) -> int:
        return within(call.type, (halves_away if away else _cut)(value, unit) * shift)

    return found


def rounded_double(value: float, digits: int, away: bool) -> float:
    """DuckDB's way: times 10^digits, to the whole number, divided again; else the value itself."""
    if digits == 0:
        return whole_double(value, away)
    if not math.isfinite(value):
        return value
    power = float(f"1e{abs(digits)}")
    scaled = value / power if digits < 0 else value * power
    found = whole_double(scaled, away)
    found = found * power if digits < 0 else found / power
    return found if math.isfinite(found) else value


def _stepped(call: Call) -> Callable[..., Any]:
    """floor and ceil."""
    function = math.floor if call.op == "floor" else math.ceil

    def of_double(value: float) -> float:
        if not math.isfinite(value):
            return value
        return math.copysign(float(function(value)), value) if abs(value) < 2.0**52 else value

    if call.kind is Kind.DOUBLE:
        return doubles(call, of_double)
    unit = 10 ** call.args[0].type.scale
    return lambda value: value // unit if call.op == "floor" else -(-value // unit)


FUNCTIONS: Mapping[str, Callable[[Call], Callable[..., Any]]] = {
    **dict.fromkeys(COMPARISONS, _comparison),
    "+": _sum,
    "-": _sum,
    "*": _product,
    "/": _quotient,
    "//": _whole_quotient,
    "%": _remainder,
    "negate": _negative,
    "not": lambda call: operator.not_,
    "abs": _absolute,
    "sign": _sign,
    "round": _rounded,
    "trunc": _rounded,
    "floor": _stepped,
    "ceil": _stepped,
}
