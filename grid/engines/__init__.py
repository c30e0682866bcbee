"""This file is where JavaScript engines in child processes look alike."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from grid.items import Column, Json, PointRange

#: Answers up to 1 MiB unless an assignment says otherwise: a bitmap over eight million rows.
OUTPUT_BYTES_MAX = 1 << 20

#: Longer messages are cut: they are for people.
MESSAGE_LENGTH_MAX = 500


class Computation(Struct, frozen=True, kw_only=True):
    """One program over the chunks of one work unit."""

    #: The program's text: one JavaScript function expression.
    program: str
    #: What it reads, in its order.
    columns: tuple[Column, ...]
    #: Arrow bytes of each column of each chunk: `chunks[chunk][column]`.
    chunks: tuple[tuple[bytes, ...], ...]
    #: Rows of each chunk.
    rows: tuple[int, ...]
    #: What it counts, if anything: made into an input of its own before the chunks.
    points: PointRange | None = None
    #: The number in the data set of each chunk's first row, where points are counted.
    first_rows: tuple[int, ...] = ()
    params: Json
    #: Seconds of wall time, from handing over the inputs to the last byte of the answer.
    time_limit_s: float
    output_bytes_max: int = OUTPUT_BYTES_MAX


class EngineError(Exception):
    """There is no output; the message says why, in at most MESSAGE_LENGTH_MAX characters."""

    def __init__(self, message: str) -> None:
        super().__init__(message[:MESSAGE_LENGTH_MAX])


class ProgramFailed(EngineError):
    """The program threw, or returned what no output may hold."""


class TimeLimit(EngineError):
    """The program was stopped at its time limit."""


class EngineLost(EngineError):
    """The child process ended by itself: out of memory, killed, or broken."""


class Engine(Protocol):
    """Runs programs; one computation at a time."""

    #: Name and major version, such as "deno/2".
    name: str

    def compute(self, job: Computation) -> bytes:
        """The output as canonical JSON bytes; raises ProgramFailed, TimeLimit or EngineLost."""

    def close(self) -> None:
        """Ends the child, also in the middle of a computation; may be called from any thread."""
