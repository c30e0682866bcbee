"""This file is where the tables of work stand: data sets, jobs, work units, results, outputs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from grid.db.tables.base import one_of
from grid.items import Mode
from grid.states import (
    AssimilateState,
    FileDeleteState,
    JobState,
    Outcome,
    Purpose,
    ServerState,
    Support,
    ValidateState,
)


class DataSetRow(SQLModel, table=True):
    __tablename__ = "dataset"
    __table_args__ = (Index("dataset_public", "public", "id"),)
    id: int | None = Field(default=None, primary_key=True)
    account_id: int | None = Field(default=None, foreign_key="account.id", index=True)
    name: str
    public: bool
    columns: Any = Field(sa_column=Column(JSON))
    row_count: int
    chunk_rows: int
    chunk_count: int
    byte_count: int
    source_digest: str
    created_at: int
    #: The Merkle root over all of its blobs (`grid.auditlog.datasets`).
    root: str = ""


class ChunkColumnRow(SQLModel, table=True):
    """One column of one chunk. The primary key serves reading a range of chunks in order."""

    __tablename__ = "chunk_column"
    __table_args__ = (Index("chunk_column_digest", "digest"),)
    dataset_id: int = Field(primary_key=True, foreign_key="dataset.id")
    chunk: int = Field(primary_key=True)
    #: Place of the column in the data set's schema.
    place: int = Field(primary_key=True)
    rows: int
    digest: str
    bytes: int


class JobRow(SQLModel, table=True):
    __tablename__ = "job"
    __table_args__ = (
        one_of("job_state", JobState),
        one_of("mode", Mode),
        # daemons: jobs that are not at rest
        Index("job_open", "job_state", "id"),
        Index(
            "job_sealed",
            "id",
            sqlite_where=text("seal_opened_at IS NULL"),
            postgresql_where=text("seal_opened_at IS NULL"),
        ),
        Index("job_program", "program_digest"),
        # transitioner: jobs that ended before all of their work was done
        Index(
            "job_stopped",
            "id",
            sqlite_where=text("stopped_by IS NOT NULL"),
            postgresql_where=text("stopped_by IS NOT NULL"),
        ),
        Index("job_dataset", "dataset_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    account_id: int | None = Field(default=None, foreign_key="account.id", index=True)
    job_type: str
    version: str
    job_type_digest: str
    spec: Any = Field(sa_column=Column(JSON))
    #: What the job type made of the spec; the same for all work units.
    params: Any = Field(sa_column=Column(JSON))
    reads: Any = Field(sa_column=Column(JSON))
    output_columns: Any = Field(sa_column=Column(JSON))
    dataset_id: int | None = Field(default=None, foreign_key="dataset.id")
    name: str
    #: Called so because SQLModel keeps `metadata` for itself.
    details: Any = Field(sa_column=Column(JSON))
    public: bool
    mode: str
    policy: Any = Field(sa_column=Column(JSON))
    #: Another priority than its policy says, given while it ran; None for none.
    priority: int | None = None
    job_state: str = JobState.ACTIVE
    program_digest: str
    #: The leaf of the log that names its program; None while there is none.
    program_leaf: int | None = None
    created_at: int
    ended_at: int | None = None
    failure: str | None = None
    frozen: str | None = None
    failure_messages: Any = Field(default=(), sa_column=Column(JSON, nullable=False))
    seed: str = ""
    seal_opened_at: int | None = None
    seal_opens_by: int
    point_count: int | None = None
    workunit_points: int = 0
    stopped_by: int | None = None
    workunit_count: int
    workunits_made: int = 0
    needs: Any = Field(default={}, sa_column=Column(JSON, nullable=False))
    topics: Any = Field(default=(), sa_column=Column(JSON, nullable=False))
    unit_ms: int = 0
    unit_cost: int = 1
    last_cost: int = 1
    owner_only: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class SecretRow(SQLModel, table=True):
    """What the spec of an open job keeps secret, encrypted; gone when the job ends."""

    __tablename__ = "secret"
    job_id: int = Field(primary_key=True, foreign_key="job.id")
    nonce: bytes
    sealed: bytes


class WorkUnitRow(SQLModel, table=True):
    __tablename__ = "workunit"
    __table_args__ = (
        one_of("assimilate_state", AssimilateState),
        one_of("file_delete_state", FileDeleteState),
        one_of("support", Support),
        UniqueConstraint("job_id", "ordinal", name="workunit_of_job"),
        # lists while the seal is shut
        Index("workunit_shuffled", "job_id", "shuffle"),
        # counts of a job's page; the assimilator's next unit is found by workunit_of_job
        Index("workunit_progress", "job_id", "assimilate_state", "error_mask"),
        Index(
            "workunit_undecided",
            "job_id",
            sqlite_where=text("assimilate_state = 'init'"),
            postgresql_where=text("assimilate_state = 'init'"),
        ),
        Index(
            "workunit_to_wind_up",
            "id",
            sqlite_where=text("assimilate_state = 'done' AND file_delete_state = 'init'"),
            postgresql_where=text("assimilate_state = 'done' AND file_delete_state = 'init'"),
        ),
        # transitioner: work units that time moves on
        Index(
            "workunit_due",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index(
            "workunit_to_delete",
            "id",
            sqlite_where=text("file_delete_state = 'ready'"),
            postgresql_where=text("file_delete_state = 'ready'"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    job_id: int = Field(foreign_key="job.id")
    ordinal: int
    #: A random number: lists of a sealed job are in the order of these, which tells nothing.
    shuffle: int
    first_chunk: int
    chunk_count: int
    credit: int = 0
    canonical_result_id: int | None = None
    error_mask: int = 0
    assimilate_state: str = AssimilateState.INIT
    file_delete_state: str = FileDeleteState.INIT
    support: str = Support.NONE
    due_at: int | None = None


class QuizColumnRow(SQLModel, table=True):
    """One column of one made-up chunk. The primary key serves reading a quiz in order."""

    __tablename__ = "quiz_column"
    __table_args__ = (Index("quiz_column_digest", "digest"),)
    workunit_id: int = Field(primary_key=True, foreign_key="workunit.id")
    #: The chunk in whose place it stands.
    chunk: int = Field(primary_key=True)
    #: Place of the column in the data set's schema.
    place: int = Field(primary_key=True)
    rows: int
    digest: str
    bytes: int


class ResultRow(SQLModel, table=True):
    __tablename__ = "result"
    __table_args__ = (
        one_of("server_state", ServerState),
        one_of("outcome", Outcome),
        one_of("validate_state", ValidateState),
        one_of("purpose", Purpose),
        Index("result_workunit", "workunit_id"),
        # dispatch: the best results of a job that wait, those for later passed over in the index
        Index(
            "result_waiting",
            "job_id",
            text("priority DESC"),
            "id",
            "not_before",
            sqlite_where=text("server_state = 'unsent' AND purpose <> 'trusted'"),
            postgresql_where=text("server_state = 'unsent' AND purpose <> 'trusted'"),
        ),
        # transitioner: copies past their deadline
        Index(
            "result_overdue",
            "report_deadline",
            sqlite_where=text("server_state = 'in_progress'"),
            postgresql_where=text("server_state = 'in_progress'"),
        ),
        # dispatch: how many leases a host holds
        Index(
            "result_leases",
            "host_id",
            sqlite_where=text("server_state = 'in_progress'"),
            postgresql_where=text("server_state = 'in_progress'"),
        ),
        # dispatch: how many leases a principal holds
        Index(
            "result_principal_leases",
            "principal_id",
            sqlite_where=text("server_state = 'in_progress'"),
            postgresql_where=text("server_state = 'in_progress'"),
        ),
        # work generator: work units nobody has seen yet
        Index(
            "result_unseen",
            "job_id",
            sqlite_where=text("server_state = 'unsent' AND first = 1"),
            postgresql_where=text("server_state = 'unsent' AND first"),
        ),
        # the trusted process: what waits for it, and what it has spent on a job
        Index(
            "result_trusted_unsent",
            "id",
            sqlite_where=text("server_state = 'unsent' AND purpose = 'trusted'"),
            postgresql_where=text("server_state = 'unsent' AND purpose = 'trusted'"),
        ),
        Index(
            "result_trusted",
            "job_id",
            "server_state",
            "elapsed_ms",
            sqlite_where=text("purpose = 'trusted'"),
            postgresql_where=text("purpose = 'trusted'"),
        ),
        # the assimilator: answers that end their jobs
        Index(
            "result_enough",
            "job_id",
            sqlite_where=text("enough = 1"),
            postgresql_where=text("enough"),
        ),
        Index(
            "result_trap",
            "job_id",
            sqlite_where=text("purpose = 'trap'"),
            postgresql_where=text("purpose = 'trap'"),
        ),
        # whose answers wait for a verdict, and whose stand
        Index(
            "result_volunteer",
            "volunteer_id",
            "validate_state",
            "workunit_id",
            sqlite_where=text("volunteer_id IS NOT NULL"),
            postgresql_where=text("volunteer_id IS NOT NULL"),
        ),
        # ending: copies still out
        Index(
            "result_out",
            "job_id",
            sqlite_where=text("server_state = 'in_progress'"),
            postgresql_where=text("server_state = 'in_progress'"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    workunit_id: int = Field(foreign_key="workunit.id")
    job_id: int = Field(foreign_key="job.id")
    purpose: str = Purpose.COPY
    server_state: str = ServerState.UNSENT
    outcome: str = Outcome.INIT
    validate_state: str = ValidateState.INIT
    host_id: int | None = Field(default=None, foreign_key="host.id")
    principal_id: int | None = None
    volunteer_id: int | None = Field(default=None, foreign_key="volunteer.id")
    engine: str | None = None
    not_before: int = 0
    checks2: int = 0
    credit: int = 0
    compared: bool = False
    lied: bool = False
    epoch: int = 0
    sent_at: int | None = None
    report_deadline: int | None = None
    received_at: int | None = None
    output_digest: str | None = None
    report_digest: str | None = None
    #: Canonical JSON; kept for ever for the canonical result, dropped from its duplicates.
    output: str | None = None
    #: Its host's, over what it reported; None when the host has no key, or gave the result back.
    signature: str | None = None
    elapsed_ms: int | None = None
    #: What the program alone took, in a running engine of the server's own; None elsewhere.
    program_ms: int | None = None
    message: str | None = None
    salt: str | None = None
    priority: int = 0
    #: Whether its answer is enough to end its job, should it stand.
    enough: bool = False
    #: The first copy made of its work unit: while it waits, no host has seen the work unit.
    first: bool = False


class PutOutputRow(SQLModel, table=True):
    """An output that was put before its report, or is about to be: its bytes are a file.

    The primary key serves whoever asks what was put under a result; the index, whether a file is
    still referred to.
    """

    __tablename__ = "put_output"
    __table_args__ = (Index("put_output_digest", "digest"),)
    result_id: int = Field(primary_key=True, foreign_key="result.id")
    digest: str = Field(primary_key=True)
    bytes: int
    put_at: int


class MergeRow(SQLModel, table=True):
    """How far a job's ordered fold has come. Only the assimilator writes it."""

    __tablename__ = "merge"
    job_id: int = Field(primary_key=True, foreign_key="job.id")
    output_version: int
    #: Work units folded, in order from the first.
    merged: int
    state: Any = Field(sa_column=Column(JSON))
    #: Verdicts that were taken back, or turned round, so far.
    retracted: int = 0
    #: The state before the first part: where the next version of the output begins.
    start: Any = Field(sa_column=Column(JSON))


class OutputPartRow(SQLModel, table=True):
    __tablename__ = "output_part"
    __table_args__ = (Index("output_part_digest", "digest"),)
    job_id: int = Field(primary_key=True, foreign_key="job.id")
    output_version: int = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    digest: str
    rows: int


class OutputRow(SQLModel, table=True):
    """One finished version of a job's output."""

    __tablename__ = "output"
    job_id: int = Field(primary_key=True, foreign_key="job.id")
    output_version: int = Field(primary_key=True)
    manifest_digest: str = Field(index=True)
    rows: int
    #: Rows of the data set (points, pairs) that had no value in something asked of them.
    failed: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    #: Work units by what they rest on, principals behind the weakest that volunteers agreed on, and
    #: work units that the server decided against all of them.
    agreed: int
    trusted: int
    below_target: int
    weakest_votes: int
    contested: int
    made_at: int
