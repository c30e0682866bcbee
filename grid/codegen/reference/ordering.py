"""This file is where values of the reference are put in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from grid.codegen.types import NUMBERS, Kind, Type
from grid.values import DAY_MICROSECONDS


def as_double(value: float, scale: int = 0) -> float:
    """The double nearest to value / 10^scale, an infinity beyond the largest."""
    if isinstance(value, float):
        return value
    try:
        return float(Fraction(value, 10**scale))
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def order(left: Any, right: Any) -> int:
    """−1, 0 or 1: NaN equals itself and is greatest, text goes by its UTF-8 bytes."""
    if isinstance(left, str):
        left, right = left.encode(), right.encode()
    elif isinstance(left, float) and (math.isnan(left) or math.isnan(right)):
        return int(math.isnan(left)) - int(math.isnan(right))
    return int(left > right) - int(left < right)


def keys(types: Sequence[Type]) -> list[Callable[[Any], Any]]:
    """For each operand, what makes its values comparable with all the others' by `order`.

    Among numbers with a double all are compared as doubles, else exactly. NULL stays NULL.
    """
    return [_key(one, types) for one in types]


def _key(type: Type, types: Sequence[Type]) -> Callable[[Any], Any]:
    kinds = {one.kind for one in types}
    if type.kind in NUMBERS and Kind.DOUBLE in kinds:
        return lambda value: None if value is None else as_double(value, type.scale)
    factor = 1
    if type.kind in NUMBERS:
        factor = 10 ** (max(one.scale for one in types) - type.scale)
    elif type.kind is Kind.DATE and Kind.TIMESTAMP in kinds:
        factor = DAY_MICROSECONDS
    if factor == 1:
        return lambda value: value
    return lambda value: None if value is None else value * factor


def with_keys(types: Sequence[Type], function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of operands that are made comparable first."""
    made = keys(types)
    return lambda *values: function(*(key(value) for key, value in zip(made, values, strict=True)))
