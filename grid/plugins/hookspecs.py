"""This file is where the hooks stand that a plugin may implement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pluggy

from grid.plugins.contract import JobType

hookspec = pluggy.HookspecMarker("grid")


@hookspec(firstresult=True)
def grid_job_type() -> JobType:  # type: ignore[empty-body]
    """Return the job type that this package provides."""


@hookspec
def grid_selectors() -> Mapping[str, Callable[..., Sequence[Any]]]:  # type: ignore[empty-body]
    """Return selectors by name: ways to order waiting results for a host (`dispatch.selectors`)."""
