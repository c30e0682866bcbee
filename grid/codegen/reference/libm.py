"""This file is where the reference computes sin, cos, tan, atan2, exp, ln, log10 and pow.

The algorithms are those of `web/client/runtime/kit/{exponential,angles}.ts`, step by step, so both
give the same bits; the constants are computed here from series of rational numbers. Where one
double is too few, a number is the sum of two (Dekker 1971; Knuth's TwoSum).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

Pair = tuple[float, float]

#: Bits behind the point of what constants are computed in; reduction needs 1200 of 2/π.
BITS = 1400


def _arctan(top: int, bottom: int) -> int:
    """The angle whose tangent is top/bottom, times 2^BITS."""
    power = total = (top << BITS) // bottom
    divisor = 1
    while power:
        power = -(power * top * top // (bottom * bottom))
        divisor += 2
        total += power // divisor
    return total


def _log(top: int, bottom: int) -> int:
    """ln(top/bottom) as 2·artanh, times 2^BITS."""
    above, below = top - bottom, top + bottom
    power = total = (above << BITS) // below
    divisor = 1
    while power:
        power = power * above * above // (below * below)
        divisor += 2
        total += power // divisor
    return 2 * total


def _exactly(scaled: int) -> Fraction:
    return Fraction(scaled, 1 << BITS)


def _pair(exact: Fraction) -> Pair:
    high = float(exact)
    return high, float(exact - Fraction(high))


def _cut(exact: Fraction, bits: int) -> Fraction:
    """To the nearest multiple of 2^-bits."""
    return Fraction(round(exact * (1 << bits)), 1 << bits)


#: Machin's formula.
_PI = _exactly(4 * (4 * _arctan(1, 5) - _arctan(1, 239)))
_LN2 = _exactly(_log(2, 1))
_LN10 = 3 * _LN2 + _exactly(_log(5, 4))

LN2_HIGH = float(_cut(_LN2, 32))
LN2_LOW = float(_LN2 - _cut(_LN2, 32))
LN2_INVERSE = float(1 / _LN2)
LN10_INVERSE = _pair(1 / _LN10)
PI, HALF_PI = _pair(_PI), _pair(_PI / 2)
TURNS = float(2 / _PI)
_FIRST = _cut(_PI / 2, 32)
_SECOND = _cut(_PI / 2 - _FIRST, 65)
HALF_PI_PARTS = (float(_FIRST), float(_SECOND), float(_PI / 2 - _FIRST - _SECOND))
TURN_BITS = round(2 / _PI * (1 << 1200))
HALF_PI_BITS = round(_PI / 2 * (1 << 200))
ANGLES = [(0.0, 0.0), *(_pair(_exactly(_arctan(n, 8))) for n in range(1, 8)), _pair(_PI / 4)]
THIRDS, FIFTHS = _pair(Fraction(2, 3)), _pair(Fraction(2, 5))
#: Above the first, e^x is infinite; below the second, it is 0.
EXP_MAX, EXP_MIN = 709.782712893384, -745.1332191019412
#: Up to here a multiple of π/2 times its first two parts is exact; what is left must not be smaller
#: than the second says.
MEDIUM_MAX, NEAR_ZERO = 1647099.0, 2.0**-30
#: Quotients below do not change the angles to which they are added.
QUOTIENT_MIN = 2.0**-60
SPLITTER = 2.0**27 + 1


def _coefficients(exact: Sequence[Fraction]) -> list[float]:
    return [float(one) for one in exact]


EXP = _coefficients([Fraction(1, math.factorial(n)) for n in range(2, 15)])
LOG = _coefficients([Fraction(2, n) for n in range(7, 27, 2)])
SIN = _coefficients([Fraction((-1) ** ((n - 1) // 2), math.factorial(n)) for n in range(3, 19, 2)])
COS = _coefficients([Fraction((-1) ** (n // 2), math.factorial(n)) for n in range(4, 19, 2)])
ATAN = _coefficients([Fraction((-1) ** ((n - 1) // 2), n) for n in range(3, 19, 2)])


def _sum(one: float, two: float) -> Pair:
    found = one + two
    part = found - one
    return found, (one - (found - part)) + (two - part)


def _settled(one: float, two: float) -> Pair:
    """The sum, for a second one that is smaller."""
    found = one + two
    return found, (one - found) + two


def _halves(value: float) -> Pair:
    big = SPLITTER * value
    high = big - (big - value)
    return high, value - high


def _product(one: float, two: float) -> Pair:
    found = one * two
    (high, low), (top, bottom) = _halves(one), _halves(two)
    return found, ((high * top - found) + high * bottom + low * top) + low * bottom


def _times(one: Pair, two: Pair) -> Pair:
    found, low = _product(one[0], two[0])
    return _settled(found, low + (one[0] * two[1] + one[1] * two[0]))


def _quotient(one: Pair, two: Pair) -> Pair:
    found = one[0] / two[0]
    back, low = _product(found, two[0])
    return _settled(found, (((one[0] - back) - low) + one[1] - found * two[1]) / two[0])


def _series(table: Sequence[float], x: float) -> float:
    found = table[-1]
    for coefficient in reversed(table[:-1]):
        found = found * x + coefficient
    return found


def _power(x: float, low: float) -> float:
    """e^(x + low), for a low that is small beside x, between EXP_MIN and EXP_MAX."""
    count = math.floor(x * LN2_INVERSE + 0.5)
    first = x - count * LN2_HIGH
    part = count * LN2_LOW
    r = first - part
    behind = ((first - r) - part) + low
    curve = r * r * _series(EXP, r)
    found = 1 + (r + (curve + (behind + behind * (r + curve))))
    return math.ldexp(found, count)


def exp(x: float) -> float:
    """e^x."""
    if math.isnan(x):
        return math.nan
    if x > EXP_MAX:
        return math.inf
    return 0.0 if x < EXP_MIN else _power(x, 0.0)


def _logarithm(x: float) -> Pair:
    """The natural logarithm of a positive, finite number."""
    m, count = math.frexp(x)
    m, count = m * 2, count - 1
    if m > 1.4142135623730951:
        m, count = m / 2, count + 1
    above, below = m - 1, _sum(1.0, m)
    s = above / below[0]
    back, low = _product(s, below[0])
    ratio = (s, (((above - back) - low) - s * below[1]) / below[0])
    z = _times(ratio, ratio)
    fifth = _sum(FIFTHS[0], z[0] * _series(LOG, z[0]))
    inner = _times(z, (fifth[0], fifth[1] + FIFTHS[1]))
    third = _sum(THIRDS[0], inner[0])
    outer = _times(z, (third[0], third[1] + (inner[1] + THIRDS[1])))
    two = _sum(2.0, outer[0])
    found = _times(ratio, (two[0], two[1] + outer[1]))
    whole = _sum(count * LN2_HIGH, found[0])
    return _settled(whole[0], whole[1] + (found[1] + count * LN2_LOW))


def _of_positive(x: float) -> float | None:
    """A logarithm where x is not positive and finite; None where it is."""
    if math.isnan(x) or x < 0:
        return math.nan
    if x == 0:
        return -math.inf
    return math.inf if math.isinf(x) else None


def ln(x: float) -> float:
    """The natural logarithm."""
    special = _of_positive(x)
    return _logarithm(x)[0] if special is None else special


def log10(x: float) -> float:
    """The logarithm to base 10."""
    special = _of_positive(x)
    return _times(_logarithm(x), LN10_INVERSE)[0] if special is None else special


def power(x: float, y: float) -> float:
    """x^y; what operands that are no ordinary numbers give is what C's standard says."""
    if y == 0 or x == 1:
        return 1.0
    if x == 0 or not math.isfinite(x) or not math.isfinite(y):
        try:
            return math.pow(x, y)
        except ValueError:
            # Python refuses to divide by zero.
            return math.copysign(math.inf, x) if y % 2 == 1 else math.inf
    whole = y == math.floor(y)
    if x < 0 and not whole:
        return math.nan
    found = _magnitude(abs(x), y)
    return -found if x < 0 and abs(y) < 2.0**53 and y % 2 != 0 else found


