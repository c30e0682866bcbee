"""This file is where a syntax tree is searched for places that a bug may be planted in."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

#: Enum's name → its members, in the order they are written.
Enums = Mapping[str, tuple[str, ...]]

ENUM_BASES = frozenset({"Enum", "IntEnum", "IntFlag", "Flag", "StrEnum"})
#: Arguments that are words for people.
WORDS = frozenset({"because"})


@dataclass(frozen=True)
class Place:
    """A piece of the program and what stands around it."""

    item: ast.AST
    #: From the module down to the item's parent.
    around: tuple[ast.AST, ...]
    enums: Enums = field(repr=False)

    @property
    def parent(self) -> ast.AST:
        return self.around[-1]

    @property
    def function(self) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The function whose code it belongs to."""
        for one in reversed(self.around):
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                return one
        return None

    @property
    def where(self) -> str:
        """The classes and functions it stands in, joined by dots; empty for the module itself."""
        named = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        return ".".join(one.name for one in self.around if isinstance(one, named))

    @property
    def lines(self) -> range:
        """Those of the statement it belongs to; of one with a body, those of its head."""
        statement = next(
            one for one in (self.item, *reversed(self.around)) if isinstance(one, ast.stmt)
        )
        last = statement.end_lineno or statement.lineno
        if body := getattr(statement, "body", None):
            last = max(statement.lineno, body[0].lineno - 1)
        return range(statement.lineno, last + 1)


def places(tree: ast.Module, enums: Enums) -> Iterator[Place]:
    """Every place in the order of the source.

    Left out: docstrings, annotations, imports, decorators, type aliases, what an exception or a
    `because` says, and the members of enums.
    """
    return _within(tree, (), enums)


def enums_in(trees: Iterable[ast.Module]) -> Enums:
    """Every enum that some modules define."""
    return {
        one.name: members
        for tree in trees
        for one in ast.walk(tree)
        if isinstance(one, ast.ClassDef) and _is_enum(one) and (members := tuple(_members(one)))
    }


def is_tunable(place: Place) -> bool:
    """Whether it is a number that somebody chose: one that stands outside functions or is a
    default, such as NAME = 24 * 3600, with the arithmetic that belongs to it."""
    default = isinstance(place.parent, ast.arguments)
    free = isinstance(place.item, ast.expr) and (default or place.function is None)
    return free and all(
        isinstance(one, ast.BinOp | ast.operator | ast.UnaryOp | ast.unaryop)
        or (isinstance(one, ast.Constant) and type(one.value) in (int, float))
        for one in ast.walk(place.item)
    )


def _within(item: ast.AST, around: tuple[ast.AST, ...], enums: Enums) -> Iterator[Place]:
    for name, value in ast.iter_fields(item):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_left_out(item, name, child):
                continue
            place = Place(child, (*around, item), enums)
            yield place
            if not is_tunable(place):
                yield from _within(child, place.around, enums)


def _is_left_out(parent: ast.AST, name: str, child: ast.AST) -> bool:
    if name in ("annotation", "returns", "decorator_list", "bases", "ctx"):
        return True
    if isinstance(parent, ast.ClassDef) and name == "keywords":
        return True
    if isinstance(parent, ast.Raise) or isinstance(child, ast.JoinedStr):
        return True
    if isinstance(child, ast.Import | ast.ImportFrom):
        return True
    if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
        return True
    if isinstance(child, ast.ClassDef) and _is_enum(child):
        return True
    if isinstance(child, ast.keyword) and child.arg in WORDS:
        return True
    return isinstance(parent, ast.Module) and _is_type_alias(child)


def _is_type_alias(child: ast.AST) -> bool:
    if not isinstance(child, ast.Assign | ast.AnnAssign):
        return False
    value = child.value
    return isinstance(value, ast.Subscript) or (
        isinstance(value, ast.BinOp)
        and isinstance(value.op, ast.BitOr)
        and isinstance(value.right, ast.Name | ast.Constant | ast.Subscript)
    )


def _is_enum(item: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id in ENUM_BASES for base in item.bases)


def _members(item: ast.ClassDef) -> Iterator[str]:
    for one in item.body:
        if isinstance(one, ast.Assign):
            yield from (name.id for name in one.targets if isinstance(name, ast.Name))
