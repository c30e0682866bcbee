"""This package is where SUM stands: the exact sum of a column or an expression."""

from __future__ import annotations

import pluggy

from grid.plan.jobtype import OneAggregate
from grid.plugins.contract import JobType


class Sum(OneAggregate):
    """Partial sums are exact, so merging is addition."""

    function = "SUM"
    name = "sum"


@pluggy.HookimplMarker("grid")
def grid_job_type() -> JobType:
    """SUM."""
    return Sum()
