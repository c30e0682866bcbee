"""This file is where programs run in Deno: V8 at full speed, without any permission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import deno

from grid.engines.asking import ChildEngine
from grid.engines.child import Limits

RUNTIME = Path(__file__).parent / "assets" / "runtime-deno.js"

FLAGS = (
    "run",
    "--quiet",
    "--no-remote",
    "--no-npm",
    "--no-config",
    "--no-lock",
    "--no-prompt",
    "--no-code-cache",
    "--cached-only",
)


class DenoEngine(ChildEngine):
    """Deno, as its name and major version: "deno/2"."""

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008 (frozen)
        super().__init__(f"deno/{version('deno').split('.')[0]}", deno_child, limits)


def deno_child(folder: str) -> tuple[Sequence[str], Mapping[str, str]]:
    """A Deno process without any permission."""
    if not RUNTIME.is_file():
        raise RuntimeError(f"{RUNTIME} is missing: install the project, which builds it")
    environment = {"DENO_DIR": folder, "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
    return [deno.find_deno_bin(), *FLAGS, str(RUNTIME)], environment
