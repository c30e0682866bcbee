"""This package is where pairwise stands: a formula over every two rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from grid.codegen import answers, best, failures
from grid.codegen.keeping import COUNTS
from grid.codegen.types import INTEGER
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

from . import tiles
from .asked import asked, points
from .program import LISTED_MAX, program
from .reference import check, each, expected


class Pairwise(JobType):
    """A point is two tiles of rows; a work unit's answer is what is kept of their pairs."""

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return asked(spec, columns).reads

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points:
        return points(asked(spec, columns), rows, COST_MAX)

    def chunks_needed(
        self, spec: Json, columns: Sequence[Column], rows: Sequence[int], first: int, count: int
    ) -> Sequence[int]:
        """Those that hold the tiles' rows."""
        one = asked(spec, columns)
        return tiles.chunks(rows, one.tile, range(first, first + count), one.crossed)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """The numbers of both rows, from 0, and the value."""
        one = asked(spec, columns)
        names = ("row", "match") if one.mode == "each" else ("a", "b")
        value = answers.column("value", one.value.type, nullable=one.best is None)
        return (*(answers.column(name, INTEGER) for name in names), value)

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return program(asked(spec, columns)).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return program(asked(spec, columns)).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        return expected(asked(spec, columns), chunks)

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        try:
            check(spec, rows[0], output)
        except ValueError as error:
            raise OutputError(str(error)) from error

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """Pairs, as many as the points can have, each times what its formula takes."""
        return max(1, rows[0] * asked(spec, columns).point_ns)

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"found": [], "failed": 0, **dict.fromkeys(COUNTS, 0)}

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        one, output = asked(spec, columns), part.output
        failed = failures.forgiven(output, one.sites, 0, spec, lambda a, b: f"rows {a} and {b}")
        if one.mode == "pairs" and output["selected"] > LISTED_MAX:
            last = part.first_chunk + part.rows[0] - 1
            raise failures.RowsFailed(
                f"points {part.first_chunk} to {last}: {output['selected']:,} pairs, and "
                f"{LISTED_MAX:,} can be listed; narrow the condition, or ask for the best"
            )
        counts = {name: state[name] + output[name] for name in COUNTS}
        counts["failed"] = state["failed"] + failed
        entries = best.read(output["found"], one.value.type)
        if one.best is None:
            rows = self._batch(spec, columns, entries)
            return Merged(state={**counts, "found": []}, rows=rows)
        known = best.read(state["found"], one.value.type)
        kept = [*known, *entries]
        entries = each(one, kept, []) if one.mode == "each" else one.best.of(kept)
        return Merged(state={**counts, "found": best.spelled(entries)})

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        one = asked(spec, columns)
        if one.best is None:
            return Merged(state=state, failed=state["failed"])
        entries = best.read(state["found"], one.value.type)
        batch = self._batch(spec, columns, entries)
        return Merged(state=state, rows=batch, failed=state["failed"])

    def _batch(
        self, spec: Json, columns: Sequence[Column], entries: Sequence[best.Entry]
    ) -> pa.RecordBatch:
        rows = [(*places, value) for places, value in entries]
        given = list(zip(*rows, strict=True)) if rows else [(), (), ()]
        return answers.batch(self.output_columns(spec, columns), given)


@hookimpl
def grid_job_type() -> JobType:
    """pairwise."""
    return Pairwise()
