"""This package is where sql stands: one SELECT over a data set, which is called data."""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from grid.codegen import projection
from grid.items import Column, Json
from grid.plan.jobtype import PlannedJobType
from grid.plan.listing import Listing
from grid.plan.query import GROUPS_DEFAULT, Query
from grid.plan.select import ITEMS_MAX, has_groups, listing, select
from grid.plugins.contract import COST_MAX, Chunk, JobType, Merged, OutputError, Part

FIELD = "query"
POINTER = f"/{FIELD}"


class Sql(PlannedJobType):
    """A query with groups is a plan of them; without, it lists rows."""

    def plan(self, spec: Json, columns: Sequence[Column]) -> Query:
        groups_max = int(spec.get("max_groups", GROUPS_DEFAULT))
        return select(spec[FIELD], columns, POINTER, groups_max)

    def key_count(self, spec: Json) -> int | None:
        return None

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        if _groups(spec):
            return super().reads(spec, columns)
        return _listing(spec, columns).projection.reads(columns)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        if _groups(spec):
            return super().output_columns(spec, columns)
        return _listing(spec, columns).output_columns

    def output_bytes(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        if _groups(spec):
            return super().output_bytes(spec, columns, rows)
        return _listing(spec, columns).projection.bytes(rows)

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        if _groups(spec):
            return super().program(spec, columns)
        return _listing(spec, columns).program()

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        if _groups(spec):
            return super().params(spec, columns)
        return _listing(spec, columns).params()

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        if _groups(spec):
            return super().reference(spec, columns, chunks)
        return _listing(spec, columns).projection.reference(columns, chunks)

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        if _groups(spec) is not ("states" in output):
            raise OutputError("/states: groups are for queries with groups, and only for them")
        if _groups(spec):
            super().check_output(spec, rows, output)
            return
        computed = {len(one["columns"]) for one in output["chunks"]}
        if len(computed) > 1 or max(computed, default=0) > 2 * ITEMS_MAX:
            raise OutputError("more columns than a query has, or not the same for all chunks")
        some = any("rows" in one for one in output["chunks"])
        try:
            projection.check(output, rows, expressions=max(computed, default=0), where=some)
        except ValueError as error:
            raise OutputError(str(error)) from error

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        if _groups(spec):
            return super().cost(spec, columns, rows)
        asked = _listing(spec, columns).projection
        each = len(asked.reads(columns)) + 2 * len(asked.expressions)
        return min(COST_MAX, max(1, sum(rows) * each))

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        if _groups(spec):
            return super().merge_start(spec, columns)
        return _listing(spec, columns).start()

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        if _groups(spec):
            return super().merge(spec, columns, state, part)
        return _listing(spec, columns).merge(state, part, spec)

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        if _groups(spec):
            return super().merge_end(spec, columns, state)
        return _listing(spec, columns).end(state)


def _groups(spec: Json) -> bool:
    return has_groups(spec[FIELD], POINTER)


def _listing(spec: Json, columns: Sequence[Column]) -> Listing:
    return listing(spec[FIELD], columns, POINTER)


@pluggy.HookimplMarker("grid")
def grid_job_type() -> JobType:
    """sql."""
    return Sql()
