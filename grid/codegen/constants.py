"""This file is where what a spec says outright is computed, so that its errors are seen at once."""

from __future__ import annotations

from grid.codegen.build import Place
from grid.codegen.reference import RowFailed, evaluate
from grid.codegen.tree import Call, ColumnRef, Expr, walk

DIVISIONS = frozenset({"/", "//", "%"})


def check(expr: Expr, pointer: str) -> None:
    """Refuse a division by a constant 0, and every constant part that fails."""
    constant = _constants(expr)
    for item in walk(expr):
        if not isinstance(item, Call):
            continue
        place = Place(pointer, item.at.position)
        divided = item.op in DIVISIONS and id(item.args[1]) in constant
        try:
            if divided and evaluate(item.args[1], {}, 1) == [0]:
                raise place.refuse(f"division by zero in {item.op}")
            if id(item) in constant:
                evaluate(item, {}, 1)
        except RowFailed as error:
            raise Place(pointer, error.at.position).refuse(error.why) from None


def _constants(expr: Expr) -> set[int]:
    """Ids of the parts that read no column."""
    found: set[int] = set()
    for item in reversed(list(walk(expr))):
        if isinstance(item, ColumnRef):
            continue
        if not isinstance(item, Call) or all(id(each) in found for each in item.args):
            found.add(id(item))
    return found
