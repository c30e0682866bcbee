"""This file is where the reference turns values of one type into those of another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from grid.codegen.failing import Failure
from grid.codegen.reference.numbers import halves_away, whole_double, within
from grid.codegen.reference.ordering import as_double
from grid.codegen.tree import Call
from grid.codegen.types import Kind, Type
from grid.values import (
    DAY_MICROSECONDS,
    TRUTH,
    read_date,
    read_double,
    read_scaled,
    read_timestamp,
    spell_date,
    spell_decimal,
    spell_timestamp,
)

T = TypeVar("T")


def spelled(value: Any, type: Type) -> str:
    """The value as DuckDB shows it."""
    match type.kind:
        case Kind.BOOLEAN:
            return "true" if value else "false"
        case Kind.DECIMAL if type.scale:
            return spell_decimal(value, type.precision, type.scale)
        case Kind.DATE:
            return spell_date(value)
        case Kind.TIMESTAMP:
            return spell_timestamp(value)
        case Kind.TEXT:
            return str(value)
    return repr(value)


def _whole(value: Any, source: Type, target: Type) -> int:
    """An integer, or a decimal times 10^scale."""
    match source.kind:
        case Kind.TEXT:
            return _known(read_scaled(value, target.scale))
        case Kind.BOOLEAN:
            return int(value)
        case Kind.DOUBLE:
            if not math.isfinite(value):
                raise Failure
            if target.kind is Kind.INTEGER:
                return round(float(value))
            scaled = whole_double(value * float(f"1e{target.scale}"), True)
            if not math.isfinite(scaled):
                raise Failure
            return int(scaled)
    if target.scale >= source.scale:
        found: int = value * 10 ** (target.scale - source.scale)
        return found
    return halves_away(value, 10 ** (source.scale - target.scale))


def _known(found: T | None) -> T:
    if found is None:
        raise Failure
    return found


def convert(value: Any, source: Type, target: Type) -> Any:
    """The value in the other type; raises Failure where there is none."""
    match target.kind:
        case Kind.INTEGER | Kind.DECIMAL:
            return within(target, _whole(value, source, target))
        case Kind.DOUBLE if source.kind is Kind.TEXT:
            return _known(read_double(value))
        case Kind.DOUBLE:
            return float(value) if source.kind is Kind.BOOLEAN else as_double(value, source.scale)
        case Kind.BOOLEAN if source.kind is Kind.TEXT:
            return _known(TRUTH.get(value.lower() if value.isascii() else value))
        case Kind.BOOLEAN:
            return value != 0
        case Kind.TEXT:
            return spelled(value, source)
        case Kind.DATE:
            return _known(read_date(value)) if source.kind is Kind.TEXT else _day(value)
    return _known(read_timestamp(value)) if source.kind is Kind.TEXT else value * DAY_MICROSECONDS


def _day(microseconds: int) -> int:
    return microseconds // DAY_MICROSECONDS


def _cast(call: Call) -> Callable[..., Any]:
    source = call.args[0].type
    return lambda value: convert(value, source, call.type)


def _tried(call: Call) -> Callable[..., Any]:
    source = call.args[0].type

    def found(value: Any) -> Any:
        try:
            return convert(value, source, call.type)
        except Failure:
            return None

    return found


FUNCTIONS: Mapping[str, Callable[[Call], Callable[..., Any]]] = {"cast": _cast, "try_cast": _tried}
