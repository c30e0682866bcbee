"""This file is where tests get volunteers that are not as they should be, as processes.

`python tests/odd_volunteer.py lying|silent|slow URL` prints its host's token first.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing

from grid import canonical
from grid.engines import Computation
from grid.engines.deno import DenoEngine
from grid.volunteer.cache import BlobCache
from grid.volunteer.client import Client
from grid.volunteer.host import Host, Leaving

#: What a slow one waits before each answer.
SLOW_S = 1.5

Compute = Callable[[Computation], bytes]


def lying(_compute: Compute) -> Compute:
    """Says of a filter that no row matches."""

    def lie(job: Computation) -> bytes:
        return canonical.dumps({"chunks": [{"count": 0, "deltas": ""} for _ in job.rows]})

    return lie


def silent(_compute: Compute) -> Compute:
    """Gone in the middle of it, without a word."""

    def vanish(_job: Computation) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    return vanish


def slow(compute: Compute) -> Compute:
    """Right, and late."""

    def dawdle(job: Computation) -> bytes:
        time.sleep(SLOW_S)
        return compute(job)

    return dawdle


WAYS = {"lying": lying, "silent": silent, "slow": slow}


def main(way: str, server: str) -> None:
    leaving = Leaving()
    signal.signal(signal.SIGTERM, lambda *_: leaving.at_once())
    with (
        DenoEngine() as engine,
        closing(Client(server, engine=engine.name, capabilities={}, token=None)) as client,
    ):
        print(client.identity().token, flush=True)
        compute = WAYS[way](engine.compute)
        Host(client, compute, BlobCache(), leaving, lambda _said: None).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
