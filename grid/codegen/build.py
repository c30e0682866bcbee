"""This file is where an expression is typed: each function makes one checked node or refuses it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

from msgspec import Struct

from grid.codegen.errors import SpecError
from grid.codegen.tree import (
    And,
    Arithmetic,
    Between,
    ColumnRef,
    Compare,
    Expr,
    In,
    IsNull,
    Kind,
    Like,
    Literal,
    Negate,
    Not,
    Or,
)
from grid.items import Column

NUMBERS = frozenset({Kind.INTEGER, Kind.DOUBLE})
#: Digits of an integer literal: more than any column or sum of columns has, and quick to read.
LITERAL_DIGITS_MAX = 1000
#: Characters of a LIKE pattern: matching takes up to pattern × text steps.
PATTERN_CHARS_MAX = 1000


class Place(Struct, frozen=True):
    """Where in the spec something stands, for the error that names it."""

    pointer: str
    position: int | None = None

    def refuse(self, message: str) -> SpecError:
        """The error to raise."""
        return SpecError(self.pointer, message, self.position)


def column(name: str, columns: Sequence[Column], place: Place) -> ColumnRef:
    """The column of this name: spelled exactly so, else the only one that differs in case.

    That is DuckDB's rule, for quoted and unquoted names alike.
    """
    for candidate in columns:
        if candidate.name == name:
            return ColumnRef(candidate)
    alike = [candidate for candidate in columns if candidate.name.lower() == name.lower()]
    if len(alike) == 1:
        return ColumnRef(alike[0])
    if alike:
        names = ", ".join(repr(candidate.name) for candidate in alike)
        raise place.refuse(f"the name {name!r} fits several columns: {names}")
    near = difflib.get_close_matches(name, [candidate.name for candidate in columns], 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise place.refuse(f"there is no column {name!r}{hint}")


def literal(value: int | float | bool | str | None, place: Place) -> Literal:
    """A value of the spec; refuses what has no exact place in the language."""
    match value:
        case None:
            return Literal(Kind.NULL, None)
        case bool():
            return Literal(Kind.BOOLEAN, value)
        case int():
            return Literal(Kind.INTEGER, value)
        case float():
            if not math.isfinite(value):
                raise place.refuse("the number is too large for a double")
            return Literal(Kind.DOUBLE, value + 0.0)
        case str():
            well_formed(value, place)
            return Literal(Kind.TEXT, value)


def well_formed(text: str, place: Place) -> None:
    """Refuse lone surrogates, which no UTF-8 text holds."""
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise place.refuse("the text holds half of a surrogate pair")


def number(text: str, place: Place) -> Literal:
    """A numeric literal as SQL spells it; without point or exponent it is an integer."""
    if text.isascii() and text.isdigit():
        if len(text) > LITERAL_DIGITS_MAX:
            raise place.refuse(f"a number may have {LITERAL_DIGITS_MAX} digits")
        return literal(int(text), place)
    try:
        return literal(float(text), place)
    except ValueError:
        raise place.refuse("this is no number") from None


def arithmetic(op: str, left: Expr, right: Expr, place: Place) -> Arithmetic:
    """`left op right`; both must be numbers (or NULL)."""
    for side in (left, right):
        if side.kind not in NUMBERS and side.kind is not Kind.NULL:
            raise place.refuse(f"{op} needs numbers, and this is {side.kind}")
    kinds = {left.kind, right.kind}
    if Kind.NULL in kinds:
        return Arithmetic(Kind.NULL, op, left, right)
    double = op == "/" or Kind.DOUBLE in kinds
    return Arithmetic(Kind.DOUBLE if double else Kind.INTEGER, op, left, right)


def negate(item: Expr, place: Place) -> Expr:
    """Unary minus; of a literal, the negative literal."""
    if item.kind not in NUMBERS and item.kind is not Kind.NULL:
        raise place.refuse(f"- needs a number, and this is {item.kind}")
    if isinstance(item, Literal) and isinstance(item.value, int | float):
        return literal(-item.value, place)
    return Negate(item.kind, item)


def comparable(left: Expr, right: Expr, place: Place) -> None:
    """Refuse two operands that no comparison is defined for."""
    kinds = {left.kind, right.kind} - {Kind.NULL}
    if len(kinds) == 2 and not kinds <= NUMBERS:
        raise place.refuse(f"{left.kind} cannot be compared with {right.kind}")


def compare(op: str, left: Expr, right: Expr, place: Place) -> Compare:
    """`left op right` with op one of = <> < <= > >=."""
    comparable(left, right, place)
    return Compare(op, left, right)


def between(item: Expr, low: Expr, high: Expr, place: Place) -> Between:
    """`item BETWEEN low AND high`, bounds included."""
    comparable(item, low, place)
    comparable(item, high, place)
    return Between(item, low, high)


def among(item: Expr, options: Sequence[Expr], place: Place) -> In:
    """`item IN (options)`."""
    if not options:
        raise place.refuse("IN needs a list of values in parentheses")
    for option in options:
        comparable(item, option, place)
    return In(item, tuple(options))


def like(item: Expr, pattern: Expr, place: Place) -> Expr:
    """`item LIKE pattern`; the pattern must be a text literal (or NULL)."""
    if item.kind not in (Kind.TEXT, Kind.NULL):
        raise place.refuse(f"LIKE needs text, and this is {item.kind}")
    if isinstance(pattern, Literal) and pattern.kind is Kind.NULL:
        return Compare("=", item, pattern)
    if not (isinstance(pattern, Literal) and isinstance(pattern.value, str)):
        raise place.refuse("the pattern of LIKE must be a text in quotes")
    if len(pattern.value) > PATTERN_CHARS_MAX:
        raise place.refuse(f"a LIKE pattern may have {PATTERN_CHARS_MAX} characters")
    return Like(item, pattern.value)


def is_null(item: Expr) -> IsNull:
    """`item IS NULL`."""
    return IsNull(item)


def truth(item: Expr, what: str, place: Place) -> Expr:
    """`item` itself, if it can be true or false; `what` names the place that needs it."""
    if item.kind not in (Kind.BOOLEAN, Kind.NULL):
        raise place.refuse(f"{what} needs a condition, and this is {item.kind}")
    return item


def logic(op: str, items: Sequence[tuple[Expr, Place]]) -> Expr:
    """The items joined by "AND" or "OR"."""
    checked = tuple(truth(item, op, place) for item, place in items)
    return And(checked) if op == "AND" else Or(checked)


def negation(item: Expr, place: Place) -> Not:
    """`NOT item`."""
    return Not(truth(item, "NOT", place))