def _magnitude(x: float, y: float) -> float:
    first, low = _logarithm(x)
    rough = y * first
    if rough > 710:
        return math.inf
    if rough < -746:
        return 0.0
    if abs(y) > 1e20:
        return 1.0 if first == 0 else exp(rough)
    exponent, tail = _product(y, first)
    whole, behind = _settled(exponent, tail + y * low)
    if whole > EXP_MAX:
        return math.inf
    return 0.0 if whole < EXP_MIN else _power(whole, behind)


def _reduced(x: float) -> tuple[int, Pair]:
    """Which quarter of a turn is nearest, and the angle without it."""
    size = abs(x)
    if size <= 0.7853981633974483:
        return 0, (x, 0.0)
    if size < MEDIUM_MAX:
        count = math.floor(x * TURNS + 0.5)
        first = x - count * HALF_PI_PARTS[0]
        second, low = _sum(first, -(count * HALF_PI_PARTS[1]))
        third = count * HALF_PI_PARTS[2]
        near = second - third
        if abs(near) > NEAR_ZERO:
            return count & 3, (near, ((second - near) - third) + low)
    mantissa, exponent = math.frexp(size)
    bits, exponent = int(math.ldexp(mantissa, 53)), exponent - 53
    turns = (bits * TURN_BITS) >> (1000 - exponent)
    whole = (turns + (1 << 199)) >> 200
    exact = (turns - (whole << 200)) * HALF_PI_BITS
    sign = -1 if x < 0 else 1
    high = float(exact)
    pair = (math.ldexp(sign * high, -400), math.ldexp(sign * float(exact - int(high)), -400))
    return (sign * whole) & 3, pair


