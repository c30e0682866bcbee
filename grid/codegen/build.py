"""This file is where an expression is typed: each function makes one checked node or refuses it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import TypeGuard

from msgspec import Struct

from grid.codegen.errors import SpecError
from grid.codegen.grammar import PARTS, RULES
from grid.codegen.rule import Rule
from grid.codegen.tree import At, Call, ColumnRef, Expr, Literal, is_null
from grid.codegen.types import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INT64_MAX,
    INTEGER,
    NULL,
    NUMBERS,
    PRECISION_MAX,
    TEXT,
    TIMES,
    TIMESTAMP,
    Kind,
    Mistyped,
    Type,
    common,
    comparable,
    decimal,
)
from grid.items import Column
from grid.values import read_date, read_timestamp

#: Characters of a LIKE pattern; a program holds it, and its automaton, for every such condition.
PATTERN_CHARS_MAX = 1000
#: Digits that round and trunc can be asked for: ten to that power is a double.
ROUND_DIGITS_MAX = 300
#: Kinds → those that they can be cast to.
CASTS: dict[Kind, frozenset[Kind]] = {
    **dict.fromkeys(
        NUMBERS, frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.DOUBLE, Kind.BOOLEAN, Kind.TEXT})
    ),
    Kind.BOOLEAN: frozenset({Kind.INTEGER, Kind.DOUBLE, Kind.BOOLEAN, Kind.TEXT}),
    Kind.TEXT: frozenset(Kind) - {Kind.INTERVAL, Kind.NULL},
    **dict.fromkeys(TIMES, frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TEXT})),
}
#: Calls that are NULL wherever their first operand is.
LED = frozenset({"between", "in", "nullif"})
#: Calls whose operands become one type.
UNIFIED = frozenset({"coalesce", "greatest", "least"})
ORDERED = frozenset({"=", "<>", "<", "<=", ">", ">=", "between", "in", "nullif"})


class Place(Struct, frozen=True):
    """Where in the spec something stands, for the error that names it."""

    pointer: str
    position: int | None = None

    @property
    def at(self) -> At:
        """The same for a node of the tree."""
        return At(self.pointer, self.position)

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
            return Literal(NULL, None)
        case bool():
            return Literal(BOOLEAN, value)
        case int() if value < 0:
            found = call("negate", [number(str(-value), place)], place)
            assert isinstance(found, Literal)
            return found
        case int():
            return number(str(value), place)
        case float():
            if not math.isfinite(value):
                raise place.refuse("the number is too large for a double")
            found = number(repr(abs(value)), place)
            if value < 0:
                return negative(found)
            return found
        case str():
            well_formed(value, place)
            return Literal(TEXT, value)


def well_formed(text: str, place: Place) -> None:
    """Refuse lone surrogates, which no UTF-8 text holds."""
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise place.refuse("the text holds half of a surrogate pair")


def number(text: str, place: Place) -> Literal:
    """A numeric literal as SQL spells it.

    Without point and exponent it is an integer, a decimal beyond 64 bits; with a point alone a
    decimal of just its digits; else a double.
    """
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0") or "0"
        if len(digits) > PRECISION_MAX:
            raise place.refuse(f"a whole number may have {PRECISION_MAX} digits")
        whole = int(digits)
        type = INTEGER if whole <= INT64_MAX else decimal(len(digits), 0)
        return Literal(type, whole)
    ahead, point, behind = text.partition(".")
    if point and (ahead + behind).isdigit() and text.isascii():
        digits = ahead + behind
        if len(digits) <= PRECISION_MAX:
            return Literal(decimal(len(digits), len(behind)), int(digits))
    try:
        value = float(text)
    except ValueError:
        raise place.refuse("this is no number") from None
    if not math.isfinite(value):
        raise place.refuse("the number is too large for a double")
    return Literal(DOUBLE, value + 0.0)


def negative(item: Literal) -> Literal:
    """The negative of a number; 9223372036854775808 is none of 64 bits, and its negative is."""
    assert isinstance(item.value, int | float)
    value = -item.value
    fits = item.type == decimal(19, 0) and value == -(INT64_MAX + 1)
    return Literal(INTEGER if fits else item.type, value)


def _is_number(item: Expr) -> TypeGuard[Literal]:
    """Whether it is a literal whose negative is one: −0.0 could be taken for 0.0, its equal."""
    if not isinstance(item, Literal) or item.kind not in NUMBERS:
        return False
    return item.kind is not Kind.DOUBLE or bool(item.value)


def call(op: str, args: Sequence[Expr], place: Place) -> Expr:
    """The checked call of an operator or function by its name in the grammar.

    Literals that do not fit, and operands of other kinds than it takes, are refused.
    """
    rule = RULES[op]
    if op in ORDERED:
        args = _moments(args, place)
    types = [one.type for one in args]
    if rule.strict and any(is_null(one) for one in args):
        return _null(rule, args, place)
    if op == "negate" and _is_number(args[0]):
        return negative(args[0])
    _literals(rule, args, place)
    if op in ("round", "trunc") and len(args) > 1:
        _digits(args[1], place)
    try:
        if op in ORDERED:
            comparable(types)
        if not rule.matches(types):
            raise Mistyped(_mismatch(rule, types))
        type = rule.gives(types)
        unified = common(types) if op in UNIFIED else None
    except Mistyped as error:
        raise place.refuse(str(error)) from None
    if unified is not None:
        args = [converted(one, unified, place) for one in args]
    elif op == "||":
        args = [cast(one, TEXT, place) for one in args]
    elif op in ("round", "trunc") and type.kind is Kind.DECIMAL:
        type = _rounded(type, args)
    elif op in ("extract", "date_diff", "date_trunc"):
        args = [_part(args[0], place), *args[1:]]
    if op == "like" and len(str(args[1].value)) > PATTERN_CHARS_MAX:  # type: ignore[union-attr]
        raise place.refuse(f"a LIKE pattern may have {PATTERN_CHARS_MAX} characters")
    if op in LED and is_null(args[0]):
        return Literal(type, None)
    return Call(op, tuple(args), type, place.at)


def _null(rule: Rule, args: Sequence[Expr], place: Place) -> Literal:
    """What a call with NULL written out is: NULL, of the type that it has with the others."""
    known = [one.type for one in args if one.kind is not Kind.NULL]
    types = [known[0] if known and one.kind is Kind.NULL else one.type for one in args]
    try:
        if not rule.matches([one.type for one in args]):
            raise Mistyped(_mismatch(rule, types))
        return Literal(rule.gives(types) if known else NULL, None)
    except Mistyped as error:
        raise place.refuse(str(error)) from None


def case(args: Sequence[Expr], places: Sequence[Place], place: Place) -> Expr:
    """CASE: condition, value, condition, value, …, value of ELSE."""
    conditions, values = args[:-1:2], [*args[1::2], args[-1]]
    for condition, where in zip(conditions, places, strict=True):
        truth(condition, "WHEN", where)
    try:
        type = common([one.type for one in values])
    except Mistyped as error:
        raise place.refuse(str(error)) from None
    found: list[Expr] = []
    for condition, value in zip(conditions, values, strict=False):
        found += [condition, converted(value, type, place)]
    return Call("case", (*found, converted(values[-1], type, place)), type, place.at)


def converted(item: Expr, type: Type, place: Place) -> Expr:
    """The item as a value of the type that it has in common with others."""
    if item.type == type:
        return item
    return Literal(type, None) if is_null(item) else Call("cast", (item,), type, place.at)


def cast(item: Expr, type: Type, place: Place, *, tried: bool = False) -> Expr:
    """`CAST(item AS type)`, or TRY_CAST when `tried`."""
    if item.type == type:
        return item
    if item.kind is Kind.NULL:
        return Literal(type, None)
    if type.kind not in CASTS.get(item.kind, frozenset()):
        raise place.refuse(f"{item.type} cannot be cast to {type}")
    if is_null(item):
        return Literal(type, None)
    return Call("try_cast" if tried else "cast", (item,), type, place.at)


def moment(text: str, type: Type, place: Place) -> Literal:
    """`DATE 'text'` or `TIMESTAMP 'text'`."""
    found = read_date(text) if type is DATE else read_timestamp(text)
    if found is None:
        raise place.refuse(f"{text[:40]!r} is no {type}")
    return Literal(type, found)


def truth(item: Expr, what: str, place: Place) -> Expr:
    """`item` itself, if it can be true or false; `what` names the place that needs it."""
    if item.kind not in (Kind.BOOLEAN, Kind.NULL):
        raise place.refuse(f"{what} needs a condition, and this is {item.type}")
    return item


def logic(op: str, items: Sequence[tuple[Expr, Place]], place: Place) -> Expr:
    """The items joined by "and" or "or"."""
    checked = tuple(truth(item, op.upper(), where) for item, where in items)
    return Call(op, checked, BOOLEAN, place.at)


def _moments(args: Sequence[Expr], place: Place) -> Sequence[Expr]:
    """Texts in quotes beside dates or timestamps are such themselves, as in DuckDB."""
    kinds = {one.kind for one in args}
    if not kinds & TIMES or Kind.TEXT not in kinds:
        return args
    type = DATE if Kind.TIMESTAMP not in kinds else TIMESTAMP
    return [
        moment(one.value, type, place)
        if isinstance(one, Literal) and isinstance(one.value, str)
        else one
        for one in args
    ]


def _literals(rule: Rule, args: Sequence[Expr], place: Place) -> None:
    for at in rule.literals:
        if at < len(args) and not isinstance(args[at], Literal):
            what = "the pattern of LIKE" if rule.op == "like" else f"operand {at + 1} of {rule.op}"
            kind = "text in quotes" if rule.op not in ("round", "trunc") else "number"
            raise place.refuse(f"{what} must be a {kind}")


def _rounded(type: Type, args: Sequence[Expr]) -> Type:
    digits = args[1].value if len(args) > 1 and isinstance(args[1], Literal) else 0
    assert isinstance(digits, int)
    return decimal(type.precision, min(type.scale, max(digits, 0)))


def _digits(item: Expr, place: Place) -> None:
    value = item.value if isinstance(item, Literal) else None
    if not isinstance(value, int) or abs(value) > ROUND_DIGITS_MAX:
        raise place.refuse(f"digits are a whole number within ±{ROUND_DIGITS_MAX}")


def _part(item: Expr, place: Place) -> Literal:
    """The part of a date that the text names, in the one spelling of the tree."""
    assert isinstance(item, Literal)
    word = str(item.value).lower()
    name = next((name for name in (word, word.removesuffix("s")) if name in PARTS), None)
    if name is None:
        raise place.refuse(f"{word!r} is no part of a date; these are: {', '.join(PARTS)}")
    return Literal(TEXT, name)


def _mismatch(rule: Rule, types: Sequence[Type]) -> str:
    given = ", ".join(map(str, types)) or "nothing"
    counts = {len(signature) for signature in rule.takes}
    if len(types) not in counts and not (rule.more and len(types) > min(counts)):
        return f"{rule.spelled} does not take {len(types)} operands"
    return f"{rule.spelled} does not take {given}"
