"""This file is where the engines in child processes have their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from grid.engines.asking import ChildEngine
from grid.engines.deno import DenoEngine
from grid.engines.quickjs import QuickJsEngine

#: What an operator or a volunteer calls them; the first is used where nobody chooses.
KNOWN: Mapping[str, Callable[[], ChildEngine]] = {"deno": DenoEngine, "quickjs": QuickJsEngine}


def make(name: str) -> ChildEngine:
    """The engine of this name; raises ValueError for another one, OSError elsewhere than on Linux.

    Its child starts with the first computation.
    """
    if name not in KNOWN:
        raise ValueError(f"{name}: no such engine; there are {', '.join(KNOWN)}")
    return KNOWN[name]()
