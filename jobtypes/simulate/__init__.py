"""This package is where simulate stands: many random paths of a state, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

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
    hookimpl,
)

from .asked import asked
from .program import ADDED, program
from .reference import check, expected, merged, rows

#: Paths of a work unit: sums of so many doubles have the digits that the output's schema allows.
PATHS_PER_WORKUNIT_MAX = 2**26
#: Where all values are sent, an answer has 59 of the 64 kB that it may have.
VALUES_PER_WORKUNIT_MAX = 3_000


class Simulate(JobType):
    """A point is a path; a work unit's answer is the exact sums of what its paths come to."""

    over_dataset = False

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        asked(spec)
        return ()

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points:
        one = asked(spec)
        most = VALUES_PER_WORKUNIT_MAX if one.quantiles else PATHS_PER_WORKUNIT_MAX
        return Points(
            count=one.paths,
            point_ns=one.path_ns,
            per_workunit_max=max(1, min(most, COST_MAX // one.path_ns)),
        )

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """What is told, of which threshold or share of the paths, and the number."""
        numbers = [answers.column(name, DOUBLE, nullable=True) for name in ("at", "value")]
        return (answers.column("statistic", TEXT), *numbers)

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return program(asked(spec)).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return program(asked(spec)).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        return expected(asked(spec), cast("Sequence[int]", chunks[0]["index"]))

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        try:
            check(asked(spec), rows[0], output)
        except ValueError as error:
            raise OutputError(str(error)) from error

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """Paths, each with all its steps."""
        return max(1, rows[0] * asked(spec).path_ns)

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        nothing = dict.fromkeys(ADDED, 0)
        return {**nothing, "failed": 0, "sum": "0", "squares": "0", "counts": [], "values": []}

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        first = part.first_chunk
        places = asked(spec).sites
        failed = failures.forgiven(
            part.output, places, 0, spec, lambda _, row: f"path {first + row}"
        )
        found = {**merged(state, part.output), "failed": state["failed"] + failed}
        return Merged(state=found)

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        told = list(zip(*rows(asked(spec), state), strict=True))
        batch = answers.batch(self.output_columns(spec, columns), told)
        return Merged(state=state, rows=batch, failed=state["failed"])


@hookimpl
def grid_job_type() -> JobType:
    """simulate."""
    return Simulate()
