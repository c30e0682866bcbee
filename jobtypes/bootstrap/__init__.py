"""This package is where bootstrap stands: how sure a statistic is, by resampling its data."""

from __future__ import annotations

from collections.abc import Sequence

from grid.codegen import answers, failures
from grid.codegen.types import DOUBLE, TEXT
from grid.items import Column, Json
from grid.plugins.contract import (
    COST_MAX,
    Chunk,
    JobType,
    Merged,
    OutputError,
    Part,
    Points,
    SpecError,
    hookimpl,
)

from .asked import ROWS_MAX, STATISTIC_NS, VALUE_NS, asked
from .program import program
from .reference import check, expected, told

#: An answer of so many values has 57 of the 64 kB that it may have.
REPLICATES_PER_WORKUNIT_MAX = 3_000


class Bootstrap(JobType):
    """A point is a replicate; a work unit's answer is the statistic of each of its replicates."""

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return asked(spec, columns).reads

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points:
        """The first is the data itself. Every host needs all chunks."""
        one, size = asked(spec, columns), sum(rows)
        if size > ROWS_MAX:
            raise SpecError("/of", f"of {ROWS_MAX:,} rows at most: every host holds all of them")
        point_ns = one.replicate_ns(size)
        most = min(REPLICATES_PER_WORKUNIT_MAX, COST_MAX // point_ns)
        return Points(count=one.replicates + 1, point_ns=point_ns, per_workunit_max=max(1, most))

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """What is told, and the number."""
        return (answers.column("name", TEXT), answers.column("value", DOUBLE, nullable=True))

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return program(asked(spec, columns)).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return program(asked(spec, columns)).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        return expected(asked(spec, columns), chunks)

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        try:
            check(rows, output)
        except ValueError as error:
            raise OutputError(str(error)) from error

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """Values drawn, and a statistic of each replicate."""
        return max(1, rows[0] * (sum(rows[1:]) * VALUE_NS + STATISTIC_NS))

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"used": 0, "missing": 0, "failed": 0, "values": []}

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        output = part.output
        failed = failures.forgiven(output, asked(spec, columns).sites, 0, spec)
        values = [*state["values"], *output["values"]]
        counts = {"used": output["used"], "missing": output["missing"], "failed": failed}
        return Merged(state={**counts, "values": values})

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        rows = list(zip(*told(asked(spec, columns), state), strict=True))
        batch = answers.batch(self.output_columns(spec, columns), rows)
        return Merged(state=state, rows=batch, failed=state["failed"])


@hookimpl
def grid_job_type() -> JobType:
    """bootstrap."""
    return Bootstrap()
