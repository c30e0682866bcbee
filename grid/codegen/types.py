"""This file is where the types of the language stand, and what type two of them have in common."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from grid.items import Column, LogicalType
from grid.values import DAY_MAX, DAY_MIN, TIMESTAMP_MAX, TIMESTAMP_MIN

#: Digits of the widest decimal, as in DuckDB and in Arrow's decimal128.
PRECISION_MAX = 38
#: Digits of a decimal that DuckDB keeps in 64 bits, which its rule for products looks at.
PRECISION_64 = 18
#: Digits of the longest int64; an integer beside a decimal is a decimal of so many digits.
INTEGER_DIGITS = 19
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


class Kind(StrEnum):
    """What the values of an expression are; any of them may also be NULL."""

    #: Whole numbers of 64 bits.
    INTEGER = "integer"
    #: Whole multiples of 10^-scale with at most `precision` digits.
    DECIMAL = "decimal"
    #: IEEE 754 binary64; NaN equals itself and is the greatest.
    DOUBLE = "double"
    BOOLEAN = "boolean"
    #: Unicode text, ordered by UTF-8 bytes.
    TEXT = "text"
    #: Days since 1970-01-01 in the proleptic Gregorian calendar.
    DATE = "date"
    #: Microseconds since 1970-01-01 00:00:00, without a time zone.
    TIMESTAMP = "timestamp"
    #: Months, days and microseconds; only as a literal beside + or −.
    INTERVAL = "interval"
    #: Always NULL.
    NULL = "NULL"


class Type(Struct, frozen=True):
    """A kind, and of a decimal its digits."""

    kind: Kind
    #: Digits in all and behind the point; 0 unless the kind is DECIMAL.
    precision: int = 0
    scale: int = 0

    def __str__(self) -> str:
        if self.kind is Kind.DECIMAL:
            return f"decimal({self.precision},{self.scale})"
        return str(self.kind)


INTEGER = Type(Kind.INTEGER)
DOUBLE = Type(Kind.DOUBLE)
BOOLEAN = Type(Kind.BOOLEAN)
TEXT = Type(Kind.TEXT)
DATE = Type(Kind.DATE)
TIMESTAMP = Type(Kind.TIMESTAMP)
INTERVAL = Type(Kind.INTERVAL)
NULL = Type(Kind.NULL)

#: Kinds that + − * / % take.
NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.DOUBLE})
#: Kinds whose values are whole numbers in the program.
WHOLE = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.TIMESTAMP})
TIMES = frozenset({Kind.DATE, Kind.TIMESTAMP})
PLAIN = {
    LogicalType.INT64: INTEGER,
    LogicalType.DOUBLE: DOUBLE,
    LogicalType.BOOLEAN: BOOLEAN,
    LogicalType.TEXT: TEXT,
    LogicalType.DATE: DATE,
    LogicalType.TIMESTAMP: TIMESTAMP,
}


class Mistyped(Exception):
    """Operands that an operator or function does not take; the message says what it needs."""


def decimal(precision: int, scale: int) -> Type:
    """decimal(precision, scale)."""
    return Type(Kind.DECIMAL, precision, scale)


def type_of(column: Column) -> Type:
    """The type of a column's values."""
    if column.type is LogicalType.DECIMAL:
        return decimal(column.precision, column.scale)
    return PLAIN[column.type]


def as_decimal(type: Type) -> Type:
    """The decimal type that holds every value of an integer or decimal type."""
    return decimal(INTEGER_DIGITS, 0) if type.kind is Kind.INTEGER else type


def limits(type: Type) -> tuple[int, int]:
    """Least and greatest whole number that stands for a value of this type."""
    match type.kind:
        case Kind.DECIMAL:
            most = 10**type.precision - 1
            return -most, most
        case Kind.DATE:
            return DAY_MIN, DAY_MAX
        case Kind.TIMESTAMP:
            return TIMESTAMP_MIN, TIMESTAMP_MAX
    return INT64_MIN, INT64_MAX


def common(types: Sequence[Type]) -> Type:
    """The type that values of all these types can be turned into, as CASE and COALESCE need it.

    Integers and decimals become decimals with room for the digits on both sides of the point;
    beyond 38 of them, those behind the point are fewer (DuckDB's rule). Raises Mistyped.
    """
    known = list(dict.fromkeys(one for one in types if one.kind is not Kind.NULL))
    if not known:
        return NULL
    kinds = {one.kind for one in known}
    if len(known) == 1:
        return known[0]
    if kinds <= NUMBERS:
        if Kind.DOUBLE in kinds:
            return DOUBLE
        decimals = [as_decimal(one) for one in known]
        ahead = max(one.precision - one.scale for one in decimals)
        scale = min(max(one.scale for one in decimals), PRECISION_MAX - ahead)
        return decimal(ahead + scale, scale)
    if kinds <= TIMES:
        return TIMESTAMP
    raise Mistyped(f"{known[0]} and {known[1]} have no type in common")


def comparable(types: Sequence[Type]) -> None:
    """Raise Mistyped unless values of these types have an order among them."""
    kinds = {one.kind for one in types} - {Kind.NULL}
    if Kind.INTERVAL in kinds:
        raise Mistyped("an interval cannot be compared")
    if len(kinds) > 1 and not kinds <= NUMBERS and not kinds <= TIMES:
        first, second, *_ = (one for one in types if one.kind is not Kind.NULL)
        if first.kind is second.kind:
            second = next(one for one in types if one.kind not in (Kind.NULL, first.kind))
        raise Mistyped(f"{first} cannot be compared with {second}")
