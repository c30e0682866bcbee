"""This file is where a browser computes like every engine."""

from __future__ import annotations

import json
import queue
import struct
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen
from types import TracebackType

import msgspec

from grid import canonical
from grid.engines import Computation, EngineLost, ProgramFailed, TimeLimit
from web.browsers.asking import Desk, served
from web.browsers.starting import BROWSERS, opened

#: A cold browser on a busy machine opens a page within this.
START_LIMIT_S = 90.0
#: Beyond a computation's own limit, which the page keeps: what a slow machine needs to say so.
SPARE_S = 30.0
#: How often it is looked whether the browser is still there.
LOOK_S = 0.5
STOPPED = "stopped at the time limit"


class BrowserEngine:
    """One page of one browser; raises OSError where it is not installed.

    The browser starts with the first computation, and is started anew after it was lost.
    """

    def __init__(self, name: str) -> None:
        """`name` is one of `BROWSERS`."""
        if name not in BROWSERS:
            raise ValueError(f"{name}: no such browser; there are {', '.join(BROWSERS)}")
        self.name = name
        self._lock = threading.Lock()
        self._opened = ExitStack()
        self._desk: Desk | None = None
        self._process: Popen[bytes] | None = None

    def __enter__(self) -> BrowserEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def compute(self, job: Computation) -> bytes:
        """The output as canonical JSON bytes; raises ProgramFailed, TimeLimit or EngineLost."""
        with self._lock:
            try:
                desk = self._desk or self._open()
                desk.questions.put(_question(job))
                said = self._wait(desk, job.time_limit_s + SPARE_S)
            except BaseException:
                self._close()
                raise
        kind, rest = said[:1], said[1:]
        if kind == b"=":
            return rest
        message = rest.decode("utf-8", "replace")
        if kind == b"?":
            raise EngineLost(message)
        raise (TimeLimit if message.startswith(STOPPED) else ProgramFailed)(message)

    def close(self) -> None:
        """Ends the browser, between computations."""
        with self._lock:
            self._close()

    def _open(self) -> Desk:
        desk = Desk()
        folder = Path(
            self._opened.enter_context(
                tempfile.TemporaryDirectory(prefix="grid-browser-", ignore_cleanup_errors=True)
            )
        )
        url = self._opened.enter_context(served(desk))
        self._process = self._opened.enter_context(opened(self.name, folder, url))
        if not desk.there.wait(START_LIMIT_S):
            raise EngineLost(f"{self.name} did not open the page")
        self._desk = desk
        return desk

    def _close(self) -> None:
        self._desk = None
        self._opened.close()

    def _wait(self, desk: Desk, limit_s: float) -> bytes:
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            try:
                return desk.answers.get(timeout=LOOK_S)
            except queue.Empty:
                if self._process is not None and self._process.poll() is not None:
                    raise EngineLost(f"{self.name} ended by itself") from None
        raise EngineLost(f"{self.name} does not answer")


def _question(job: Computation) -> bytes:
    parts = [job.program.encode(), *(blob for chunk in job.chunks for blob in chunk)]
    header = json.dumps(
        {
            "parts": [{"digest": canonical.digest(part), "length": len(part)} for part in parts],
            "columns": [
                {"physical": column.physical, "nullable": column.nullable} for column in job.columns
            ],
            "rows": job.rows,
            "points": None if job.points is None else msgspec.to_builtins(job.points),
            "firsts": job.first_rows,
            "params": json.dumps(job.params),
            "outputBytesMax": job.output_bytes_max,
            "timeLimitS": job.time_limit_s,
        }
    ).encode()
    return b"".join([struct.pack(">I", len(header)), header, *parts])
