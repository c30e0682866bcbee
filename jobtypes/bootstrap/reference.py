"""This file is where replicates are computed in Python, and what they come to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from grid.codegen import answers, failures, totals
from grid.codegen.reference import streams
from grid.codegen.types import DOUBLE
from grid.items import Json
from grid.plugins.contract import Chunk

from .asked import TEST, Asked

Pairs = Sequence[tuple[float, float]]


def expected(asked: Asked, chunks: Sequence[Chunk]) -> Json:
    """The output for these replicates."""
    points, *tables = chunks
    pairs: list[tuple[float, float]] = []
    missing, faults = 0, []
    for table in tables:
        found, without, failed = asked.values(table)
        pairs += found
        missing += without
        faults.append(failed)
    if asked.statistic in ("median", "quantile"):
        pairs.sort()
    values = [_replicate(asked, pairs, cast("int", number)) for number in points["index"]]
    told = {failures.FIELD: failures.counted(faults)} if asked.sites else {}
    values = [answers.spelled(value) for value in values]
    return {**told, "used": len(pairs), "missing": missing, "values": values}


def _replicate(asked: Asked, pairs: Pairs, number: int) -> float | None:
    if not pairs:
        return None
    key, size = streams.stream(asked.seed, number), len(pairs)
    if asked.statistic == TEST:
        group = [row for row, (_, member) in enumerate(pairs) if member == 1]
        if number:
            group = streams.shuffle(key, size, len(group))
        return _difference([x for x, _ in pairs], group)
    drawn = streams.resample(key, size, size) if number else range(size)
    return statistic(asked, [pairs[at] for at in drawn])


def _difference(values: Sequence[float], group: Sequence[int]) -> float | None:
    inside, outside = len(group), len(values) - len(group)
    if not inside or not outside:
        return None
    total = totals.units(values[row] for row in group)
    rest = totals.units(values) - total
    gap = total * outside - rest * inside
    return totals.quotient(gap, inside * outside << totals.UNIT_BITS)


def statistic(asked: Asked, pairs: Pairs) -> float | None:
    """The statistic of these values; None where there is none."""
    count = len(pairs)
    xs, ys = ([pair[side] for pair in pairs] for side in (0, 1))
    ascending = sorted(xs)
    if asked.statistic == "median":
        return ascending[(count - 1) // 2] / 2 + ascending[count // 2] / 2
    if asked.share is not None:
        return totals.quantile(ascending, asked.share)
    total = totals.units(xs)
    if asked.statistic == "sum":
        return totals.quotient(total, 1 << totals.UNIT_BITS)
    if asked.statistic == "mean":
        return totals.mean(total, count)
    spread = count * totals.squares(xs) - total**2
    if asked.statistic == "stddev":
        bottom = count * (count - 1) << 2 * totals.UNIT_BITS
        return math.sqrt(totals.quotient(spread, bottom)) if count > 1 else None
    over = totals.units(ys)
    if asked.statistic == "ratio":
        return totals.quotient(total, over) + 0.0 if over else None
    area = spread * (count * totals.squares(ys) - over**2)
    both = count * totals.products(xs, ys) - total * over
    size = math.sqrt(totals.quotient(both**2, area)) if area else 0.0
    return None if not area else -size if both < 0 else size


def check(rows: Sequence[int], output: Mapping[str, Json]) -> None:
    """Raise ValueError unless this could be the answer for so many replicates and rows."""
    points, *tables = rows
    failures.check(output, tables)
    if output["used"] + output["missing"] > sum(tables):
        raise ValueError("/used: more rows than there are")
    if len(output["values"]) != points:
        raise ValueError("/values: one for each replicate")
    for value in output["values"]:
        answers.read(value, DOUBLE)


def told(asked: Asked, state: Mapping[str, Json]) -> list[tuple[str, float | None]]:
    """The output's rows: what it is, and the number."""
    observed, *others = (answers.read(value, DOUBLE) for value in state["values"])
    known = totals.in_order(value for value in others if value is not None)
    found: list[tuple[str, float | None]] = [
        ("rows", float(state["used"])),
        ("rows without a value", float(state["missing"])),
        ("replicates", float(len(known))),
        ("observed", observed),
    ]
    if asked.statistic == TEST:
        return found + _tested(observed, known)
    return found + _intervals(asked, observed, known)


def _tested(observed: float | None, known: Sequence[float]) -> list[tuple[str, float | None]]:
    """Shares of all arrangements, the one that was observed among them, that are as extreme."""
    names = ("p two-sided", "p greater", "p less")
    if observed is None:
        return [(name, None) for name in names]
    counts = (
        sum(abs(value) >= abs(observed) for value in known),
        sum(value >= observed for value in known),
        sum(value <= observed for value in known),
    )
    return [
        (name, (count + 1) / (len(known) + 1)) for name, count in zip(names, counts, strict=True)
    ]


def _intervals(
    asked: Asked, observed: float | None, known: Sequence[float]
) -> list[tuple[str, float | None]]:
    tail = (1 - asked.confidence) / 2
    low, high = (totals.quantile(known, share) for share in (tail, 1 - tail))
    finite = [value for value in known if math.isfinite(value)]
    error: Any = None
    if len(finite) == len(known):
        error = totals.deviation(totals.units(finite), totals.squares(finite), len(finite))
    basic = [None if observed is None or end is None else 2 * observed - end for end in (high, low)]
    return [
        ("standard error", error),
        ("percentile low", low),
        ("percentile high", high),
        ("basic low", basic[0]),
        ("basic high", basic[1]),
    ]
