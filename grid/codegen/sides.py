"""This file is where expressions over two rows are read: a.name is the one's, b.name the other's.

What such an expression says of one side alone need not be computed for every pair: `hoisted` takes
it out, so that a program computes it once a row.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from sqlglot import exp

from grid.codegen import answers, build, parse, words
from grid.codegen.build import Place
from grid.codegen.grammar import RULES
from grid.codegen.tree import Call, ColumnRef, Expr, walk
from grid.codegen.types import Kind
from grid.items import Column

SIDES = ("a", "b")


def read(text: str, columns: Sequence[Column], pointer: str) -> Expr:
    """The typed expression that `text` says, over columns called a.… and b.…; raises SpecError."""

    def known(node: exp.Expr) -> Expr | None:
        if not isinstance(node, exp.Column) or not isinstance(node.this, exp.Identifier):
            return None
        place = Place(pointer, node.this.meta.get("start"))
        side = node.args.get("table")
        if side is None or node.args.get("db") or side.name.lower() not in SIDES:
            raise place.refuse(f"say a.{node.name} or b.{node.name}: there are two rows")
        column = build.column(node.this.this, columns, place).column
        return ColumnRef(replace(column, name=f"{side.name.lower()}.{column.name}"))

    return parse.read(words.tree(text, pointer), (), pointer, known)


def condition(text: str, columns: Sequence[Column], pointer: str) -> Expr:
    """The same of a condition."""
    return build.truth(read(text, columns, pointer), pointer[1:], Place(pointer, 0))


def side_of(expr: Expr) -> str | None:
    """The one side that the expression reads; None if it reads both or none."""
    found = {item.column.name[0] for item in walk(expr) if isinstance(item, ColumnRef)}
    return found.pop() if len(found) == 1 else None


def plain(expr: Expr) -> Expr:
    """An expression of one side, over the data set's own columns."""
    if isinstance(expr, ColumnRef):
        return ColumnRef(replace(expr.column, name=expr.column.name[2:]))
    if isinstance(expr, Call):
        return replace(expr, args=tuple(plain(item) for item in expr.args))
    return expr


class Hoisted:
    """Expressions in which all that one row decides is a column of its own: `a0`, `b0`, `a1` …

    What can fail stays where it is, so that a row that is in no pair fails nothing.
    """

    def __init__(self) -> None:
        #: Over the data set's columns, each once: what is computed for every row.
        self.made: list[Expr] = []
        #: The places in `made` of what each side reads.
        self.used: dict[str, set[int]] = {side: set() for side in SIDES}

    def out_of(self, expr: Expr) -> Expr:
        """The expression over these columns."""
        side = side_of(expr)
        if side is not None and expr.kind is not Kind.NULL and not _can_fail(expr):
            return ColumnRef(answers.column(self._name(side, plain(expr)), expr.type))
        if isinstance(expr, Call):
            return replace(expr, args=tuple(self.out_of(item) for item in expr.args))
        return expr

    def _name(self, side: str, expr: Expr) -> str:
        if expr not in self.made:
            self.made.append(expr)
        at = self.made.index(expr)
        self.used[side].add(at)
        return f"{side}{at}"


def _can_fail(expr: Expr) -> bool:
    return any(isinstance(item, Call) and RULES[item.op].fails for item in walk(expr))
