"""This file is where values and sums get their one spelling in an answer, and are read again.

A value is a text, true or false, the decimal digits of a whole number, or the 16 hex digits of a
double's bits; null is NULL. A sum of whole numbers is its decimal digits. A sum of doubles is in
units of 2^-1074 (their squares: 2^-2148), of which each is a whole number (IEEE 754 binary64): its
hex digits, with zeros at the end counted behind a `p`, or `nan`, `inf`, `-inf`.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable

from msgspec import Struct

from grid.codegen.types import Kind, Type
from grid.items import Json

UNIT_BITS = 1074
NAN_BITS = "7ff8000000000000"
#: The digits of 2^53 squares of the largest double, and room to spare.
DIGITS_MAX = 1_100
_SUM = re.compile(r"(-?[0-9a-f]{1,1100})(?:p([1-9][0-9]{0,3}))?")
#: What JSON has as \u00XX at most.
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')
_ODD = {"nan": 1, "inf": 2, "-inf": 4}


class Total(Struct, frozen=True):
    """An exact sum."""

    #: In units of 1, or of 2^-1074, or of 2^-2148.
    units: int = 0
    #: 1 when a NaN was added, 2 an infinity, 4 a negative one: any of them together.
    odd: int = 0

    def __add__(self, other: Total) -> Total:
        return Total(self.units + other.units, self.odd | other.odd)

    @property
    def double(self) -> float | None:
        """What the sum is whatever its units are; None when they decide."""
        if self.odd & 1 or self.odd & 6 == 6:
            return math.nan
        return (math.inf if self.odd == 2 else -math.inf) if self.odd else None


def spelled(value: object) -> Json:
    """A value as answers have it; of the zeros and NaNs of doubles there is one each."""
    if isinstance(value, float):
        return NAN_BITS if math.isnan(value) else struct.pack(">d", value + 0.0).hex()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def value_of(text: Json, type: Type) -> object:
    """The value that `spelled` made; raises ValueError for what is no value of the type."""
    if text is None:
        return None
    if not isinstance(text, bool if type.kind is Kind.BOOLEAN else str):
        raise ValueError(f"{text!r} is no {type}")
    found: object = text
    if type.kind is Kind.DOUBLE:
        bits = bytes.fromhex(str(text))
        if len(bits) != 8:
            raise ValueError(f"{text!r} is no double")
        (found,) = struct.unpack(">d", bits)
    elif type.kind not in (Kind.TEXT, Kind.BOOLEAN):
        found = int(str(text))
    if spelled(found) != text:
        raise ValueError(f"{text!r} is not the one spelling of its value")
    return found


def spelled_total(total: Total, kind: Kind) -> str:
    """A sum as answers have it."""
    if kind is not Kind.DOUBLE:
        return str(total.units)
    if (double := total.double) is not None:
        return {math.inf: "inf", -math.inf: "-inf"}.get(double, "nan")
    digits = format(total.units, "x")
    short = digits.rstrip("0") or "0"
    zeros = len(digits) - len(short)
    return f"{short}p{zeros}" if zeros else short


def total_of(text: Json, kind: Kind) -> Total:
    """The sum that `spelled_total` made; raises ValueError."""
    if not isinstance(text, str) or len(text) > DIGITS_MAX:
        raise ValueError("a sum is a text of digits")
    if kind is not Kind.DOUBLE:
        total = Total(int(text))
    elif text in _ODD:
        total = Total(0, _ODD[text])
    else:
        found = _SUM.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no sum of doubles")
        total = Total(int(found[1], 16) << 4 * int(found[2] or 0))
    if spelled_total(total, kind) != text:
        raise ValueError(f"{text!r} is not the one spelling of its sum")
    return total


def weight(items: Iterable[Json]) -> int:
    """How many bytes of JSON the items take at most, each with a comma."""
    total = 0
    for item in items:
        if isinstance(item, str):
            total += 3 + len(item.encode()) + 5 * len(_ESCAPED.findall(item))
        elif isinstance(item, list):
            total += 3 + weight(item)
        elif isinstance(item, int) and not isinstance(item, bool):
            total += 1 + len(str(item))
        else:
            total += 6
    return total
