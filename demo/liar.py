"""This file is where the demonstration's lying volunteer takes part: it computes each job once.

`python -m demo.liar --server URL` hands in the first answer that it found for all further work
units of the job. Each is an honest answer to another question: no check of its shape refuses it.
"""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import closing

from grid.engines import Computation
from grid.engines.deno import DenoEngine
from grid.volunteer.cache import BlobCache
from grid.volunteer.client import Client
from grid.volunteer.events import Said
from grid.volunteer.host import Host, Leaving


class Lazy:
    """An engine's face: program and shape of the input → the first answer found."""

    def __init__(self, engine: DenoEngine) -> None:
        self._engine = engine
        self._first: dict[tuple[str, tuple[int, ...]], bytes] = {}

    def compute(self, job: Computation) -> bytes:
        """The answer to another work unit, wherever there is one."""
        key = job.program + str(job.params), job.rows
        if key not in self._first:
            self._first[key] = self._engine.compute(job)
        return self._first[key]


def main() -> int:
    parser = argparse.ArgumentParser(description="A volunteer that lies.")
    parser.add_argument("--server", required=True)
    server = parser.parse_args().server
    leaving = Leaving()
    signal.signal(signal.SIGTERM, lambda *_: leaving.at_once())
    with (
        DenoEngine() as engine,
        closing(Client(server, engine=engine.name, capabilities={}, token=None)) as client,
    ):
        Host(client, Lazy(engine).compute, BlobCache(), leaving, _say).run()
    return 0


def _say(said: Said) -> None:
    if said.text:
        print(said.text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
