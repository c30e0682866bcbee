"""This file is where the typed tree of an expression stands.

There are three nodes: a column, a literal, and a call of an operator or function of
`grid.codegen.grammar`. Every node knows its `type`; nothing in a tree is ever program text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from grid.codegen.types import Kind, Type, type_of
from grid.items import Column

#: Months, days and microseconds.
Interval = tuple[int, int, int]


class At(Struct, frozen=True, eq=False):
    """Where in the spec a node was read; two nodes are equal wherever they stand."""

    pointer: str = ""
    #: 0-based character offset, or None.
    position: int | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, At)

    def __hash__(self) -> int:
        return 0


class ColumnRef(Struct, frozen=True):
    """A column of the data set."""

    column: Column

    @property
    def type(self) -> Type:
        return type_of(self.column)

    @property
    def kind(self) -> Kind:
        return self.type.kind


class Literal(Struct, frozen=True):
    """A value of the spec, as the reference holds it.

    An int stands for a decimal (times 10^scale), a date (days) and a timestamp (microseconds) too.
    """

    type: Type
    value: int | float | bool | str | Interval | None

    @property
    def kind(self) -> Kind:
        return self.type.kind


class Call(Struct, frozen=True):
    """An operator or function by its name in the grammar, with its operands from left to right.

    The operands of CASE are condition, value, condition, value, …, value of ELSE; of `cast` and
    `try_cast` there is one, and the target is the node's own type.
    """

    op: str
    args: tuple[Expr, ...]
    type: Type
    at: At = At()

    @property
    def kind(self) -> Kind:
        return self.type.kind


Expr = ColumnRef | Literal | Call


def is_null(expr: Expr) -> bool:
    """Whether the expression is NULL written out."""
    return isinstance(expr, Literal) and expr.value is None


def children(expr: Expr) -> tuple[Expr, ...]:
    """The operands, left to right."""
    return expr.args if isinstance(expr, Call) else ()


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
        item.column.name
        for expr in expressions
        if expr is not None
        for item in walk(expr)
        if isinstance(item, ColumnRef)
    }
    return tuple(column.name for column in columns if column.name in used)


def shared(*expressions: Expr) -> tuple[Expr, ...]:
    """The same expressions, in which equal parts are one object, so that each is computed once."""
    known: dict[Expr, Expr] = {}

    def one(expr: Expr) -> Expr:
        if isinstance(expr, Call):
            expr = replace(expr, args=tuple(one(item) for item in expr.args))
        return known.setdefault(expr, expr)

    return tuple(map(one, expressions))
