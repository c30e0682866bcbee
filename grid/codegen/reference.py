"""This file is where an expression is computed in Python: the reference for generated programs.

It shares nothing with the emitter but the typed tree. Semantics are DuckDB's, except for
`grid.codegen.differences`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

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

Chunk = Mapping[str, Sequence[object]]
#: One value a row; None is NULL.
Values = Sequence[Any]


def selected(expr: Expr | None, chunk: Chunk, rows: int) -> list[bool]:
    """Whether each of the chunk's rows satisfies the condition; all do when there is none."""
    if expr is None:
        return [True] * rows
    return [value is True for value in evaluate(expr, chunk, rows)]


def values_of(column: Column, where: Expr | None, chunks: Sequence[Chunk]) -> list[Any]:
    """The column's values, without NULL, in the rows that satisfy the condition."""
    return [
        value
        for chunk in chunks
        for value, keep in zip(
            chunk[column.name], selected(where, chunk, len(chunk[column.name])), strict=True
        )
        if keep and value is not None
    ]


def evaluate(expr: Expr, chunk: Chunk, rows: int) -> Values:
    """The expression's value for each row."""

    def of(item: Expr) -> Values:
        return evaluate(item, chunk, rows)

    match expr:
        case ColumnRef():
            return chunk[expr.column.name]
        case Literal():
            return [expr.value] * rows
        case Negate():
            return [None if value is None else -value for value in of(expr.item)]
        case Arithmetic():
            return _strict(ARITHMETIC[expr.op, expr.kind], of(expr.left), of(expr.right))
        case Compare():
            test = COMPARISONS[expr.op]
            return [
                None if left is None or right is None else test(order(left, right))
                for left, right in zip(of(expr.left), of(expr.right), strict=True)
            ]
        case Between():
            low = evaluate(Compare("<=", expr.low, expr.item), chunk, rows)
            high = evaluate(Compare("<=", expr.item, expr.high), chunk, rows)
            return [_all(pair) for pair in zip(low, high, strict=True)]
        case In():
            each = [evaluate(Compare("=", expr.item, one), chunk, rows) for one in expr.options]
            return [_any(row) for row in zip(*each, strict=True)]
        case Like():
            return [
                None if value is None else matches(expr.pattern, value) for value in of(expr.item)
            ]
        case IsNull():
            return [value is None for value in of(expr.item)]
        case And():
            return [_all(row) for row in zip(*map(of, expr.items), strict=True)]
        case Or():
            return [_any(row) for row in zip(*map(of, expr.items), strict=True)]
        case Not():
            return [None if value is None else not value for value in of(expr.item)]


def order(left: Any, right: Any) -> int:
    """−1, 0 or 1: NaN equals itself and is greatest, text goes by its UTF-8 bytes.

    A whole number beside a double is compared as the nearest double.
    """
    if isinstance(left, str):
        left, right = left.encode(), right.encode()
    elif isinstance(left, float) or isinstance(right, float):
        left, right = as_double(left), as_double(right)
        if math.isnan(left) or math.isnan(right):
            return int(math.isnan(left)) - int(math.isnan(right))
    return int(left > right) - int(left < right)


def as_double(value: float) -> float:
    """The nearest double, an infinity beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def matches(pattern: str, text: str) -> bool:
    """Whether `text` is LIKE `pattern`; goes back to the last % only, so it takes their product."""
    at = place = 0
    star, resume = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "%":
            star, resume = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("_", text[at]):
            at += 1
            place += 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return False
    return pattern[place:].strip("%") == ""


def _all(row: Sequence[bool | None]) -> bool | None:
    if any(value is False for value in row):
        return False
    return None if any(value is None for value in row) else True


def _any(row: Sequence[bool | None]) -> bool | None:
    if any(value is True for value in row):
        return True
    return None if any(value is None for value in row) else False


def _strict(function: Callable[[Any, Any], Any], left: Values, right: Values) -> Values:
    """NULL for NULL."""
    return [
        None if one is None or other is None else function(one, other)
        for one, other in zip(left, right, strict=True)
    ]


def _in_doubles(function: Callable[[float, float], Any]) -> Callable[[float, float], Any]:
    return lambda left, right: function(as_double(left), as_double(right))


def _quotient(left: float, right: float) -> float | None:
    if right == 0:
        return None
    return left / right


def _remainder(left: float, right: float) -> float | None:
    """IEEE fmod: the dividend's sign."""
    if right == 0:
        return None
    if math.isinf(left):
        return math.nan
    return math.fmod(left, right)


def _whole_remainder(left: int, right: int) -> int | None:
    if right == 0:
        return None
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


def _null(_left: Any, _right: Any) -> None:
    return None


COMPARISONS: Mapping[str, Callable[[int], bool]] = {
    "=": lambda found: found == 0,
    "<>": lambda found: found != 0,
    "<": lambda found: found < 0,
    "<=": lambda found: found <= 0,
    ">": lambda found: found > 0,
    ">=": lambda found: found >= 0,
}
ARITHMETIC: Mapping[tuple[str, Kind], Callable[[Any, Any], Any]] = {
    ("+", Kind.INTEGER): operator.add,
    ("-", Kind.INTEGER): operator.sub,
    ("*", Kind.INTEGER): operator.mul,
    ("%", Kind.INTEGER): _whole_remainder,
    ("+", Kind.DOUBLE): _in_doubles(operator.add),
    ("-", Kind.DOUBLE): _in_doubles(operator.sub),
    ("*", Kind.DOUBLE): _in_doubles(operator.mul),
    ("/", Kind.DOUBLE): _in_doubles(_quotient),
    ("%", Kind.DOUBLE): _in_doubles(_remainder),
    **{(op, Kind.NULL): _null for op in "+-*/%"},
}
