"""This file is where the merged states of a group become the value of its aggregate.

What is no whole number is computed as a fraction and rounded once, to the nearest double.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from grid.codegen.failures import RowsFailed
from grid.codegen.types import Kind, limits
from grid.items import Json
from grid.plan.aggregates import State
from grid.plan.query import Measure
from grid.plan.spelling import UNIT_BITS, Total, total_of, value_of
from grid.values import DAY_MICROSECONDS

#: Bits of a square root before it is rounded: more than twice those of a double, so that no
#: rounding of the root can hide which double is nearest.
ROOT_BITS = 128


def value(measure: Measure, states: Sequence[Json], kinds: Sequence[State]) -> object:
    """The aggregate of one group; NULL is None. Raises RowsFailed for a sum that no type holds."""
    if measure.aggregate.name == "COUNT":
        return states[0]
    if kinds[0] in (State.LEAST, State.GREATEST):
        return value_of(states[0], measure.operand)
    totals = [total_of(one, measure.operand.kind) for one in states[1:]]
    count: int = states[0]
    return ENDINGS[measure.aggregate.name](measure, count, totals) if count else None


def nearest(exact: Fraction) -> float:
    """The double nearest to it, ties to even; infinite beyond the largest."""
    try:
        return exact.numerator / exact.denominator
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def root(exact: Fraction) -> float:
    """The double nearest to the square root of a number that is not negative.

    The integer part of √(exact·4^k), with a bit behind it for whatever is left, rounds as the root
    itself does once it has more bits than a double.
    """
    over, below = exact.numerator, exact.denominator
    shift = max(0, ROOT_BITS - (over.bit_length() - below.bit_length()) // 2)
    scaled, rest = divmod(over << 2 * shift, below)
    whole = math.isqrt(scaled)
    left = rest or whole * whole != scaled
    return nearest(Fraction(2 * whole + bool(left), 1 << shift + 1))


def _fraction(measure: Measure, total: Total, power: int = 1) -> Fraction:
    """A sum of values to this power, in the operand's own unit."""
    if measure.operand.kind is Kind.DOUBLE:
        return Fraction(total.units, 1 << UNIT_BITS * power)
    return Fraction(total.units, 10 ** (measure.operand.scale * power))


def _sum(measure: Measure, count: int, totals: Sequence[Total]) -> object:
    (total,) = totals
    if measure.type.kind is Kind.DOUBLE:
        double = total.double
        return nearest(_fraction(measure, total)) if double is None else double
    low, high = limits(measure.type)
    if not low <= total.units <= high:
        raise RowsFailed(f"a sum has more digits than {measure.type}")
    return total.units


def _mean(measure: Measure, count: int, totals: Sequence[Total]) -> object:
    (total,) = totals
    if measure.type.kind is Kind.TIMESTAMP:
        return _moment(measure, count, total)
    double = total.double
    return nearest(_fraction(measure, total) / count) if double is None else double


def _moment(measure: Measure, count: int, total: Total) -> int:
    """The mean of dates or timestamps in microseconds, halves towards zero."""
    units = total.units * (DAY_MICROSECONDS if measure.operand.kind is Kind.DATE else 1)
    size = (2 * abs(units) + count - 1) // (2 * count)
    return size if units > 0 else -size


def _variance(measure: Measure, count: int, totals: Sequence[Total], less: int) -> Fraction | None:
    """(n·Σx² − (Σx)²) / (n·(n − less)); None for NaN."""
    if any(total.odd for total in totals):
        return None
    first, second = (_fraction(measure, total, power) for power, total in enumerate(totals, 1))
    return (count * second - first * first) / (count * (count - less))


def _spread(less: int, finish: Callable[[Fraction], float]) -> Callable[..., object]:
    def end(measure: Measure, count: int, totals: Sequence[Total]) -> object:
        if count <= less:
            return None
        found = _variance(measure, count, totals, less)
        return math.nan if found is None else finish(found)

    return end


ENDINGS: Mapping[str, Callable[[Measure, int, Sequence[Total]], object]] = {
    "SUM": _sum,
    "MEAN": _mean,
    "STDDEV_SAMP": _spread(1, root),
    "STDDEV_POP": _spread(0, root),
    "VAR_SAMP": _spread(1, nearest),
    "VAR_POP": _spread(0, nearest),
}
