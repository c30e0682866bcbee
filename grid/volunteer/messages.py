"""This file is where it stands what a server says to a volunteer; anything else is refused."""

from __future__ import annotations

from msgspec import Struct

from grid.items import Column, Json, PointRange

PROTOCOL = 1


class Identity(Struct, frozen=True):
    """What enrolment gives."""

    host_id: str
    token: str
    #: Seconds between two renewals of a lease.
    heartbeat_s: float


class Known(Struct, frozen=True):
    """What a host that comes back is told."""

    host_id: str
    heartbeat_s: float


class Job(Struct, frozen=True):
    """Whose work it is."""

    id: str
    name: str
    job_type: str
    page: str


class Program(Struct, frozen=True):
    """Where the program is."""

    digest: str
    url: str
    bytes: int
    #: The leaf of the public log that names it; it is run only when that is proven then.
    leaf: int | None = None


class Input(Struct, frozen=True):
    """Where one column of one chunk is."""

    column: str
    chunk: int
    rows: int
    digest: str
    bytes: int
    url: str
    #: The number in the data set of the chunk's first row; said only where points are counted.
    first_row: int = 0


class Limits(Struct, frozen=True):
    """What a computation may take."""

    time_limit_s: float
    output_bytes_max: int
    #: Larger outputs are put before their reports.
    inline_bytes_max: int = 64 * 1024


class Assignment(Struct, frozen=True):
    """One result to compute."""

    result_id: str
    lease: str
    job: Job
    program: Program
    columns: tuple[Column, ...]
    #: Chunk by chunk, in the order of `columns`.
    inputs: tuple[Input, ...]
    params: Json
    limits: Limits
    #: Seconds from now; the server's clock is not compared with ours.
    expires_in_s: float
    #: What to count, where points are counted.
    points: PointRange | None = None


class Report(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one result ended."""

    result_id: str
    lease: str
    #: "success", "error" or "released".
    outcome: str
    #: Base64 of the canonical bytes; only with success.
    output: str | None = None
    #: SHA-256 of the output that was put; only with success, and without `output`.
    output_digest: str | None = None
    message: str | None = None
    elapsed_ms: int | None = None
    #: Base64; of every report but "released".
    signature: str | None = None


class Lease(Struct, frozen=True):
    """Permission to compute one result."""

    result_id: str
    lease: str


class Reported(Struct, frozen=True):
    """What became of one report."""

    result_id: str
    accepted: bool
    reason: str | None = None


class Renewed(Struct, frozen=True):
    """A new lease, or the reason why there is none."""

    result_id: str
    lease: str | None = None
    reason: str | None = None


class WorkAnswer(Struct, frozen=True):
    """The answer to one request for work."""

    reports: tuple[Reported, ...]
    renewed: tuple[Renewed, ...]
    assignments: tuple[Assignment, ...]
    retry_after_s: float
    why_no_work: str | None = None
    ban_reason: str | None = None


class Problem(Struct, frozen=True):
    """RFC 9457, as far as it is shown to people."""

    detail: str | None = None
    title: str | None = None
