"""This file is where an engine is one child, asked in frames, kept alive between them."""

from __future__ import annotations

import json
import sys
import threading
from types import TracebackType
from typing import Self

import msgspec

from grid.engines import (
    MESSAGE_LENGTH_MAX,
    Computation,
    EngineError,
    EngineLost,
    ProgramFailed,
    TimeLimit,
)
from grid.engines.child import Child, ChildLost, ChildTimeLimit, Limits, Start
from grid.engines.frames import LENGTH, OUTPUT

#: What people call them.
SYSTEMS = {"darwin": "macOS", "win32": "Windows"}
#: A message of so many UTF-16 units is at most so many bytes of UTF-8.
MESSAGE_BYTES_MAX = 3 * MESSAGE_LENGTH_MAX


class ChildEngine:
    """An engine without network, files, clock or randomness; Linux only, elsewhere OSError.

    The child gets the program as data and builds it after its realm is locked down. Nothing of one
    program is left for the next. A child that was killed is replaced at the next computation.
    """

    def __init__(self, name: str, start: Start, limits: Limits = Limits()) -> None:  # noqa: B008
        """`name` is the engine's, with its version; `start` says how its child begins."""
        if not sys.platform.startswith("linux"):
            system = SYSTEMS.get(sys.platform, sys.platform)
            raise OSError(f"engines need Linux's process limits, and this is {system}")
        self.name = name
        self._start, self._limits = start, limits
        self._lock = threading.Lock()
        self._child: Child | None = None
        #: The program the child has built.
        self._built: str | None = None
        self._closed = False

    def __enter__(self) -> Self:
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
                return self._compute(job)
            except ChildTimeLimit:
                self._drop()
                raise TimeLimit(f"stopped at the time limit of {job.time_limit_s:g} s") from None
            except ChildLost as error:
                self._drop()
                raise EngineLost("closed" if self._closed else str(error)) from error
            except EngineError:
                raise
            except BaseException:
                self._drop()
                raise

    def close(self) -> None:
        """Ends the child, also in the middle of a computation; may be called from any thread."""
        self._closed = True
        child = self._child
        if child is not None:
            child.end()
        with self._lock:
            self._drop()

    def _compute(self, job: Computation) -> bytes:
        if self._child is None and not self._closed:
            self._child, self._built = Child(self._start, self._limits), None
        if self._child is None or self._closed:
            raise ChildLost("closed")
        frame = _frame(job, None if self._built == job.program else job.program)
        self._built = job.program
        bytes_max = max(job.output_bytes_max, MESSAGE_BYTES_MAX)
        kind, data = self._child.exchange(frame, job.time_limit_s, bytes_max)
        if kind != OUTPUT:
            raise ProgramFailed(data.decode("utf-8", "replace"))
        return data

    def _drop(self) -> None:
        if self._child is not None:
            self._child.clear()
        self._child = None


def _frame(job: Computation, program: str | None) -> list[bytes]:
    blobs = [blob for chunk in job.chunks for blob in chunk]
    header = json.dumps(
        {
            "program": program,
            "columns": [
                {"physical": column.physical, "nullable": column.nullable} for column in job.columns
            ],
            "rows": job.rows,
            "points": None if job.points is None else msgspec.to_builtins(job.points),
            "firsts": job.first_rows,
            "lengths": [len(blob) for blob in blobs],
            "params": json.dumps(job.params),
            "outputBytesMax": job.output_bytes_max,
        }
    ).encode()
    return [LENGTH.pack(len(header)), header, *blobs]
