"""This file is where the answer for a work unit of paths is computed and judged in Python."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grid.codegen import answers, failures, totals
from grid.codegen.failing import failing
from grid.codegen.reference import evaluated, streams
from grid.codegen.tree import Expr
from grid.codegen.types import DOUBLE
from grid.items import Json

from .asked import STEP, Asked
from .program import ADDED

#: Paths that are stepped together.
BLOCK = 1024
DRAWN = {"uniform": streams.uniform, "normal": streams.normal}


def expected(asked: Asked, paths: Sequence[int]) -> Json:
    """The output for these paths."""
    values: list[float] = []
    faults: dict[int, int] = {}
    nulls = 0
    for start in range(0, len(paths), BLOCK):
        for row, (value, fault) in enumerate(observed(asked, paths[start : start + BLOCK]), start):
            if fault:
                faults[row] = fault
            if value is None:
                nulls += 1
            else:
                values.append(value)
    finite = [value for value in values if math.isfinite(value)]
    found: dict[str, Json] = {
        "count": len(values),
        "nulls": nulls,
        "nans": sum(map(math.isnan, values)),
        "plus": values.count(math.inf),
        "minus": values.count(-math.inf),
        "sum": str(totals.units(finite)),
        "squares": str(totals.squares(finite)),
    }
    if asked.sites:
        found[failures.FIELD] = failures.counted([faults])
    if asked.thresholds:
        found["counts"] = between(asked.thresholds, values)
    if asked.quantiles:
        found["values"] = [answers.spelled(value) for value in values]
    return found


def between(thresholds: Sequence[float], values: Sequence[float]) -> list[int]:
    """How many values are not above the least threshold, above it and not above the next, …"""
    edges = sorted(thresholds)
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[len(edges) if math.isnan(value) else bisect.bisect_left(edges, value)] += 1
    return counts


def observed(asked: Asked, paths: Sequence[int]) -> Iterator[tuple[Any, int]]:
    """Each path's value, and the place where it failed, or 0."""
    count = len(paths)
    numbers = failing(*asked.expressions)
    keys = [streams.stream(asked.seed, path) for path in paths]
    bad = [0] * count

    def drawn(phase: int, step: int) -> dict[str, list[Any]]:
        return {
            name: [DRAWN[function](key, step, number) for key in keys]
            for number, (name, function) in enumerate(asked.drawn[phase])
        }

    def made(expressions: Mapping[str, Expr], chunk: Mapping[str, list[Any]]) -> dict[str, Any]:
        found = {}
        failed = [0] * count
        for name, expr in expressions.items():
            found[name], faults = evaluated(expr, chunk, count, numbers)
            for row, number in faults.items():
                failed[row] = min(number, failed[row] or number)
        for row, number in enumerate(failed):
            bad[row] = bad[row] or number
        return found

    state = made(asked.first, drawn(0, 0))
    for step in range(1, asked.steps + 1):
        state |= made(asked.step, {**state, STEP: [step] * count, **drawn(1, step)})
    last = made({"": asked.observe}, {**state, **drawn(2, asked.steps + 1)})[""]
    for value, fault in zip(last, bad, strict=True):
        yield (None if fault else value), fault


def check(asked: Asked, paths: int, output: Mapping[str, Json]) -> None:
    """Raise ValueError unless this could be the answer for so many paths."""
    count, odd = output["count"], output["nans"] + output["plus"] + output["minus"]
    if count + output["nulls"] != paths or odd > count:
        raise ValueError("/count: every path has a value or none")
    failures.check(output, [paths])
    if (failures.FIELD in output) is not bool(asked.sites):
        raise ValueError(f"/{failures.FIELD}: only where a path can fail")
    if (output.get(failures.FIELD) or {"rows": 0})["rows"] > output["nulls"]:
        raise ValueError("/nulls: what fails has no value")
    total, squares, finite = int(output["sum"]), int(output["squares"]), count - odd
    if abs(total) > finite * totals.SIZE_MAX or not 0 <= total**2 <= finite * squares:
        raise ValueError("/squares: no values have such sums")
    if squares > finite * totals.SIZE_MAX**2:
        raise ValueError("/squares: further from 0 than so many values can be")
    for name, wanted in (("counts", asked.thresholds), ("values", asked.quantiles)):
        if (name in output) is not bool(wanted):
            raise ValueError(f"/{name}: as it was asked for")
    counts = output.get("counts", [count])
    if len(counts) != len(asked.thresholds) + 1 or sum(counts) != count:
        raise ValueError("/counts: one for each part, of all values")
    values = [answers.read(value, DOUBLE) for value in output.get("values", ())]
    if asked.quantiles and (None in values or len(values) != count):
        raise ValueError("/values: one for each path that has one")


def merged(state: Mapping[str, Json], output: Mapping[str, Json]) -> dict[str, Json]:
    """Both together."""
    found: dict[str, Json] = {name: state[name] + output[name] for name in ADDED}
    for name in ("sum", "squares"):
        found[name] = str(int(state[name]) + int(output[name]))
    counts = output.get("counts", [])
    before = state["counts"] or [0] * len(counts)
    found["counts"] = [one + other for one, other in zip(before, counts, strict=True)]
    found["values"] = [*state["values"], *output.get("values", ())]
    return found


def rows(asked: Asked, state: Mapping[str, Json]) -> list[tuple[str, float | None, float | None]]:
    """The output's rows: what it is, of which threshold or share, and the value."""
    count = state["count"]
    found: list[tuple[str, float | None, float | None]] = [
        ("paths", None, float(count)),
        ("mean", None, _mean(state)),
        ("stddev", None, _deviation(state)),
    ]
    edges = sorted(asked.thresholds)
    for threshold in asked.thresholds:
        above = sum(state["counts"][edges.index(threshold) + 1 :])
        found.append(("above", threshold, above / count if count else None))
    ascending = totals.in_order(answers.read(value, DOUBLE) for value in state["values"])
    for share in asked.quantiles:
        found.append(("quantile", float(share), totals.quantile(ascending, share)))
    return found


def _mean(state: Mapping[str, Json]) -> float | None:
    if not state["count"]:
        return None
    if state["nans"] or (state["plus"] and state["minus"]):
        return math.nan
    if state["plus"] or state["minus"]:
        return math.inf if state["plus"] else -math.inf
    return totals.mean(int(state["sum"]), state["count"])


def _deviation(state: Mapping[str, Json]) -> float | None:
    if state["count"] > 1 and state["nans"] + state["plus"] + state["minus"]:
        return math.nan
    return totals.deviation(int(state["sum"]), int(state["squares"]), state["count"])
