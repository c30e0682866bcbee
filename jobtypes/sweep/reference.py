"""This file is where the answer for a work unit of a sweep is computed and judged in Python."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from typing import Any

from grid.codegen import answers, best, failures
from grid.codegen.keeping import COUNTS
from grid.codegen.types import DOUBLE
from grid.items import Json

from .asked import Asked
from .parameters import total

#: Claims of one report that are computed again; more would keep the server busy.
CLAIMS_MAX = 16


def expected(asked: Asked, points: Sequence[int]) -> Json:
    """The output for these points."""
    counts = dict.fromkeys(COUNTS, 0)
    faults: dict[int, int] = {}
    bins = [0] * (len(asked.edges or ()) + 1)
    known: list[best.Entry] = []
    pending: list[best.Entry] = []
    for row, (point, one) in enumerate(asked.computed(points)):
        value = one.value
        if one.fault is not None:
            faults[row] = one.fault
        if not one.selected:
            continue
        odd = isinstance(value, float) and math.isnan(value)
        counts["selected"] += 1
        counts["nulls"] += value is None
        counts["nans"] += odd
        if asked.edges is not None and value is not None and not odd:
            bins[bisect.bisect_right(asked.edges, as_double(asked, value))] += 1
        elif asked.edges is None:
            pending.append(((point,), value))
            if asked.best is not None and len(pending) > 10 * asked.best.size:
                known, pending = asked.best.of([*known, *pending]), []
    found = {failures.FIELD: failures.counted([faults])} if asked.sites else {}
    if asked.edges is not None:
        return {**found, **counts, "counts": bins}
    entries = [*known, *pending] if asked.best is None else asked.best.of([*known, *pending])
    return {**found, **counts, "found": best.spelled(entries)}


def as_double(asked: Asked, value: Any) -> float:
    """The value, a whole multiple of 10^-scale where it is none, as the nearest double."""
    return float(value / 10**asked.value.type.scale)


def check(asked: Asked, rows: int, output: Mapping[str, Json]) -> None:
    """Raise ValueError unless this could be the answer for so many points."""
    selected, rest = output["selected"], output["nulls"] + output["nans"]
    if (failures.FIELD in output) is not bool(asked.sites):
        raise ValueError(f"/{failures.FIELD}: only where a point can fail")
    if selected > rows or rest > selected or (asked.value.type != DOUBLE and output["nans"]):
        raise ValueError("/selected: more than there are")
    if ("counts" in output) is not (asked.edges is not None):
        raise ValueError("/counts: for a histogram, and only there")
    if asked.edges is not None:
        if (
            len(output["counts"]) != len(asked.edges) + 1
            or sum(output["counts"]) != selected - rest
        ):
            raise ValueError("/counts: one for each bin, of all that have a value")
    elif asked.best is not None:
        _claimed(asked, asked.best.checked(output["found"], asked.value.type, selected - rest))
    else:
        _listed(asked, output, selected)


def _claimed(asked: Asked, entries: Sequence[best.Entry]) -> None:
    """The best of them are computed again."""
    end = total(asked.found)
    if any(places[0] >= end for places, _ in entries):
        raise ValueError("/found: there is no such point")
    claims = {places[0]: value for places, value in entries[:CLAIMS_MAX]}
    for point, one in asked.computed(list(claims)):
        if not one.selected or answers.spelled(one.value) != answers.spelled(claims[point]):
            raise ValueError(f"/found: point {point} has another value")


def _listed(asked: Asked, output: Mapping[str, Json], selected: int) -> None:
    entries = best.read(output["found"], asked.value.type)
    points = [places[0] for places, _ in entries]
    if (
        len(points) != selected
        or points != sorted(set(points))
        or points[-1:] >= [total(asked.found)]
    ):
        raise ValueError("/found: every selected point once, in order")
    values = [value for _, value in entries]
    odd = sum(isinstance(value, float) and math.isnan(value) for value in values)
    if values.count(None) != output["nulls"] or odd != output["nans"]:
        raise ValueError("/found: other values than are counted")
