"""This file is where server processes on one PostgreSQL tell each other which jobs have moved.

By LISTEN and NOTIFY, each on a connection and thread of its own: a notice inside the transaction
would let all commits wait for one lock. A notice that is lost costs seconds, not work: daemons look
for themselves, and a page asks again.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

import psycopg
import structlog

log = structlog.get_logger("grid.db")

CHANNEL = "grid_moved"
#: Notices go together: a page shows no more than four changes a second.
GATHER_S = 0.05
#: How often it is looked whether to stop, and how long after a failure the next try comes.
LOOK_S = 0.5
#: PostgreSQL carries 8,000 bytes.
JOBS_MAX = 350

Hear = Callable[[set[int]], None]


class Telling:
    """Tells others what this process has moved, and hears of what they have."""

    def __init__(self, url: str, hear: Hear) -> None:
        self._url, self._hear = url, hear
        self._name = secrets.token_hex(6)
        self._wake = threading.Condition()
        self._moved: set[int] = set()
        self._stopping = False
        self._threads = [
            threading.Thread(target=each, args=[one], name=name, daemon=True)
            for name, each, one in (
                ("grid-tell", self._keep_on, self._tell),
                ("grid-hear", self._keep_on, self._listen),
            )
        ]
        for thread in self._threads:
            thread.start()

    def tell(self, jobs: set[int]) -> None:
        """These jobs have moved; returns at once."""
        with self._wake:
            self._moved |= jobs
            self._wake.notify()

    def close(self) -> None:
        """Stop; what was not told yet is lost, as it may always be."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        for thread in self._threads:
            thread.join()

    def _keep_on(self, each: Callable[[psycopg.Connection], None]) -> None:
        quiet = False
        while not self._stopping:
            try:
                with psycopg.connect(self._url, autocommit=True) as connection:
                    quiet = False
                    each(connection)
            except psycopg.Error as error:
                if not quiet:
                    log.warning("other processes are not heard", because=type(error).__name__)
                quiet = True
                with self._wake:
                    self._wake.wait_for(lambda: self._stopping, LOOK_S)

    def _tell(self, connection: psycopg.Connection) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: bool(self._moved) or self._stopping)
                if self._stopping:
                    return
                self._wake.wait_for(lambda: self._stopping, GATHER_S)
                jobs, self._moved = sorted(self._moved), set()
            for start in range(0, len(jobs), JOBS_MAX):
                said = " ".join([self._name, *map(str, jobs[start : start + JOBS_MAX])])
                connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, said))

    def _listen(self, connection: psycopg.Connection) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        while not self._stopping:
            for notice in connection.notifies(timeout=LOOK_S):
                whose, *jobs = notice.payload.split()
                if whose != self._name:
                    self._hear({int(one) for one in jobs if one.isdigit()})
                if self._stopping:
                    return
