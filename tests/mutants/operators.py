"""This file is where it stands which mistakes are planted: each as a change to the syntax tree.

An operator looks at one place and says by which texts it could be replaced there. An entry or
member is dropped by unpacking nothing in its stead, so that the rest of the line stays as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import pairwise

from mutants.places import Place, is_tunable

Operator = Callable[[Place], Iterator[str]]

#: Comparison → its boundary moved, and its opposite.
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
FUNCTIONS = {"min": "max", "max": "min", "sum": "any", "any": "all", "all": "any"}
#: Functions whose keyword arguments change what comes out, and may be left away.
ORDERING = frozenset({"sorted", "min", "max"})


def compare(place: Place) -> Iterator[str]:
    """A boundary moved, or the opposite asked."""
    item = place.item
    if isinstance(item, ast.Compare):
        for at, old in enumerate(item.ops):
            for new in COMPARISONS[type(old)]:
                ops = [*item.ops[:at], new(), *item.ops[at + 1 :]]
                yield _text(ast.Compare(item.left, ops, item.comparators))


def and_or(place: Place) -> Iterator[str]:
    """`and` for `or`, and the other way round."""
    item = place.item
    if isinstance(item, ast.BoolOp):
        other = ast.Or() if isinstance(item.op, ast.And) else ast.And()
        yield _text(ast.BoolOp(other, item.values))


def operand(place: Place) -> Iterator[str]:
    """One condition of several forgotten; `or 0` and its like are no conditions."""
    nothing = isinstance(place.item, ast.Constant) and not place.item.value
    if isinstance(place.parent, ast.BoolOp) and isinstance(place.item, ast.expr) and not nothing:
        yield "True" if isinstance(place.parent.op, ast.And) else "False"


def sign(place: Place) -> Iterator[str]:
    """`not` or a minus sign forgotten."""
    item = place.item
    if isinstance(item, ast.UnaryOp) and isinstance(item.op, ast.Not | ast.USub):
        yield _text(item.operand)


def constant(place: Place) -> Iterator[str]:
    """One more and one less, half as much again and half; true for false."""
    item = place.item
    if isinstance(item, ast.Constant):
        if isinstance(item.value, bool):
            yield repr(not item.value)
        elif isinstance(item.value, int):
            yield from (repr(item.value + 1), f"({item.value - 1})")
        elif isinstance(item.value, float):
            yield from (repr(item.value * 1.5), repr(item.value / 2))


def tunable(place: Place) -> Iterator[str]:
    """A chosen number becomes zero: one more or less would be no mistake."""
    if is_tunable(place):
        yield "0"


def returned(place: Place) -> Iterator[str]:
    """Nothing, an empty answer, or the first part of one is returned."""
    item, function = place.item, place.function
    if not isinstance(place.parent, ast.Return) or function is None:
        return
    kind = "" if function.returns is None else ast.unparse(function.returns)
    short = isinstance(item, ast.List | ast.Tuple) and len(item.elts) < 2
    if kind == "bool":
        yield from ("True", "False")
    elif kind in ("int", "float"):
        yield "0"
    elif kind.startswith(("list[", "Sequence[")):
        yield "[]"
        if not short and not isinstance(item, ast.List):
            yield f"{_text(item)}[:1]"
    elif kind.startswith("tuple[") and kind.endswith(", ...]"):
        yield "()"
        if not short:
            yield f"{_text(item)}[:1]"
    else:
        yield "None"


def statement(place: Place) -> Iterator[str]:
    """A statement forgotten."""
    item = place.item
    done_for_its_effect = isinstance(item, ast.Expr) and not isinstance(item.value, ast.Constant)
    if done_for_its_effect or isinstance(
        item, ast.AugAssign | ast.Raise | ast.Continue | ast.Break | ast.Delete
    ):
        yield "pass"
    elif isinstance(item, ast.Assign) and place.function is not None:
        target = item.targets[0]
        known = isinstance(target, ast.Name) and _is_known_before(target.id, item, place.function)
        if known or isinstance(target, ast.Attribute | ast.Subscript):
            yield "pass"


def function(place: Place) -> Iterator[str]:
    """min for max, any for all, and their like."""
    item, parent = place.item, place.parent
    called = isinstance(parent, ast.Call) and parent.func is item
    if called and isinstance(item, ast.Name) and item.id in FUNCTIONS:
        yield FUNCTIONS[item.id]


def bound(place: Place) -> Iterator[str]:
    """One of the two things that min or max chooses from, and an order that is not asked for."""
    item = place.item
    if not isinstance(item, ast.Call) or not isinstance(item.func, ast.Name):
        return
    if item.func.id in ("min", "max") and len(item.args) > 1 and not item.keywords:
        yield from (_text(one) for one in item.args)
    if item.func.id in ORDERING:
        for gone in item.keywords:
            if gone.arg != "default":
                rest = [one for one in item.keywords if one is not gone]
                yield _text(ast.Call(item.func, item.args, rest))


def enum_member(place: Place) -> Iterator[str]:
    """A member's next sibling."""
    item = place.item
    if isinstance(item, ast.Attribute) and isinstance(item.value, ast.Name):
        members = place.enums.get(item.value.id, ())
        beside = {ast.unparse(one) for one in getattr(place.parent, "elts", [])}
        for one, following in pairwise((*members, *members[:1])):
            sibling = f"{item.value.id}.{following}"
            if one == item.attr != following and sibling not in beside:
                yield sibling


