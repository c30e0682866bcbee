"""This file is where a machine says what it can do: threads, memory, system, and a score."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from grid.engines import Computation, EngineError
from grid.engines.asking import SYSTEMS
from grid.items import Json

#: Rounds of the loop: some ten milliseconds of a usual core, warm.
ROUNDS = 4_000_000
TIME_LIMIT_S = 5.0
#: The same loop as the page's, so that scores can be compared.
LOOP = """(function (inputs, params) {
  "use strict";
  let x = 1;
  for (let i = 0; i < params; i += 1) x = (x * 16807) % 2147483647;
  return x;
})"""


def refusal(server: str) -> str | None:
    """Why this machine cannot take part, and how it can all the same; None where it can."""
    if sys.platform.startswith("linux"):
        return None
    system = SYSTEMS.get(sys.platform, sys.platform)
    line = f"pip install grid-compute && exec grid volunteer --server {server}"
    return (
        f"grid volunteer needs Linux's process limits, and this is {system}. "
        f"Open {server.rstrip('/')}/volunteer in a browser, or run it in a container:\n"
        f"  docker run --rm -it --stop-timeout 10 python:3.13-slim sh -c '{line}'"
    )


def capabilities(
    cores: int, data_bytes_max: int, compute: Callable[[Computation], bytes]
) -> dict[str, Json]:
    """What the server is told at enrolment; its memory is what one program may have of it."""
    memory_mb = min(_memory_mb(), data_bytes_max >> 20)
    found: dict[str, Json] = {"cores": cores, "memory_mb": memory_mb}
    if sys.platform == "linux":
        found["os"] = "linux"
    score = _score(compute)
    return found if score is None else {**found, "score": score}


def _memory_mb() -> int:
    return max(1, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1 << 20))


def _score(compute: Callable[[Computation], bytes]) -> int | None:
    """Rounds in a millisecond; None when the engine cannot say."""
    loop = Computation(
        program=LOOP, columns=(), chunks=(), rows=(), params=ROUNDS, time_limit_s=TIME_LIMIT_S
    )
    try:
        compute(loop)  # warms the engine up
        started = time.monotonic()
        compute(loop)
    except EngineError:
        return None
    return round(ROUNDS / max((time.monotonic() - started) * 1000, 1))
