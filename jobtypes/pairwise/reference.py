"""This file is where the answer for a work unit of pairs is computed and judged in Python."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from grid.codegen import best, failures
from grid.codegen.answers import NAN_BITS
from grid.codegen.best import Best, Entry
from grid.codegen.keeping import COUNTS
from grid.items import Json
from grid.plugins.contract import Chunk

from .asked import SIZES, Asked, asked_for
from .program import LISTED_MAX

NONE: Mapping[str, Json] = {"rows": 0}


def expected(asked: Asked, chunks: Sequence[Chunk]) -> Json:
    """The output for these points and chunks."""
    counts = dict.fromkeys(COUNTS, 0)
    failed: Json = None
    entries: list[Entry] = []
    for one, other, given in asked.pairs(chunks):
        if given.fault is not None:
            failed = failed or {"rows": 0, "chunk": one, "row": other, "site": given.fault}
            failed["rows"] += 1
        if given.selected:
            counts["selected"] += 1
            counts["nulls"] += given.value is None
            counts["nans"] += _is_nan(given.value)
            entries.append(((one, other), given.value))
    found = {failures.FIELD: failed} if asked.sites else {}
    if asked.mode == "pairs":
        entries = entries[:LISTED_MAX]
    elif asked.mode == "best":
        assert asked.best is not None
        entries = asked.best.of(entries)
    elif asked.mode == "each":
        entries = each(asked, [], entries)
    return {**found, **counts, "found": best.spelled(entries)}


def each(asked: Asked, known: Sequence[Entry], entries: Sequence[Entry]) -> list[Entry]:
    """The best match of each row, from those known and from pairs."""
    assert asked.best is not None
    turned = [] if asked.crossed else [((two, one), value) for (one, two), value in entries]
    by_row: dict[int, list[Entry]] = {}
    for (row, other), value in [*known, *entries, *turned]:
        by_row.setdefault(row, []).append(((row, other), value))
    only = Best(1, asked.best.most)
    return [entry for row in sorted(by_row) for entry in only.of(by_row[row])]


def check(spec: Mapping[str, Json], points: int, output: Mapping[str, Json]) -> None:
    """Raise ValueError unless this could be the answer for so many points of some data set.

    What type the values have only the data set's columns say: whoever merges reads them.
    """
    mode = asked_for(spec)
    tile = SIZES[mode][0]
    pairs = points * tile**2
    selected, rest = output["selected"], output["nulls"] + output["nans"]
    if selected > pairs or rest > selected or (output.get(failures.FIELD) or NONE)["rows"] > pairs:
        raise ValueError("/selected: more than there are")
    found = output["found"]
    pointed = [(one, other) for one, other, _ in found]
    if any(one == other for one, other in pointed) or len(set(pointed)) < len(pointed):
        raise ValueError("/found: each pair once, of two rows")
    values = [value for _, _, value in found]
    if mode in ("best", "each") and (None in values or NAN_BITS in values):
        raise ValueError("/found: NULL and NaN are never the best")
    if mode == "each":
        rows = [row for row, _ in pointed]
        if rows != sorted(set(rows)) or len(rows) > min(2 * points * tile, 2 * (selected - rest)):
            raise ValueError("/found: each row once, in order")
        return
    if "split" not in spec and any(one > other for one, other in pointed):
        raise ValueError("/found: the first row of a pair comes first")
    most = int(spec.get("top", 1)) if mode == "best" else LISTED_MAX
    if len(found) != min(selected - (rest if mode == "best" else 0), most):
        raise ValueError("/found: as many as are selected, up to the most")
    nulls, nans = values.count(None), values.count(NAN_BITS)
    if nulls > output["nulls"] or nans > output["nans"]:
        raise ValueError("/found: more without a value than are counted")


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