def arithmetic(place: Place) -> Iterator[str]:
    """Plus for minus, and their like."""
    item = place.item
    if isinstance(item, ast.BinOp) and type(item.op) in ARITHMETIC:
        yield _text(ast.BinOp(item.left, ARITHMETIC[type(item.op)](), item.right))
    if isinstance(item, ast.AugAssign) and type(item.op) in ARITHMETIC:
        yield ast.unparse(ast.AugAssign(item.target, ARITHMETIC[type(item.op)](), item.value))


def condition(place: Place) -> Iterator[str]:
    """A condition that always holds, or never."""
    item, parent = place.item, place.parent
    forced = (isinstance(parent, ast.If | ast.IfExp) and parent.test is item) or (
        isinstance(parent, ast.comprehension) and item in parent.ifs
    )
    if forced:
        yield from ("True", "False")
    if isinstance(parent, ast.While) and parent.test is item:
        yield "False"


def member(place: Place) -> Iterator[str]:
    """A member of a set, list or tuple forgotten."""
    parent = place.parent
    if not isinstance(parent, ast.Set | ast.List | ast.Tuple) or not isinstance(
        getattr(parent, "ctx", ast.Load()), ast.Load
    ):
        return
    if isinstance(place.around[-2], ast.Subscript) and place.around[-2].slice is parent:
        return
    yield "*()"


def entry(place: Place) -> Iterator[str]:
    """An entry of a dict forgotten, as of what a Transition expects or sets."""
    if isinstance(place.parent, ast.Dict) and place.item in place.parent.keys:
        yield "**{}"


OPERATORS: tuple[Operator, ...] = (
    compare, and_or, operand, sign, constant, tunable, returned, statement, function, bound,
    enum_member, arithmetic, condition, member, entry,
)  # fmt: skip


def _text(item: ast.expr) -> str:
    """Its source, in parentheses unless it needs none anywhere."""
    text = ast.unparse(item)
    atoms = ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.List | ast.Dict | ast.Set
    return text if isinstance(item, atoms) else f"({text})"


def _is_known_before(
    name: str, item: ast.Assign, function: ast.FunctionDef | ast.AsyncFunctionDef
) -> bool:
    arguments = {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)}
    earlier = {
        one.id
        for one in ast.walk(function)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store) and one.lineno < item.lineno
    }
    return name in arguments | earlier
