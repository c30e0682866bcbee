"""This file is where expressions with random numbers are read: `uniform()` and `normal()`.

Each of these calls is a column of its own, so that it has one value wherever the expression is
computed, and whether its branch of a CASE is chosen or not.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from grid.codegen import answers, parse, words
from grid.codegen.build import Place
from grid.codegen.tree import ColumnRef, Expr
from grid.codegen.types import DOUBLE
from grid.items import Column

FUNCTIONS = ("uniform", "normal")


class Draws:
    """The draws of several expressions, numbered as they are read."""

    def __init__(self) -> None:
        #: Name of the column → the function that draws it; its number is its place.
        self.drawn: list[tuple[str, str]] = []

    def read(self, text: str, columns: Sequence[Column], pointer: str) -> Expr:
        """The typed expression that `text` says; raises SpecError."""

        def known(node: exp.Expr) -> Expr | None:
            if not isinstance(node, exp.Anonymous) or str(node.this).lower() not in FUNCTIONS:
                return None
            function = str(node.this).lower()
            if node.expressions:
                raise Place(pointer).refuse(f"{function}() takes no operands")
            name = f"{function}() {len(self.drawn)}"
            self.drawn.append((name, function))
            return ColumnRef(answers.column(name, DOUBLE))

        return parse.read(words.tree(text, pointer), columns, pointer, known)
