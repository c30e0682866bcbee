"""This file is where merged groups become the rows of the output: HAVING, ORDER BY, LIMIT."""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

import pyarrow as pa

from grid.chunks import arrow_type
from grid.codegen.columnar import column as stored
from grid.codegen.failing import sites
from grid.codegen.failures import RowsFailed
from grid.codegen.reference import Faults, Values, evaluated, selected
from grid.codegen.reference.ordering import order
from grid.codegen.tree import Expr
from grid.items import Column, Json
from grid.plan import ending
from grid.plan.query import Order, Query
from grid.plan.spelling import value_of


def columns(query: Query) -> tuple[Column, ...]:
    """The columns of the output."""
    return tuple(stored(one.name, one.expr.type) for one in query.final.outputs)


def rows(query: Query, state: Json, *, forgiving: bool) -> pa.RecordBatch:
    """The output's rows; a failure is NULL if `forgiving`, else it raises RowsFailed."""
    merged = _merged(query, state)
    count = len(next(iter(merged.values())))
    final = query.final
    hits, faults = selected(final.having, merged, count)
    _forgive(final.having, faults, forgiving)
    chosen = [row for row, hit in enumerate(hits) if hit]
    by = [(one, _values(one.expr, merged, count, forgiving)) for one in final.order]

    def compare(left: int, right: int) -> int:
        for one, values in by:
            found = compared(one, values[left], values[right])
            if found:
                return found
        return 0

    if by:
        chosen.sort(key=cmp_to_key(compare))
    end = None if final.limit is None else final.offset + final.limit
    chosen = chosen[final.offset : end]
    wanted = columns(query)
    made = []
    for one, column in zip(final.outputs, wanted, strict=True):
        values = _values(one.expr, merged, count, forgiving)
        made.append(pa.array([values[row] for row in chosen], arrow_type(column)))
    return pa.record_batch(made, names=[column.name for column in wanted])


def _merged(query: Query, state: Json) -> dict[str, Values]:
    """The merged columns: the keys', then the measures'."""
    found: dict[str, Values] = {}
    for number, (expr, values) in enumerate(zip(query.keys, state["keys"], strict=True)):
        found[f"k{number}"] = [value_of(value, expr.type) for value in values]
    count = len(state["states"][0]) if state["states"] else len(found["k0"])
    for number, measure in enumerate(query.measures):
        states = [state["states"][place] for place in measure.partials]
        kinds = [query.partials[place].state for place in measure.partials]
        found[f"m{number}"] = [
            ending.value(measure, [each[group] for each in states], kinds) for group in range(count)
        ]
    return found


def _values(expr: Expr, merged: dict[str, Values], count: int, forgiving: bool) -> Values:
    values, faults = evaluated(expr, merged, count)
    _forgive(expr, faults, forgiving)
    return [None if row in faults else value for row, value in enumerate(values)]


def _forgive(expr: Expr | None, faults: Faults, forgiving: bool) -> None:
    if faults and not forgiving:
        site = sites(expr)[faults[min(faults)] - 1]
        raise RowsFailed(f"group {min(faults) + 1} of the output: {site.why} ({site.at.pointer})")


def compared(one: Order, left: Any, right: Any) -> int:
    """−1, 0 or 1: which of two values of its expression comes first."""
    if left is None or right is None:
        found = int(left is None) - int(right is None)
        return -found if one.nulls_first else found
    found = order(left, right)
    return -found if one.descending else found
