"""This package is where MAX stands: the greatest value of a column or an expression of any type."""

from __future__ import annotations

import pluggy

from grid.plan.jobtype import OneAggregate
from grid.plugins.contract import JobType


class Max(OneAggregate):
    """The greatest of the greatest values is the greatest value."""

    function = "MAX"
    name = "max"
    one_decides = True


@pluggy.HookimplMarker("grid")
def grid_job_type() -> JobType:
    """MAX."""
    return Max()
