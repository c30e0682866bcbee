"""This file is where the tables of the house stand: job types, and what goes to the log."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel


class PluginRow(SQLModel, table=True):
    """The job types that an admin enabled, each for one digest."""

    __tablename__ = "plugin"
    name: str = Field(primary_key=True)
    version: str
    digest: str
    enabled: bool
    changed_at: int


class JobTypeSpeedRow(SQLModel, table=True):
    """What a row of a job type's work takes a host of the usual speed."""

    __tablename__ = "job_type_speed"
    job_type: str = Field(primary_key=True)
    row_ns: int
    measured_at: int


class RequesterShareRow(SQLModel, table=True):
    """How much work of a requester was shared out: only differences between requesters matter."""

    __tablename__ = "requester_share"
    #: 0 for jobs without a requester.
    account_id: int = Field(primary_key=True)
    #: In usual work units.
    served: float
    #: When some of its work was last seen to wait.
    open_at: int


class CheckRow(SQLModel, table=True):
    """A reader has computed some work units of a job again, and signed what came of it."""

    __tablename__ = "reader_check"
    __table_args__ = (Index("reader_check_at", "checked_at"),)
    job_id: int = Field(primary_key=True, foreign_key="job.id")
    #: The reader's public key, as Base64: one entry a key and job.
    key: str = Field(primary_key=True)
    #: Whether every answer was the same.
    same: bool
    checked_at: int


class DeedRow(SQLModel, table=True):
    """What an admin or an owner did by hand. The primary key serves the newest first."""

    __tablename__ = "deed"
    id: int | None = Field(default=None, primary_key=True)
    at: int
    #: None for whoever has the machine.
    account_id: int | None = Field(default=None, foreign_key="account.id")
    who: str
    #: The deed's name.
    what: str
    #: The public id or name of what it was done to.
    subject: str
    details: Any = Field(sa_column=Column(JSON, nullable=False))


class DaemonLeaseRow(SQLModel, table=True):
    """Which server process's daemons run, and until when if it does not say so again."""

    __tablename__ = "daemon_lease"
    #: There is one.
    name: str = Field(primary_key=True)
    holder: str
    #: By the database's clock.
    expires_at: int


class OutboxRow(SQLModel, table=True):
    """Log entries in the order they were decided, until the log's integrator gives them places."""

    __tablename__ = "outbox"
    __table_args__ = (
        #: What did the seal of this job keep back?
        Index(
            "outbox_sealed",
            "job_id",
            sqlite_where=text("sealed = 1"),
            postgresql_where=text("sealed"),
        ),
        #: What may leave?
        Index(
            "outbox_open",
            "id",
            sqlite_where=text("sealed = 0"),
            postgresql_where=text("NOT sealed"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    #: Canonical JSON.
    facts: str
    #: The job it tells of, if any.
    job_id: int | None = Field(default=None, foreign_key="job.id")
    #: Kept back until that job's seal opens.
    sealed: bool = False
    decided_at: int
