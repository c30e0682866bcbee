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
    ServerState,
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


class PhysicalType(StrEnum):
    """How a column's values lie in memory; fixed for the data set when ingest ends."""

    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    #: Text as UTF-8, each value spelled out.
    UTF8 = "utf8"
    #: Text as codes into one dictionary for the whole data set, sorted by UTF-8 bytes.
    DICT8 = "dict8"
    DICT16 = "dict16"


class Column(Struct, frozen=True, kw_only=True):
    """One column of a data set."""

    name: str
    type: LogicalType
    physical: PhysicalType
    #: Whether any value of the whole data set is NULL.
    nullable: bool


class Mode(StrEnum):
    """How a job's answers are believed."""

    #: `min_quorum` equal answers from different principals.
    FIXED = "fixed"
    #: Computed once, by hosts that hold a trusted-host token; the only mode of a private job.
    TRUSTED = "trusted"


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
    max_total_results: int = 20
    #: Successful copies without agreement after which it gives up.
    max_success_results: int = 10
    #: Silent or returned copies after which it gives up; large, because leaving is no error.
    max_abandoned_results: int = 100
    #: How long a host may take for one copy.
    delay_bound_s: int = 600
    #: Larger goes first; −100 to 100.
    priority: int = 0


class Result(Struct, frozen=True, kw_only=True):
    """One copy of a work unit, meant for one host."""

    id: int
    workunit_id: int
    job_id: int
    server_state: ServerState = ServerState.UNSENT
    outcome: Outcome = Outcome.INIT
    validate_state: ValidateState = ValidateState.INIT
    #: Who holds or held it; None while UNSENT.
    host_id: int | None = None
    #: Whose answer it counts as, fixed when it was sent; None while UNSENT.
    principal_id: int | None = None
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
    """A contiguous range of a data set's chunks, with every copy made of it."""

    id: int
    job_id: int
    #: Its place in the job, from 0.
    ordinal: int
    #: First chunk, and how many.
    first_chunk: int
    chunk_count: int
    policy: Policy
    canonical_result_id: int | None = None
    error_mask: ErrorMask = ErrorMask.NONE
    assimilate_state: AssimilateState = AssimilateState.INIT
    file_delete_state: FileDeleteState = FileDeleteState.INIT
    results: tuple[Result, ...] = ()

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
    dataset_id: int
    name: str
    metadata: Mapping[str, Json]
    policy: Policy
    public: bool
    job_state: JobState
    program_digest: str
    created_at: int
    #: When it completed, failed or was cancelled.
    ended_at: int | None = None
    #: Why it failed, in words its requester can act on; only when FAILED.
    failure: str | None = None
    #: What hosts said of the copies that failed it: strangers' words, kept back by the seal.
    failure_messages: tuple[str, ...] = ()
    #: When verdicts, votes and answers became public; None while sealed.
    seal_opened_at: int | None = None
    #: The seal opens then at the latest, whatever is still out.
    seal_opens_by: int
    #: How many work units it has in all, whether made yet or not.
    workunit_count: int
    #: How many of them exist.
    workunits_made: int


class Host(Struct, frozen=True, kw_only=True):
    """One enrolled browser profile or machine."""

    id: int
    account_id: int | None
    principal_id: int
    #: Holds a trusted-host token.
    trusted: bool
    #: "browser" or "headless".
    kind: str
    #: As the host says, such as "chromium/130"; display and diversity only.
    engine: str
    enrolled_at: int
    last_seen_at: int
    #: The day its network was last looked at; None for never.
    prefix_day: int | None = None


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
    created_at: int

    def rows_of(self, first_chunk: int, chunk_count: int) -> tuple[int, ...]:
        """How many rows each chunk of a range holds."""
        return tuple(
            min(self.chunk_rows, self.row_count - chunk * self.chunk_rows)
            for chunk in range(first_chunk, first_chunk + chunk_count)
        )


class ChunkColumn(Struct, frozen=True, kw_only=True):
    """One column of one chunk, stored as a blob of its own."""

    chunk: int
    column: str
    rows: int
    digest: str
    bytes: int
