"""This file is where programs run in QuickJS: a small engine that shares no code with V8.

It is some ten to thirty times slower and takes a tenth of the memory: for small machines, and as a
second opinion.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

from grid.engines.asking import ChildEngine
from grid.engines.child import Limits

RUNTIME = Path(__file__).parent / "assets" / "runtime-quickjs.js"
#: Where the package `grid` is imported from.
PACKAGES = Path(__file__).parents[2]
#: The distribution; the older one called `quickjs` has the same module and must not be there.
DISTRIBUTION = "quickjs-ng"


class QuickJsEngine(ChildEngine):
    """QuickJS-ng, as its name and version, which below 1.0 is two numbers: "quickjs/0.17"."""

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008 (frozen)
        number = distribution(DISTRIBUTION).version
        name = f"quickjs/{'.'.join(number.split('.')[:2])}"
        super().__init__(name, lambda _: quickjs_child(limits.data_bytes_max // 2), limits)


def quickjs_child(realm_bytes_max: int) -> tuple[Sequence[str], Mapping[str, str]]:
    """A Python process whose only work is one QuickJS realm of at most so many bytes."""
    if not RUNTIME.is_file():
        raise RuntimeError(f"{RUNTIME} is missing: install the project, which builds it")
    module = find_spec("_quickjs")
    if module is None or module.origin is None:
        raise RuntimeError(f"{DISTRIBUTION} is not installed")
    paths = (str(PACKAGES), str(Path(module.origin).parent))
    command = [sys.executable, "-m", "grid.engines.quickjs_child", str(RUNTIME)]
    command.append(str(realm_bytes_max))
    return command, {"PYTHONPATH": ":".join(paths)}