def _sine_less(x: float, low: float) -> float:
    """sin(x + low) − x."""
    z = x * x
    return x * z * _series(SIN, z) + low * (1 - 0.5 * z)


def _cosine(x: float, low: float) -> Pair:
    z = x * x
    half = 0.5 * z
    first = 1 - half
    return _settled(first, ((1 - first) - half) + (z * z * _series(COS, z) - x * low))


def sin(x: float) -> float:
    """The sine of an angle in radians."""
    if not math.isfinite(x):
        return math.nan
    if x == 0:
        return x
    quarter, near = _reduced(x)
    found = _cosine(*near)[0] if quarter & 1 else near[0] + _sine_less(*near)
    return -found if quarter & 2 else found


def cos(x: float) -> float:
    """The cosine of an angle in radians."""
    if not math.isfinite(x):
        return math.nan
    quarter, near = _reduced(x)
    found = near[0] + _sine_less(*near) if quarter & 1 else _cosine(*near)[0]
    return -found if quarter in (1, 2) else found


def tan(x: float) -> float:
    """The tangent of an angle in radians."""
    if not math.isfinite(x):
        return math.nan
    if x == 0:
        return x
    quarter, near = _reduced(x)
    sine, cosine = _settled(near[0], _sine_less(*near)), _cosine(*near)
    return -_quotient(cosine, sine)[0] if quarter & 1 else _quotient(sine, cosine)[0]


def _angle(z: float, low: float) -> Pair:
    """The angle whose tangent is (z + low), for z from 0 to 1."""
    eighth = math.floor(z * 8 + 0.5)
    c = eighth / 8
    scaled, tail = _product(z, c)
    below = 1 + scaled
    t = _quotient((z - c, low), (below, ((1 - below) + scaled) + (tail + low * c)))
    square = t[0] * t[0]
    rest = ANGLES[eighth][1] + (t[1] + t[0] * square * _series(ATAN, square))
    whole, behind = _settled(ANGLES[eighth][0], t[0])
    return _settled(whole, behind + rest)


def atan2(y: float, x: float) -> float:
    """The angle of the point (x, y), from −π to π."""
    if math.isnan(x) or math.isnan(y):
        return math.nan
    return math.copysign(_upper(abs(y), x), y)


def _upper(y: float, x: float) -> float:
    left = math.copysign(1, x) < 0
    if y == 0:
        return PI[0] if left else 0.0
    size = abs(x)
    if math.isinf(y) and math.isinf(size):
        return 2.356194490192345 if left else 0.7853981633974483
    steep = y > size
    one, two = (size, y) if steep else (y, size)
    rough = 0.0 if math.isinf(two) else one / two
    if rough < QUOTIENT_MIN:
        return HALF_PI[0] if steep else PI[0] if left else rough
    shift = 600 if two > 1e150 else -600 if two < 1e-150 else 0
    pair = _angle(*_quotient((math.ldexp(one, -shift), 0.0), (math.ldexp(two, -shift), 0.0)))
    if steep:
        turned = HALF_PI[0] - pair[0]
        pair = (turned, ((HALF_PI[0] - turned) - pair[0]) + (HALF_PI[1] - pair[1]))
    if not left:
        return pair[0] + pair[1]
    turned = PI[0] - pair[0]
    return turned + (((PI[0] - turned) - pair[0]) + (PI[1] - pair[1]))
