"""This file is where a job type's Python runs beside the server: its reference, and its check.

It is slow, it may hang, and it sees strangers' answers; so it runs in a child that can be killed.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from grid import canonical
from grid.engines import MESSAGE_LENGTH_MAX, EngineLost, ProgramFailed, TimeLimit
from grid.engines.child import Child, ChildLost, ChildTimeLimit
from grid.engines.frames import LENGTH, OUTPUT
from grid.items import Column, Json, PointRange

#: Where the package `grid` is imported from.
PACKAGES = Path(__file__).parents[2]

#: What a child may answer: the largest output of a program, and some.
ANSWER_BYTES_MAX = 4 << 20


def python_child(_folder: str) -> tuple[Sequence[str], Mapping[str, str]]:
    """A Python process that runs the Python of job types, with nothing of our environment."""
    environment = {"PYTHONPATH": str(PACKAGES), "OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}
    return [sys.executable, "-m", "grid.engines.answering"], environment


class Question(Struct, frozen=True, kw_only=True):
    """What a job type is asked about one work unit."""

    #: The job type's folder, and the digest that an admin enabled.
    folder: str
    digest: str
    spec: Json
    #: The data set's whole schema, and the columns that the program reads.
    columns: tuple[Column, ...]
    reads: tuple[str, ...]
    #: Rows of each chunk; what was counted, if anything, first.
    rows: tuple[int, ...]
    points: PointRange | None = None
    #: The number in the data set of each chunk's first row, where points are counted.
    first_rows: tuple[int, ...] = ()
    #: Bytes of each blob, chunk by chunk, column by column.
    lengths: tuple[int, ...]
    #: Canonical JSON of the answer to be checked; None asks for the reference's own.
    output: str | None = None


class Reference:
    """One Python child, kept alive across questions; replaced when it was killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._closed = False

    def ask(
        self, question: Question, chunks: tuple[tuple[bytes, ...], ...], time_limit_s: float
    ) -> Json:
        """The reference's output, or what the check says of an output: True, False or None.

        Raises ProgramFailed when the job type raised, TimeLimit or EngineLost.
        """
        header = msgspec.json.encode(question)
        frame = [LENGTH.pack(len(header)), header, *(blob for row in chunks for blob in row)]
        with self._lock:
            try:
                return self._ask(frame, time_limit_s)
            except ChildTimeLimit:
                self._drop()
                raise TimeLimit(f"stopped at the time limit of {time_limit_s:g} s") from None
            except ChildLost as error:
                self._drop()
                raise EngineLost("closed" if self._closed else str(error)) from error

    def close(self) -> None:
        """Ends the child, also while it computes; may be called from any thread."""
        self._closed = True
        child = self._child
        if child is not None:
            child.end()
        with self._lock:
            self._drop()

    def _ask(self, frame: list[bytes], time_limit_s: float) -> Json:
        if self._child is None and not self._closed:
            self._child = Child(python_child)
        if self._child is None or self._closed:
            raise ChildLost("closed")
        kind, data = self._child.exchange(frame, time_limit_s, ANSWER_BYTES_MAX)
        if kind != OUTPUT:
            raise ProgramFailed(data.decode("utf-8", "replace")[:MESSAGE_LENGTH_MAX])
        return canonical.loads(data)

    def _drop(self) -> None:
        if self._child is not None:
            self._child.clear()
        self._child = None
