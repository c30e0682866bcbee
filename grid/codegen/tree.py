"""This file is where the typed tree of an expression stands.

Every node knows its `kind`; nothing in a tree is ever program text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from grid.items import Column, LogicalType


class Kind(StrEnum):
    """What the values of an expression are; any of them may also be NULL."""

    #: Whole numbers of any size.
    INTEGER = "integer"
    #: IEEE 754 binary64; NaN equals itself and is the greatest.
    DOUBLE = "double"
    BOOLEAN = "boolean"
    #: Unicode text, ordered by UTF-8 bytes.
    TEXT = "text"
    #: Always NULL.
    NULL = "NULL"


KIND_OF = {
    LogicalType.INT64: Kind.INTEGER,
    LogicalType.DOUBLE: Kind.DOUBLE,
    LogicalType.BOOLEAN: Kind.BOOLEAN,
    LogicalType.TEXT: Kind.TEXT,
}


class ColumnRef(Struct, frozen=True):
    """A column of the data set."""

    column: Column

    @property
    def kind(self) -> Kind:
        return KIND_OF[self.column.type]


class Literal(Struct, frozen=True):
    """A value of the spec: int, float, bool, str, or None."""

    kind: Kind
    value: int | float | bool | str | None


class Arithmetic(Struct, frozen=True):
    """`left op right` with op one of + - * / %; "/" is always double."""

    kind: Kind
    op: str
    left: Expr
    right: Expr


class Negate(Struct, frozen=True):
    """Unary minus."""

    kind: Kind
    item: Expr


class Compare(Struct, frozen=True):
    """`left op right` with op one of = <> < <= > >=."""

    op: str
    left: Expr
    right: Expr
    kind: Kind = Kind.BOOLEAN


class Between(Struct, frozen=True):
    """`low <= item AND item <= high`."""

    item: Expr
    low: Expr
    high: Expr
    kind: Kind = Kind.BOOLEAN


class In(Struct, frozen=True):
    """`item` equals one of `options`, of which there is at least one."""

    item: Expr
    options: tuple[Expr, ...]
    kind: Kind = Kind.BOOLEAN


class Like(Struct, frozen=True):
    """Text against a pattern: % is any text, _ any one code point, nothing escapes."""

    item: Expr
    pattern: str
    kind: Kind = Kind.BOOLEAN


class IsNull(Struct, frozen=True):
    """True or false, never NULL."""

    item: Expr
    kind: Kind = Kind.BOOLEAN


class And(Struct, frozen=True):
    """All of `items`, in three-valued logic."""

    items: tuple[Expr, ...]
    kind: Kind = Kind.BOOLEAN


class Or(Struct, frozen=True):
    """Any of `items`, in three-valued logic."""

    items: tuple[Expr, ...]
    kind: Kind = Kind.BOOLEAN


class Not(Struct, frozen=True):
    """NOT NULL is NULL."""

    item: Expr
    kind: Kind = Kind.BOOLEAN


Expr = (
    ColumnRef
    | Literal
    | Arithmetic
    | Negate
    | Compare
    | Between
    | In
    | Like
    | IsNull
    | And
    | Or
    | Not
)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The operands, left to right."""
    match expr:
        case ColumnRef() | Literal():
            return ()
        case Arithmetic() | Compare():
            return (expr.left, expr.right)
        case Between():
            return (expr.item, expr.low, expr.high)
        case In():
            return (expr.item, *expr.options)
        case And() | Or():
            return expr.items
        case Negate() | Like() | IsNull() | Not():
            return (expr.item,)


def walk(expr: Expr) -> Iterator[Expr]:
    """Every sub-expression, itself first, left to right."""
    pending = [expr]
    while pending:
        item = pending.pop()
        yield item
        pending.extend(reversed(children(item)))


def reads(columns: Sequence[Column], *expressions: Expr | None) -> tuple[str, ...]:
    """Names of the columns that occur in any of the expressions, in the data set's order."""
    used = {
        node.column.name
        for expr in expressions
        if expr is not None
        for node in walk(expr)
        if isinstance(node, ColumnRef)
    }
    return tuple(column.name for column in columns if column.name in used)
