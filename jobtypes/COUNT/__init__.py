"""This package is where COUNT stands: how many values a column has, or how many rows there are."""

from __future__ import annotations

import pluggy

from grid.plan.jobtype import OneAggregate
from grid.plugins.contract import JobType


class Count(OneAggregate):
    """Counts add up."""

    function = "COUNT"
    name = "count"


@pluggy.HookimplMarker("grid")
def grid_job_type() -> JobType:
    """COUNT."""
    return Count()
