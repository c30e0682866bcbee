"""This file is where the partial aggregates of a work unit are computed in Python: the reference.

It shares nothing with the program but the plan and the spelling of answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from grid.codegen import failures
from grid.codegen.failing import failing
from grid.codegen.reference import Chunk, Faults, Values, evaluated, selected
from grid.codegen.reference.ordering import order
from grid.codegen.types import Kind
from grid.items import Json
from grid.plan.aggregates import State
from grid.plan.query import WEIGHT_MAX, Partial, Query
from grid.plan.spelling import UNIT_BITS, Total, spelled, spelled_total, weight

#: Number of the key's group → the values of each operand in it; None are left out.
Groups = dict[tuple[Json, ...], list[Values]]


def partial(query: Query, chunks: Sequence[Chunk]) -> Json:
    """What a host answers for these chunks."""
    groups: Groups = {} if query.keys else {(): _empty(query)}
    faults: list[Faults] = []
    full = 0
    for chunk in chunks:
        keys, operands, keep, failed = _projected(query, chunk)
        faults.append(failed)
        for row in keep:
            key = tuple(spelled(values[row]) for values in keys)
            if key not in groups:
                if len(groups) == query.groups_max:
                    full = 1
                    continue
                groups[key] = _empty(query)
            members = groups[key]
            members[0].append(True)
            for values, found in zip(operands, members[1:], strict=True):
                if values[row] is not None:
                    found.append(values[row])
    answer = _answer(query, groups)
    if not full and weight(answer["keys"]) + weight(answer["states"]) > WEIGHT_MAX:
        full = 2
    if full:
        answer = {"keys": [], "states": []}
    answer["full"] = full
    if query.sites:
        answer[failures.FIELD] = failures.counted(faults)
    return answer


def _empty(query: Query) -> list[Values]:
    return [[] for _ in range(1 + len(query.operands))]


def _projected(query: Query, chunk: Chunk) -> tuple[list[Values], list[Values], list[int], Faults]:
    """Keys and operands of each row, which rows are kept, and which fail; what fails is NULL."""
    numbers: Mapping[int, int] = failing(*query.expressions)
    rows = len(next(iter(chunk.values())))
    hits, faults = selected(query.where, chunk, rows)
    keep = [row for row, hit in enumerate(hits) if hit]
    found: list[Values] = []
    for expr in (*query.keys, *query.operands):
        values, failed = evaluated(expr, chunk, rows, numbers)
        for row in keep:
            if row in failed:
                values[row] = None
                faults[row] = min(failed[row], faults.get(row, failed[row]))
        found.append(values)
    count = len(query.keys)
    return found[:count], found[count:], keep, faults


def _answer(query: Query, groups: Groups) -> dict[str, Json]:
    places = {expr: number for number, expr in enumerate(query.operands, 1)}
    return {
        "keys": [[key[at] for key in groups] for at in range(len(query.keys))],
        "states": [
            [
                _STATES[one.state](one, members[places[one.expr] if one.expr is not None else 0])
                for members in groups.values()
            ]
            for one in query.partials
        ],
    }


def _count(partial: Partial, values: Values) -> Json:
    return len(values)


def _total(partial: Partial, values: Values) -> Json:
    kind = _kind(partial)
    add = _doubles(values, 1) if kind is Kind.DOUBLE else Total(sum(map(int, values)))
    return spelled_total(add, kind)


def _squares(partial: Partial, values: Values) -> Json:
    kind = _kind(partial)
    if kind is Kind.DOUBLE:
        return spelled_total(_doubles(values, 2), kind)
    return spelled_total(Total(sum(value * value for value in values)), kind)


def _doubles(values: Iterable[float], power: int) -> Total:
    """The exact sum of the values to this power, in units of 2^(−1074·power)."""
    units = odd = 0
    for value in values:
        if math.isfinite(value):
            over, below = value.as_integer_ratio()
            units += over**power * ((1 << UNIT_BITS * power) // below**power)
        else:
            odd |= 1 if math.isnan(value) else 2 if value > 0 or power == 2 else 4
    return Total(units, odd)


def _extreme(sign: int) -> Callable[[Partial, Values], Json]:
    def state(partial: Partial, values: Values) -> Json:
        best: Any = None
        for value in values:
            if best is None or sign * order(value, best) > 0:
                best = value
        return spelled(best)

    return state


def _kind(partial: Partial) -> Kind:
    assert partial.expr is not None, "only rows are of no expression"
    return partial.expr.kind


_STATES: Mapping[State, Callable[[Partial, Values], Json]] = {
    State.ROWS: _count,
    State.COUNT: _count,
    State.SUM: _total,
    State.SQUARES: _squares,
    State.LEAST: _extreme(-1),
    State.GREATEST: _extreme(1),
}
