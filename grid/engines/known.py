"""This file is where the engines in child processes have their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from grid.engines.asking import ChildEngine
from grid.engines.child import Limits
from grid.engines.deno import DenoEngine
from grid.engines.quickjs import QuickJsEngine

#: What an operator or a volunteer calls them; the first is used where nobody chooses.
KNOWN: Mapping[str, Callable[[Limits], ChildEngine]] = {
    "deno": DenoEngine,
    "quickjs": QuickJsEngine,
}


#: The least that a child may have, in bytes: less, and it does not start.
LEAST_BYTES: Mapping[str, int] = {"deno": 1 << 30, "quickjs": 128 << 20}


def make(name: str, limits: Limits = Limits()) -> ChildEngine:  # noqa: B008 (frozen)
    """The engine of this name; raises ValueError for another one, OSError elsewhere than on Linux.

    Its child starts with the first computation.
    """
    if name not in KNOWN:
        raise ValueError(f"{name}: no such engine; there are {', '.join(KNOWN)}")
    return KNOWN[name](limits)
