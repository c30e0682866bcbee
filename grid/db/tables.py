"""This file is where the tables stand.

Enums are checked text, times whole seconds UTC, ids integers; public ids exist outside only.
An index says which query it serves.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    Table,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlmodel import Field, SQLModel

from grid.items import Mode
from grid.states import (
    AssimilateState,
    FileDeleteState,
    JobState,
    Outcome,
    ServerState,
    ValidateState,
)


def _one_of(field: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{field} IN ({listed})", name=f"{field}_known")


class AccountRow(SQLModel, table=True):
    """Who may submit or administer."""

    __tablename__ = "account"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    created_at: int


class TokenRow(SQLModel, table=True):
    """Every secret that authenticates anyone, hashed. The subject is an account or a host."""

    __tablename__ = "token"
    id: int | None = Field(default=None, primary_key=True)
    #: SHA-256 of the token; tokens are 256 random bits, so no slow hash is needed.
    hash: str = Field(unique=True)
    account_id: int | None = Field(default=None, foreign_key="account.id", index=True)
    host_id: int | None = Field(default=None, foreign_key="host.id", index=True)
    #: Space-separated: admin, requester, trusted_host, host.
    scopes: str
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None


class PrefixKeyRow(SQLModel, table=True):
    """The key that hides network prefixes; a new one every day, the old one destroyed."""

    __tablename__ = "prefix_key"
    day: int = Field(primary_key=True)
    key: bytes


class HostRow(SQLModel, table=True):
    __tablename__ = "host"
    __table_args__ = (
        # enrolment: who shares a prefix or an account
        Index("host_prefix", "hidden_prefix"),
        Index("host_account", "account_id"),
        Index("host_principal", "principal_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    account_id: int | None = Field(default=None, foreign_key="account.id")
    principal_id: int | None = None
    hidden_prefix: str | None = None
    #: The day whose key hides the prefix.
    prefix_day: int | None = None
    trusted: bool = False
    kind: str
    engine: str
    capabilities: Any = Field(default=None, sa_column=Column(JSON))
    enrolled_at: int
    last_seen_at: int


class IdempotencyRow(SQLModel, table=True):
    """The answer that was given to an Idempotency-Key."""

    __tablename__ = "idempotency"
    #: SHA-256 of caller, method, path and key.
    hash: str = Field(primary_key=True)
    #: SHA-256 of the request's body: the same key with another body is a mistake.
    body_digest: str
    response: Any = Field(sa_column=Column(JSON))
    code: int
    created_at: int = Field(index=True)


class DataSetRow(SQLModel, table=True):
    __tablename__ = "dataset"
    __table_args__ = (Index("dataset_public", "public", "id"),)
    id: int | None = Field(default=None, primary_key=True)
    account_id: int | None = Field(default=None, foreign_key="account.id")
    name: str
    public: bool
    columns: Any = Field(sa_column=Column(JSON))
    row_count: int
    chunk_rows: int
    chunk_count: int
    byte_count: int
    source_digest: str
    created_at: int


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


class PluginRow(SQLModel, table=True):
    """The job types that an admin enabled, each for one digest."""

    __tablename__ = "plugin"
    name: str = Field(primary_key=True)
    version: str
    digest: str
    enabled: bool
    changed_at: int


class JobRow(SQLModel, table=True):
    __tablename__ = "job"
    __table_args__ = (
        _one_of("job_state", JobState),
        _one_of("mode", Mode),
        # daemons: jobs that are not at rest
        Index("job_open", "job_state", "id"),
        Index("job_sealed", "id", sqlite_where=text("seal_opened_at IS NULL")),
        Index("job_program", "program_digest"),
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
    dataset_id: int = Field(foreign_key="dataset.id")
    name: str
    #: Called so because SQLModel keeps `metadata` for itself.
    details: Any = Field(sa_column=Column(JSON))
    public: bool
    mode: str
    policy: Any = Field(sa_column=Column(JSON))
    job_state: str = JobState.ACTIVE
    program_digest: str
    created_at: int
    ended_at: int | None = None
    failure: str | None = None
    failure_messages: Any = Field(default=(), sa_column=Column(JSON, nullable=False))
    seal_opened_at: int | None = None
    seal_opens_by: int
    workunit_count: int
    workunits_made: int = 0


class WorkUnitRow(SQLModel, table=True):
    __tablename__ = "workunit"
    __table_args__ = (
        _one_of("assimilate_state", AssimilateState),
        _one_of("file_delete_state", FileDeleteState),
        UniqueConstraint("job_id", "ordinal", name="workunit_of_job"),
        # counts of a job's page; the assimilator's next unit is found by workunit_of_job
        Index("workunit_progress", "job_id", "assimilate_state", "error_mask"),
        Index("workunit_undecided", "job_id", sqlite_where=text("assimilate_state = 'init'")),
        Index(
            "workunit_to_wind_up",
            "id",
            sqlite_where=text("assimilate_state = 'done' AND file_delete_state = 'init'"),
        ),
        Index("workunit_to_delete", "id", sqlite_where=text("file_delete_state = 'ready'")),
    )
    id: int | None = Field(default=None, primary_key=True)
    job_id: int = Field(foreign_key="job.id")
    ordinal: int
    first_chunk: int
    chunk_count: int
    canonical_result_id: int | None = None
    error_mask: int = 0
    assimilate_state: str = AssimilateState.INIT
    file_delete_state: str = FileDeleteState.INIT


class ResultRow(SQLModel, table=True):
    __tablename__ = "result"
    __table_args__ = (
        _one_of("server_state", ServerState),
        _one_of("outcome", Outcome),
        _one_of("validate_state", ValidateState),
        Index("result_workunit", "workunit_id"),
        # dispatch: the best result that waits
        Index(
            "result_unsent",
            text("priority DESC"),
            "id",
            sqlite_where=text("server_state = 'unsent'"),
        ),
        # transitioner: copies past their deadline
        Index(
            "result_overdue",
            "report_deadline",
            sqlite_where=text("server_state = 'in_progress'"),
        ),
        # dispatch: how many leases a host holds
        Index("result_leases", "host_id", sqlite_where=text("server_state = 'in_progress'")),
        # work generator: work units nobody has seen yet
        Index(
            "result_unseen", "job_id", sqlite_where=text("server_state = 'unsent' AND first = 1")
        ),
        # ending: copies still out
        Index("result_out", "job_id", sqlite_where=text("server_state = 'in_progress'")),
    )
    id: int | None = Field(default=None, primary_key=True)
    workunit_id: int = Field(foreign_key="workunit.id")
    job_id: int = Field(foreign_key="job.id")
    server_state: str = ServerState.UNSENT
    outcome: str = Outcome.INIT
    validate_state: str = ValidateState.INIT
    host_id: int | None = Field(default=None, foreign_key="host.id")
    principal_id: int | None = None
    epoch: int = 0
    sent_at: int | None = None
    report_deadline: int | None = None
    received_at: int | None = None
    output_digest: str | None = None
    report_digest: str | None = None
    #: Canonical JSON; kept for ever for the canonical result, dropped from its duplicates.
    output: str | None = None
    elapsed_ms: int | None = None
    message: str | None = None
    salt: str | None = None
    priority: int = 0
    #: The first copy made of its work unit: while it waits, no host has seen the work unit.
    first: bool = False


class MergeRow(SQLModel, table=True):
    """How far a job's ordered fold has come. Only the assimilator writes it."""

    __tablename__ = "merge"
    job_id: int = Field(primary_key=True, foreign_key="job.id")
    output_version: int
    #: Work units folded, in order from the first.
    merged: int
    state: Any = Field(sa_column=Column(JSON))


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
    made_at: int


class OutboxRow(SQLModel, table=True):
    """Log entries in the order they were decided; the log's integrator gives them their places."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_job", "job_id", "id"),)
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    #: Canonical JSON.
    facts: str
    #: The job it tells of, if any.
    job_id: int | None = Field(default=None, foreign_key="job.id")
    #: Kept back until that job's seal opens.
    sealed: bool = False
    decided_at: int


def spelled(state: StrEnum) -> ColumnElement[str]:
    """A state written into the statement: a partial index serves no bound parameter."""
    return literal_column(f"'{state.value}'")


def table(model: type[SQLModel]) -> Table:
    """The SQLAlchemy table behind a model."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
