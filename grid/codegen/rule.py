"""This file is where a row of the grammar is shaped: an operator or function and its typing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from grid.codegen.types import (
    DATE,
    DOUBLE,
    INTEGER,
    NUMBERS,
    PRECISION_64,
    PRECISION_MAX,
    TEXT,
    TIMES,
    TIMESTAMP,
    Kind,
    Mistyped,
    Type,
    as_decimal,
    decimal,
)

Kinds = frozenset[Kind]
#: Which kinds each operand may be, in order; NULL may stand for any of them.
Signature = tuple[Kinds, ...]
Gives = Callable[[Sequence[Type]], Type]

WHOLE_NUMBER = frozenset({Kind.INTEGER})
TEXTUAL = frozenset({Kind.TEXT})
FLAG = frozenset({Kind.BOOLEAN})
MOMENT = TIMES
EXACT = frozenset({Kind.INTEGER, Kind.DECIMAL})
NUMBER = NUMBERS
FLOATING = frozenset({Kind.DOUBLE})
SPAN = frozenset({Kind.INTERVAL})
DAY = frozenset({Kind.DATE})
#: Everything a column can hold.
ANY = frozenset(Kind) - {Kind.NULL, Kind.INTERVAL}


class Rule(Struct, frozen=True, kw_only=True):
    """An operator or function of the language."""

    #: Its name in the tree.
    op: str
    #: How SQL spells it, for people.
    spelled: str
    #: What it does, for people.
    says: str
    takes: tuple[Signature, ...]
    gives: Gives
    #: Names by which a call reaches it; none for operators and for what has a syntax of its own.
    names: tuple[str, ...] = ()
    #: Whether the last operand may be repeated.
    more: bool = False
    #: NULL when any operand is NULL.
    strict: bool = True
    #: Operands that are literals, because what they say decides the program.
    literals: frozenset[int] = frozenset()
    #: Why a row can fail; empty when none can.
    fails: str = ""

    def matches(self, types: Sequence[Type]) -> bool:
        """Whether operands of these types are among what it takes."""
        return any(
            (len(types) == len(signature) or (self.more and len(types) > len(signature)))
            and all(
                one.kind is Kind.NULL or one.kind in signature[min(at, len(signature) - 1)]
                for at, one in enumerate(types)
            )
            for signature in self.takes
        )


def always(type: Type) -> Gives:
    """This type, whatever the operands."""
    return lambda types: type


def first(types: Sequence[Type]) -> Type:
    """The type of the first operand."""
    return types[0]


def sum_type(types: Sequence[Type]) -> Type:
    """Type of + and − on numbers: one digit more than the wider one (DuckDB's rule)."""
    if (found := _not_decimal(types)) is not None:
        return found
    one, other = (as_decimal(each) for each in types)
    scale = max(one.scale, other.scale)
    digits = max(one.precision - one.scale, other.precision - other.scale) + scale + 1
    return decimal(min(digits, PRECISION_MAX), scale)


def product_type(types: Sequence[Type]) -> Type:
    """Type of a product: all digits of both.

    DuckDB's rule: two factors of 64 bits stay there as long as the digits behind the point fit.
    """
    if (found := _not_decimal(types)) is not None:
        return found
    one, other = (as_decimal(each) for each in types)
    scale = one.scale + other.scale
    if scale > PRECISION_MAX:
        raise Mistyped(f"{one} * {other} has {scale} digits behind the point, and 38 are the most")
    digits = one.precision + other.precision
    narrow = max(one.precision, other.precision) <= PRECISION_64 and scale < PRECISION_64
    return decimal(min(digits, PRECISION_64 if narrow else PRECISION_MAX), scale)


def remainder_type(types: Sequence[Type]) -> Type:
    """Type of a remainder: what holds both; doubles when 38 digits do not."""
    if (found := _not_decimal(types)) is not None:
        return found
    one, other = (as_decimal(each) for each in types)
    scale = max(one.scale, other.scale)
    digits = max(one.precision - one.scale, other.precision - other.scale) + scale
    return DOUBLE if digits > PRECISION_MAX else decimal(digits, scale)


def _not_decimal(types: Sequence[Type]) -> Type | None:
    kinds = {one.kind for one in types}
    if Kind.DOUBLE in kinds:
        return DOUBLE
    return INTEGER if kinds == {Kind.INTEGER} else None


def whole_type(types: Sequence[Type]) -> Type:
    """Type of floor and ceil: doubles for integers, no digits behind the point of a decimal."""
    one = types[0]
    return decimal(one.precision, 0) if one.kind is Kind.DECIMAL else DOUBLE


def text_type(types: Sequence[Type]) -> Type:
    """Type of ||: text, and one operand at least is text already."""
    if not any(one.kind is Kind.TEXT for one in types):
        raise Mistyped(f"|| joins texts, and this is {types[0]} || {types[1]}; use CAST")
    return TEXT


def moment_type(types: Sequence[Type]) -> Type:
    """Type of + and − with a date or a timestamp among the operands."""
    kinds = [one.kind for one in types]
    if Kind.INTERVAL in kinds:
        return TIMESTAMP
    return INTEGER if kinds == [Kind.DATE, Kind.DATE] else DATE
