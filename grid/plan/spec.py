"""This file is where a spec's columns, expressions and aggregates are read into a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grid.codegen import build
from grid.codegen.build import Place
from grid.codegen.parse import expression
from grid.codegen.tree import ColumnRef, Expr
from grid.items import Column, Json
from grid.plan.aggregates import AGGREGATES
from grid.plan.query import Order, Output, Planner


def operand(spec: Mapping[str, Json], columns: Sequence[Column], pointer: str = "") -> Expr | None:
    """What `column` or `expression` of this part of the spec says; None when it has neither."""
    if "column" in spec:
        return build.column(spec["column"], columns, Place(f"{pointer}/column"))
    if "expression" in spec:
        return expression(spec["expression"], columns, f"{pointer}/expression")
    return None


def measured(planner: Planner, function: str, spec: Mapping[str, Json], pointer: str = "") -> Expr:
    """The merged column of an aggregate of what this part of the spec names."""
    found = operand(spec, planner.columns, pointer)
    where = Place(f"{pointer}/{'expression' if 'expression' in spec else 'column'}")
    if found is None and function != "COUNT":
        raise where.refuse("this key is needed")
    return planner.measure(AGGREGATES[function], found, where)


def keys(planner: Planner, by: Sequence[Json]) -> tuple[list[Output], tuple[Order, ...]]:
    """The columns that rows are grouped by, and the order of the groups: ascending, NULL last."""
    outputs = []
    for number, each in enumerate(by):
        part = {"column": each} if isinstance(each, str) else each
        pointer = f"/by/{number}"
        place = Place(pointer)
        found = (
            build.column(each, planner.columns, place)
            if isinstance(each, str)
            else operand(part, planner.columns, pointer)
        )
        if found is None:
            raise place.refuse("a column or an expression is needed")
        name = part.get("as") or _named(found, part)
        outputs.append(Output(name=name, expr=planner.key(found, place)))
    return outputs, tuple(Order(expr=one.expr) for one in outputs)


def _named(found: Expr, part: Mapping[str, Json]) -> str:
    return found.column.name if isinstance(found, ColumnRef) else str(part["expression"])


def unique(outputs: Sequence[Output], pointers: Sequence[str]) -> tuple[Output, ...]:
    """The outputs, whose names must differ; raises SpecError at the first that does not."""
    seen: set[str] = set()
    for one, pointer in zip(outputs, pointers, strict=True):
        if one.name in seen:
            raise Place(pointer).refuse(f"there are two columns {one.name!r}; say `as`")
        seen.add(one.name)
    return tuple(outputs)
