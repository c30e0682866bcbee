"""This file is where the frozen facts stand that a rule may read.

Times are whole seconds since 1970-01-01 UTC by the server's clock; ids are internal integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from grid.states import (
    AssimilateState,
    ErrorMask,
    FileDeleteState,
    JobState,
    Outcome,
    Purpose,
    ServerState,
    Support,
    ValidateState,
)

#: What JSON can hold.
Json = Any


class LogicalType(StrEnum):
    """What a value means."""

    INT64 = "int64"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    TEXT = "text"
    #: Whole multiples of 10^-scale: what lies in memory is the multiple.
    DECIMAL = "decimal"
    #: Days since 1970-01-01; years 1 to 9999 of the Gregorian calendar.
    DATE = "date"
    #: Microseconds since 1970-01-01 00:00:00, without a time zone; the same years.
    TIMESTAMP = "timestamp"


class PhysicalType(StrEnum):
    """How a column's values lie in memory; fixed for the data set when ingest ends."""

    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    #: 64 bits a value, all of them within ±2^53: a JavaScript Number holds each exactly.
    INT53 = "int53"
    INT64 = "int64"
    #: 128 bits a value; only for decimals.
    INT128 = "int128"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    #: Text as UTF-8, each value spelled out.
    UTF8 = "utf8"
    #: Text as codes into one dictionary for the whole data set, sorted by UTF-8 bytes.
    DICT8 = "dict8"
    DICT16 = "dict16"


