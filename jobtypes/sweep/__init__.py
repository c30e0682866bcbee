"""This package is where sweep stands: a formula over every combination of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pyarrow as pa

from grid.codegen import answers, best, failures
from grid.codegen.keeping import COUNTS
from grid.codegen.types import DOUBLE, INTEGER
from grid.items import Column, Json
from grid.plugins.contract import (
    COST_MAX,
    Chunk,
    JobType,
    Merged,
    OutputError,
    Part,
    Points,
    hookimpl,
)

from .asked import Asked, asked
from .parameters import values
from .program import program
from .reference import check, expected

#: Points of a work unit: minutes of a slow machine, whatever was measured.
POINTS_PER_WORKUNIT_MAX = 2**28
#: Where all values are kept: with decimals of 38 digits an answer has 57 of the 64 kB it may have.
ALL_PER_WORKUNIT_MAX = 1_000


class Sweep(JobType):
    """A point is a combination of the parameters' values."""

    over_dataset = False

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        asked(spec)
        return ()

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points:
        one = asked(spec)
        everything = one.best is None and one.edges is None
        most = ALL_PER_WORKUNIT_MAX if everything else POINTS_PER_WORKUNIT_MAX
        return Points(
            count=one.count,
            point_ns=one.point_ns,
            per_workunit_max=max(1, min(most, COST_MAX // one.point_ns)),
        )

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """The point's number, its parameters and its value; or a bin's ends and count."""
        one = asked(spec)
        if one.edges is not None:
            ends = [answers.column(name, DOUBLE, nullable=True) for name in ("low", "high")]
            return (*ends, answers.column("count", INTEGER))
        value = answers.column("value", one.value.type, nullable=one.best is None)
        axes = [axis.column for axis in one.found]
        return (answers.column("point", INTEGER), *axes, value)

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return program(asked(spec)).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return program(asked(spec)).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        return expected(asked(spec), cast("Sequence[int]", chunks[0]["index"]))

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        """The best that is claimed is computed again."""
        one = asked(spec)
        try:
            failures.check(output, [rows[0]])
            check(one, rows[0], output)
        except ValueError as error:
            raise OutputError(str(error)) from error

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """Points, each times what its formula takes."""
        return max(1, rows[0] * asked(spec).point_ns)

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        one = asked(spec)
        nothing = [0] * (len(one.edges) + 1) if one.edges is not None else []
        return {"kept": nothing, "failed": 0, **dict.fromkeys(COUNTS, 0)}

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        one, output = asked(spec), part.output
        failed = failures.forgiven(
            output, one.sites, 0, spec, lambda _, row: f"point {part.first_chunk + row}"
        )
        added = {name: state[name] + output[name] for name in COUNTS}
        added["failed"] = state["failed"] + failed
        if one.edges is not None:
            kept = [x + y for x, y in zip(state["kept"], output["counts"], strict=True)]
            return Merged(state={**added, "kept": kept})
        entries = best.read(output["found"], one.value.type)
        if one.best is None:
            return Merged(state={**added, "kept": []}, rows=self._rows(spec, one, entries))
        known = best.read(state["kept"], one.value.type)
        return Merged(state={**added, "kept": best.spelled(one.best.of([*known, *entries]))})

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        one = asked(spec)
        if one.edges is not None:
            rows = self._batch(spec, _bins(one.edges, state))
        elif one.best is None:
            rows = None
        else:
            rows = self._rows(spec, one, best.read(state["kept"], one.value.type))
        return Merged(state=state, rows=rows, failed=state["failed"])

    def _rows(self, spec: Json, one: Asked, entries: Sequence[best.Entry]) -> pa.RecordBatch:
        points = [places[0] for places, _ in entries]
        axes = values(one.found, points)
        return self._batch(spec, [points, *axes.values(), [value for _, value in entries]])

    def _batch(self, spec: Json, given: Sequence[Sequence[Any]]) -> pa.RecordBatch:
        wanted = self.output_columns(spec, ())
        return answers.batch(wanted, given)


def _bins(edges: Sequence[float], state: Json) -> list[list[Any]]:
    """What lies below the first edge, from each to the next, from the last on; NULL and NaN."""
    low = [None, *edges, None]
    high = [*edges, None, None]
    return [low, high, [*state["kept"], state["nulls"] + state["nans"]]]


@hookimpl
def grid_job_type() -> JobType:
    """sweep."""
    return Sweep()
