"""This package is where MEAN stands: the mean of a column or an expression, rounded once."""

from __future__ import annotations

import pluggy

from grid.plan.jobtype import OneAggregate
from grid.plugins.contract import JobType


class Mean(OneAggregate):
    """Sums are exact and counts add up, so one division at the end is all that is ever rounded."""

    function = "MEAN"
    name = "mean"


@pluggy.HookimplMarker("grid")
def grid_job_type() -> JobType:
    """MEAN."""
    return Mean()
