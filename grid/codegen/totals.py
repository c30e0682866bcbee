"""This file is where exact sums of doubles become statistics in Python, each rounded once.

A sum is a whole number of units of 2^-1074, a sum of squares of 2^-2148: every finite double, and
the square of each, is one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

UNIT_BITS = 1074
#: No finite double is further from 0, in units.
SIZE_MAX = 2 ** (1024 + UNIT_BITS)
#: Digits of a sum and of a sum of squares of 2^53 doubles.
SUM_DIGITS, SQUARES_DIGITS = 650, 1290


def units(values: Iterable[float]) -> int:
    """The sum of finite doubles."""
    return sum(_units(value) for value in values)


def squares(values: Iterable[float]) -> int:
    """The sum of their squares."""
    return sum(_units(value) ** 2 for value in values)


def products(ones: Iterable[float], others: Iterable[float]) -> int:
    """The sum of the products of doubles side by side."""
    return sum(_units(x) * _units(y) for x, y in zip(ones, others, strict=True))


def _units(value: float) -> int:
    top, bottom = value.as_integer_ratio()
    return (top << UNIT_BITS) // bottom


def mean(total: int, count: int) -> float:
    """The mean of so many doubles."""
    return quotient(total, count << UNIT_BITS)


def quotient(top: int, bottom: int) -> float:
    """top / bottom as the nearest double, infinite beyond the largest."""
    try:
        return top / bottom
    except OverflowError:
        return math.inf if (top > 0) is (bottom > 0) else -math.inf


def deviation(total: int, squared: int, count: int) -> float | None:
    """The standard deviation of a sample (divided by count − 1); None for less than two values."""
    if count < 2:
        return None
    return root(Fraction(count * squared - total**2, count * (count - 1) << 2 * UNIT_BITS))


def root(exact: Fraction) -> float:
    """The double nearest to the square root of a fraction that is not negative."""
    if not exact:
        return 0.0
    # At least 60 bits of the root, the last of them set when anything is left: it rounds right.
    shift = max(0, 130 - (exact.numerator.bit_length() - exact.denominator.bit_length()))
    shift += shift % 2
    scaled = (exact.numerator << shift) // exact.denominator
    found = math.isqrt(scaled)
    if found * found * exact.denominator != exact.numerator << shift:
        found = found << 1 | 1
        shift += 2
    return quotient(found, 1 << shift // 2)


def in_order(values: Iterable[float]) -> list[float]:
    """The doubles ascending, NaN last."""
    known = list(values)
    return [*sorted(x for x in known if not math.isnan(x)), *(x for x in known if math.isnan(x))]


def quantile(ascending: Sequence[float], share: Fraction) -> float | None:
    """The least value that at least this share of all values is not above; None of none."""
    if not ascending:
        return None
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]
