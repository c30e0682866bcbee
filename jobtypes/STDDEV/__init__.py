"""This package is where STDDEV stands: the standard deviation of a column, rounded once."""

from __future__ import annotations

import pluggy

from grid.items import Json
from grid.plan.jobtype import OneAggregate
from grid.plugins.contract import JobType


class Stddev(OneAggregate):
    """Sums of values and of their squares are exact, so only the root at the end is rounded."""

    name = "stddev"

    def chosen(self, spec: Json) -> str:
        return "STDDEV_POP" if spec.get("population") else "STDDEV_SAMP"


@pluggy.HookimplMarker("grid")
def grid_job_type() -> JobType:
    """STDDEV."""
    return Stddev()
