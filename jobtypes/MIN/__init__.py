"""This package is where MIN stands: the least value of a column or an expression of any type."""

from __future__ import annotations

import pluggy

from grid.plan.jobtype import OneAggregate
from grid.plugins.contract import JobType


class Min(OneAggregate):
    """The least of the least values is the least value."""

    function = "MIN"
    name = "min"
    one_decides = True


@pluggy.HookimplMarker("grid")
def grid_job_type() -> JobType:
    """MIN."""
    return Min()
