"""This package is where groupBy stands: aggregates of the groups that rows fall into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pluggy

from grid.codegen.condition import condition
from grid.items import Column, Json
from grid.plan.jobtype import PlannedJobType
from grid.plan.query import GROUPS_DEFAULT, Final, Output, Planner, Query
from grid.plan.spec import keys, measured, unique
from grid.plugins.contract import JobType


class GroupBy(PlannedJobType):
    """Partial aggregates of each group; groups of all parts with equal keys become one."""

    def key_count(self, spec: Json) -> int:
        return len(spec["by"])

    def plan(self, spec: Json, columns: Sequence[Column]) -> Query:
        planner = Planner(columns, condition(spec, columns))
        by, order = keys(planner, spec["by"])
        aggregates = [
            Output(name=_name(one), expr=measured(planner, one["function"], one, pointer))
            for pointer, one in _pointed(spec)
        ]
        places = [f"/by/{number}" for number in range(len(by))]
        places += [pointer for pointer, _ in _pointed(spec)]
        outputs = unique([*by, *aggregates], places)
        groups_max = int(spec.get("max_groups", GROUPS_DEFAULT))
        return planner.query(Final(outputs=outputs, order=order), groups_max)


def _pointed(spec: Mapping[str, Json]) -> list[tuple[str, Json]]:
    return [(f"/aggregates/{number}", one) for number, one in enumerate(spec["aggregates"])]


def _name(one: Mapping[str, Json]) -> str:
    """`as`, or such as `sum(distance)`."""
    operand = one.get("column", one.get("expression", "*"))
    return str(one.get("as") or f"{one['function'].lower()}({operand})")


@pluggy.HookimplMarker("grid")
def grid_job_type() -> JobType:
    """groupBy."""
    return GroupBy()