class Column(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One column of a data set."""

    name: str
    type: LogicalType
    physical: PhysicalType
    #: Whether any value of the whole data set is NULL.
    nullable: bool
    #: Digits of a decimal, in all and behind the point; 0 for every other type.
    precision: int = 0
    scale: int = 0


class Mode(StrEnum):
    """How a job's answers are believed."""

    #: Error at most 1e-4 a work unit, always two principals; the default.
    STANDARD = "standard"
    #: Error at most 1e-3 a work unit; one well-known volunteer may be enough.
    ECONOMY = "economy"
    #: Error at most 1e-6 a work unit.
    STRICT = "strict"
    #: `min_quorum` equal answers from different principals, as in BOINC.
    FIXED = "fixed"
    #: Computed once, by hosts that hold a trusted-host token; the only mode of a private job.
    TRUSTED = "trusted"


class Capabilities(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a host can do, as it says; what it does not say counts as the least."""

    #: Threads that run at once.
    cores: int | None = None
    memory_mb: int | None = None
    #: The family of its operating system, such as "linux".
    os: str | None = None
    #: What its engine offers beyond the language, such as "wasm".
    features: tuple[str, ...] = ()
    #: Rounds of a fixed loop in a millisecond, measured when it enrolled.
    score: int | None = None


class Needs(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a host must have for a job's work units."""

    cores: int = 1
    memory_mb: int = 0
    features: tuple[str, ...] = ()


class Policy(Struct, frozen=True, kw_only=True):
    """How much redundancy a job buys, in BOINC's words."""

    mode: Mode = Mode.FIXED
    #: Equal answers from different principals that make a result canonical.
    min_quorum: int = 2
    #: Copies made at first.
    target_nresults: int = 2
    #: Failed copies after which the work unit gives up.
    max_error_results: int = 6
    #: Copies in all, failed or not, after which it gives up; silence and abandonment do not count.
    #: So many that come back unsolved end it as well, and are counted apart from those.
    max_total_results: int = 20
    #: Successful copies without agreement after which it gives up.
    max_success_results: int = 10
    #: Silent or returned copies after which it gives up; large, because leaving is no error.
    max_abandoned_results: int = 100
    #: How long a host may take for one copy.
    delay_bound_s: int = 600
    #: Larger goes first; −100 to 100.
    priority: int = 0
    #: Errors in 10⁹ decided work units that the requester accepts; None takes the mode's own.
    target_error_ppb: int | None = None
    #: How many kinds of engine must stand behind an answer; more than 1 guards against their bugs.
    min_engines: int = 1
    #: When whatever is undecided is given up; None for never.
    deadline_at: int | None = None


class Result(Struct, frozen=True, kw_only=True):
    """One copy of a work unit, meant for one host."""

    id: int
    workunit_id: int
    job_id: int
    purpose: Purpose = Purpose.COPY
    server_state: ServerState = ServerState.UNSENT
    outcome: Outcome = Outcome.INIT
    validate_state: ValidateState = ValidateState.INIT
    #: Who holds or held it; None while UNSENT.
    host_id: int | None = None
    #: Whose answer it counts as, fixed when it was sent; None while UNSENT.
    principal_id: int | None = None
    #: Whose standing it changes; None while UNSENT and for trusted runs.
    volunteer_id: int | None = None
    #: What it was computed by, such as "chromium/130", as the host says; while UNSENT the only
    #: engine it is for, None for any.
    engine: str | None = None
    #: Not sent before then: copies of one work unit go out one after another.
    not_before: int = 0
    #: Half checks it has added to its volunteer's: 1 for an agreement, 2 for a trusted run.
    checks2: int = 0
    #: Millionths of a credit that it was granted.
    credit: int = 0
    #: Whether it has been counted as compared, and if so as a certain lie.
    compared: bool = False
    lied: bool = False
    #: How often a lease was given on it; a lease of an earlier epoch is void.
    epoch: int = 0
    sent_at: int | None = None
    #: By when the host must have answered or renewed; None while UNSENT.
    report_deadline: int | None = None
    received_at: int | None = None
    #: SHA-256 of the canonical bytes of its output; only when SUCCESS.
    output_digest: str | None = None
    #: SHA-256 of whatever was reported first, so that a repeat can be told from a change.
    report_digest: str | None = None
    #: Milliseconds of computing, as the host says; never trusted for anything but display.
    elapsed_ms: int | None = None
    #: What went wrong, in the host's or the checker's words; only with an error outcome.
    message: str | None = None
    #: 16 random bytes as hex that hide this result in its `commit` log entry; set when received.
    salt: str | None = None
    priority: int = 0


class WorkUnit(Struct, frozen=True, kw_only=True):
    """A contiguous range of a data set's chunks, or of points, with every copy made of it.

    Or a quiz: made-up rows in the place of such a range, whose answer was known from the start. It
    is in no output and in no count, and its canonical result is the known answer.
    """

    id: int
    job_id: int
    #: Its place in the job, from 0; quizzes are −1, −2, ….
    ordinal: int
    #: First chunk, and how many; of a job that counts points, its first point and how many.
    first_chunk: int
    chunk_count: int
    policy: Policy
    #: Millionths of a credit that a right answer is worth, fixed when the work unit was made.
    credit: int = 0
    canonical_result_id: int | None = None
    error_mask: ErrorMask = ErrorMask.NONE
    assimilate_state: AssimilateState = AssimilateState.INIT
    file_delete_state: FileDeleteState = FileDeleteState.INIT
    support: Support = Support.NONE
    #: When to look at it again although nothing has happened; None for never.
    due_at: int | None = None
    results: tuple[Result, ...] = ()

    @property
    def is_quiz(self) -> bool:
        """Whether it was made up."""
        return self.ordinal < 0

    @property
    def decided(self) -> bool:
        """Whether it has a canonical result or has given up."""
        return self.canonical_result_id is not None or self.error_mask != ErrorMask.NONE

    @property
    def settled(self) -> bool:
        """Whether its outcome has reached the job; a silent copy can no longer come in late."""
        return self.assimilate_state is AssimilateState.DONE


class Job(Struct, frozen=True, kw_only=True):
    """What a requester submitted."""

    id: int
    account_id: int | None
    job_type: str
    version: str
    #: Digest of the job type's folder that made the program.
    job_type_digest: str
    spec: Json
    #: None for a job that needs no data.
    dataset_id: int | None
    name: str
    metadata: Mapping[str, Json]
    policy: Policy
    public: bool
    job_state: JobState
    program_digest: str
    created_at: int
    #: Given while it ran, in the place of its policy's; None for none.
    priority: int | None = None
    #: When it completed, failed or was cancelled.
    ended_at: int | None = None
    #: Why it failed, in words its requester can act on; only when FAILED.
    failure: str | None = None
    #: Why the server paused it for an admin to look; only while PAUSED for that.
    frozen: str | None = None
    #: What hosts said of the copies that failed it: strangers' words, kept back by the seal.
    failure_messages: tuple[str, ...] = ()
    #: 32 random bytes as hex behind every toss of this job; committed to in the log, revealed last.
    seed: str = ""
    #: When verdicts, votes and answers became public; None while sealed.
    seal_opened_at: int | None = None
    #: The seal opens then at the latest, whatever is still out.
    seal_opens_by: int
    #: How many points it counts; None for a job over its data set's chunks.
    point_count: int | None = None
    #: Points of every work unit but the last; 0 for a job over chunks.
    workunit_points: int = 0
    #: The work unit whose answer was enough to end it; None while there is none.
    stopped_by: int | None = None
    #: How many work units it has in all, whether made yet or not.
    workunit_count: int
    #: How many of them exist.
    workunits_made: int
    needs: Needs = Needs()
    #: Words by which volunteers choose or refuse it.
    topics: tuple[str, ...] = ()
    #: Milliseconds a work unit takes a host of the usual speed, as foreseen when its size was
    #: fixed; 0 when nothing was known.
    unit_ms: int = 0
    #: What its job type declares that a work unit costs, and the last one, which may be smaller.
    unit_cost: int = 1
    last_cost: int = 1
    #: Whether its spec has secrets: its work goes to trusted hosts of its own account only.
    owner_only: bool = False

    @property
    def urgency(self) -> int:
        """Its priority now; larger goes first."""
        return self.policy.priority if self.priority is None else self.priority


class Host(Struct, frozen=True, kw_only=True):
    """One enrolled browser profile or machine."""

    id: int
    account_id: int | None
    principal_id: int
    volunteer_id: int
    #: Holds a trusted-host token.
    trusted: bool
    #: "browser" or "headless".
    kind: str
    #: As the host says, such as "chromium/130"; display and diversity only.
    engine: str
    enrolled_at: int
    last_seen_at: int
    capabilities: Capabilities = Capabilities()
    #: The day its network was last looked at; None for never.
    prefix_day: int | None = None
    #: Its Ed25519 key in base64: it signs what it reports. None for a host that signs nothing.
    public_key: str | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """How far a volunteer is believed. A volunteer is an account, or a host without one."""

    volunteer_id: int
    #: Twice the number k of checks survived: a trusted confirmation counts 2, an agreement 1.
    checks2: int = 0
    #: Answers that were compared with a verdict that others reached, and certain lies among them.
    compared: int = 0
    lies: int = 0
    #: Since when it is banned; None while it is not.
    banned_at: int | None = None


class DataSet(Struct, frozen=True, kw_only=True):
    """A table cut into chunks; every chunk is stored column by column."""

    id: int
    account_id: int | None
    name: str
    public: bool
    columns: tuple[Column, ...]
    row_count: int
    #: Rows of every chunk but the last.
    chunk_rows: int
    chunk_count: int
    #: Bytes stored over all columns and chunks.
    byte_count: int
    #: SHA-256 of the bytes that were uploaded.
    source_digest: str
    #: The Merkle root over every column of every chunk (`grid.auditlog.datasets`).
    root: str = ""
    created_at: int

    def rows_of(self, first_chunk: int, chunk_count: int) -> tuple[int, ...]:
        """How many rows each chunk of a range holds."""
        return tuple(
            min(self.chunk_rows, self.row_count - chunk * self.chunk_rows)
            for chunk in range(first_chunk, first_chunk + chunk_count)
        )


class PointRange(Struct, frozen=True, kw_only=True):
    """Consecutive points: `first` to `first + count − 1`, regenerated wherever they are needed."""

    first: int
    count: int
    #: How programs get them: as doubles of 32-bit whole numbers, or as BigInts.
    physical: PhysicalType


class ChunkColumn(Struct, frozen=True, kw_only=True):
    """One column of one chunk, stored as a blob of its own."""

    chunk: int
    column: str
    rows: int
    digest: str
    bytes: int
