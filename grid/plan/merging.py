"""This file is where the answers of hosts are checked, and folded into one state.

An answer is `{"full": 0, "keys": [[…], …], "states": [[…], …]}`: a list for each key and for each
partial aggregate, with an element for each group, in the order in which groups came. A state has
the same lists, and how many rows failed. `full` is 1 for more groups than the plan has room for, 2
for groups that take more than WEIGHT_MAX: then there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grid.codegen import failures
from grid.codegen.failures import RowsFailed
from grid.codegen.reference.ordering import order
from grid.codegen.types import Type
from grid.items import Json
from grid.plan.aggregates import State
from grid.plan.query import GROUPS_MAX, WEIGHT_MAX, Partial, Query
from grid.plan.spelling import spelled, spelled_total, total_of, value_of

#: What an element of a list may be.
KEYS = frozenset({str, bool, type(None)})
STATES = KEYS | {int}
#: What an answer may hold for a work unit that no row was kept of.
NOTHING = {State.ROWS: 0, State.COUNT: 0, State.SUM: "0", State.SQUARES: "0"}


def check(output: Json, rows: Sequence[int], key_count: int | None, groups_max: int) -> None:
    """Raise ValueError unless an honest program could answer so, of a plan whose types are unknown.

    `key_count` is how many keys it is said to have, some of which may be the same; None where that
    is unknown too.

    The output has passed a schema that has lists of lists, and no more of them than there may be.
    What is no value of its type is found by `merge`, which knows the plan.
    """
    keys, states = output["keys"], output["states"]
    lists = [*keys, *states]
    _check_items(keys, states, sum(rows))
    if output["full"]:
        if lists:
            raise ValueError("/full: and still there are groups")
    else:
        groups = {len(each) for each in lists}
        if not states or len(groups) != 1:
            raise ValueError("/states: lists of one length are needed")
        if key_count is not None and not min(1, key_count) <= len(keys) <= key_count:
            raise ValueError("/keys: another number of keys")
        _check_groups(keys, groups.pop(), min(groups_max, sum(rows)))
    failures.check(output, rows)


def _check_items(keys: Sequence[Json], states: Sequence[Json], rows: int) -> None:
    if not all(type(item) in KEYS for each in keys for item in each):
        raise ValueError("/keys: texts, true, false and null are values")
    for each in states:
        if not all(type(item) in STATES for item in each):
            raise ValueError("/states: counts, texts, true, false and null are states")
        counts = [item for item in each if type(item) is int]
        if counts and not (min(counts) >= 0 and sum(counts) <= rows):
            raise ValueError("/states: more values than rows")


def _check_groups(keys: Sequence[Sequence[Json]], groups: int, most: int) -> None:
    if not keys:
        if groups != 1:
            raise ValueError("/states: without keys there is one group")
    elif groups > most:
        raise ValueError("/keys: more groups than there can be")
    elif len(set(zip(*keys, strict=True))) < groups:
        raise ValueError("/keys: a group comes twice")


def start(query: Query) -> Json:
    """The state before the first part."""
    states: list[list[Json]] = [[] for _ in query.partials]
    if not query.keys:
        states = [[NOTHING.get(one.state)] for one in query.partials]
    return {"keys": [[] for _ in query.keys], "states": states, "failed": 0}


def merge(query: Query, state: Json, output: Json, first_chunk: int, spec: Json) -> Json:
    """The state with one more answer; it does not depend on the order of answers but for that of
    the groups. Raises RowsFailed where the job cannot go on, ValueError for no answer to the plan.
    """
    failed = failures.forgiven(output, query.sites, first_chunk, spec)
    if output["full"]:
        raise RowsFailed(_refusal(output["full"], query, first_chunk))
    keys = [list(values) for values in state["keys"]]
    states = [list(values) for values in state["states"]]
    if len(output["keys"]) != len(keys) or len(output["states"]) != len(states):
        raise ValueError("an answer to another plan")
    known = {key: place for place, key in enumerate(zip(*keys, strict=True))} if keys else {(): 0}
    _check_keys(query, output)
    arrivals = list(zip(*output["keys"], strict=True)) if keys else [()]
    for number, key in enumerate(arrivals):
        place = known.setdefault(key, len(known))
        new = bool(keys) and place == len(keys[0])
        if new:
            for values, value in zip(keys, key, strict=True):
                values.append(value)
        for one, into, arrived in zip(query.partials, states, output["states"], strict=True):
            value = _checked(one, arrived[number])
            if new:
                into.append(value)
            else:
                into[place] = JOINED[one.state](one, into[place], value)
    if len(known) > query.groups_max:
        raise RowsFailed(_refusal(1, query, first_chunk))
    return {"keys": keys, "states": states, "failed": state["failed"] + failed}


def _refusal(full: int, query: Query, first_chunk: int) -> str:
    if full == 1:
        allowed = f" ({GROUPS_MAX} at most)" if query.groups_max < GROUPS_MAX else ""
        return (
            f"there are more than {query.groups_max} groups, as was seen at chunk {first_chunk}; "
            f"group by less, or say a larger max_groups{allowed}"
        )
    return (
        f"the groups of the work unit at chunk {first_chunk} take more than {WEIGHT_MAX:,} bytes; "
        "group by less, ask for fewer aggregates, or say a smaller workunit_chunks"
    )


def _check_keys(query: Query, output: Json) -> None:
    for expr, values in zip(query.keys, output["keys"], strict=True):
        for value in values:
            value_of(value, expr.type)


def _checked(partial: Partial, value: Json) -> Json:
    """The value, if it is a state of this kind in its one spelling; raises ValueError."""
    match partial.state:
        case State.ROWS | State.COUNT:
            if type(value) is not int:
                raise ValueError(f"{value!r} is no count")
        case State.SUM | State.SQUARES:
            total_of(value, _type(partial).kind)
        case _:
            value_of(value, _type(partial))
    return value


def _type(partial: Partial) -> Type:
    assert partial.expr is not None, "only rows are of no expression"
    return partial.expr.type


def _counts(partial: Partial, one: Json, other: Json) -> Json:
    return one + other


def _totals(partial: Partial, one: Json, other: Json) -> Json:
    kind = _type(partial).kind
    return spelled_total(total_of(one, kind) + total_of(other, kind), kind)


def _extremes(sign: int) -> Callable[[Partial, Json, Json], Json]:
    def join(partial: Partial, one: Json, other: Json) -> Json:
        if one is None or other is None:
            return other if one is None else one
        values: list[Any] = [value_of(each, _type(partial)) for each in (one, other)]
        return spelled(values[0] if sign * order(*values) >= 0 else values[1])

    return join


#: How two states of a group become one.
JOINED: Mapping[State, Callable[[Partial, Json, Json], Json]] = {
    State.ROWS: _counts,
    State.COUNT: _counts,
    State.SUM: _totals,
    State.SQUARES: _totals,
    State.LEAST: _extremes(-1),
    State.GREATEST: _extremes(1),
}
