"""This file is where the hooks stand that a plugin may implement."""

from __future__ import annotations

import pluggy

from grid.plugins.contract import JobType

hookspec = pluggy.HookspecMarker("grid")


@hookspec(firstresult=True)
def grid_job_type() -> JobType:  # type: ignore[empty-body]
    """Return the job type that this package provides."""
