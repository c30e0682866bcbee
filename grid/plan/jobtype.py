"""This file is where a job type stands on a plan: it says which query its spec means."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from grid.codegen.condition import condition
from grid.items import Column, Json
from grid.plan import final, merging, reference
from grid.plan.aggregates import State
from grid.plan.program import program
from grid.plan.query import GROUPS_DEFAULT, Final, Output, Planner, Query
from grid.plan.spec import measured
from grid.plugins.contract import (
    COST_MAX,
    OUTPUT_BYTES_LIMIT,
    Chunk,
    JobType,
    Merged,
    OutputError,
    Part,
)

#: What a row costs, where a column read by it costs 1: of doubles, which cost the most.
COSTS = {
    State.ROWS: 1,
    State.COUNT: 1,
    State.SUM: 3,
    State.SQUARES: 12,
    State.LEAST: 1,
    State.GREATEST: 1,
}
KEY_COST = 4


class PlannedJobType(JobType):
    """A job type whose answer is a query's; `plan` is all that it must say."""

    output_bytes_max = OUTPUT_BYTES_LIMIT

    @abstractmethod
    def plan(self, spec: Json, columns: Sequence[Column]) -> Query:
        """The query that the spec means; raises SpecError."""

    def key_count(self, spec: Json) -> int | None:
        """How many keys rows are grouped by; None where the spec alone does not say."""
        return 0

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return self.plan(spec, columns).reads

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        return final.columns(self.plan(spec, columns))

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return program(self.plan(spec, columns)).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return program(self.plan(spec, columns)).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        return reference.partial(self.plan(spec, columns), chunks)

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        try:
            most = int(spec.get("max_groups", GROUPS_DEFAULT))
            merging.check(output, rows, self.key_count(spec), most)
        except ValueError as error:
            raise OutputError(str(error)) from error

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """Rows times what each of them is about to cost: its columns, keys and states."""
        query = self.plan(spec, columns)
        states = sum(COSTS[one.state] for one in query.partials)
        each = len(query.reads) + KEY_COST * len(query.keys) + states
        return min(COST_MAX, max(1, sum(rows) * each))

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return merging.start(self.plan(spec, columns))

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        query = self.plan(spec, columns)
        return Merged(state=merging.merge(query, state, part.output, part.first_chunk, spec))

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        query = self.plan(spec, columns)
        found = final.rows(query, state, forgiving=spec.get("on_error") == "null")
        return Merged(state=state, rows=found, failed=state["failed"])


class OneAggregate(PlannedJobType):
    """An aggregate of one column or expression, and how many values it has."""

    #: The aggregate's name in the table, and that of its column in the output.
    function: str
    name: str

    def chosen(self, spec: Json) -> str:
        """The aggregate that the spec asks for."""
        return self.function

    def plan(self, spec: Json, columns: Sequence[Column]) -> Query:
        planner = Planner(columns, condition(spec, columns))
        names = (self.name,) if self.name == "count" else (self.name, "count")
        functions = (self.chosen(spec), "COUNT")
        outputs = tuple(
            Output(name=name, expr=measured(planner, function, spec))
            for name, function in zip(names, functions, strict=False)
        )
        return planner.query(Final(outputs=outputs), 1)
