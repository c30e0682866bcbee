"""This file is where the tables of people and machines stand: who may do what, and who has."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel

from grid.dispatch.quota import HOST_QUOTA, PRINCIPAL_QUOTA


class AccountRow(SQLModel, table=True):
    """A person, or a machine of theirs, that may do what others may not."""

    __tablename__ = "account"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    created_at: int
    #: Space-separated: admin, requester, auditor, trusted_host. No token or session may do more.
    roles: str = Field(default="", sa_column_kwargs={"server_default": ""})
    #: By argon2id; None for somebody who has not chosen a password, and so cannot sign in.
    password_hash: str | None = None
    #: None of its sessions and tokens is good while this is set.
    disabled_at: int | None = None


class TokenRow(SQLModel, table=True):
    """Every secret that authenticates anyone, hashed. The subject is an account or a host."""

    __tablename__ = "token"
    id: int | None = Field(default=None, primary_key=True)
    #: `host`, `token`, `session`, or `link`: a one-time link to choose a password.
    kind: str
    #: SHA-256 of 256 random bits, so no slow hash is needed: the token of a host, the number that a
    #: token or session carries inside, or the one in a link.
    hash: str = Field(unique=True)
    account_id: int | None = Field(default=None, foreign_key="account.id", index=True)
    host_id: int | None = Field(default=None, foreign_key="host.id", index=True)
    #: Space-separated: as roles are, or `host`; empty for sessions, which may do what roles say.
    scopes: str
    #: What its owner calls it.
    label: str = Field(default="", sa_column_kwargs={"server_default": ""})
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None


class AuditorRow(SQLModel, table=True):
    """Who may read a private job besides its owner: accounts that its owner named."""

    __tablename__ = "auditor"
    job_id: int = Field(primary_key=True, foreign_key="job.id")
    account_id: int = Field(primary_key=True, foreign_key="account.id", index=True)


class VolunteerRow(SQLModel, table=True):
    """A person or account, anonymous or named: whoever trust and credit belong to."""

    __tablename__ = "volunteer"
    __table_args__ = (
        # daemons: whose work must be decided anew
        Index(
            "volunteer_moved",
            "id",
            sqlite_where=text("moved > 0"),
            postgresql_where=text("moved > 0"),
        ),
        # leaderboards
        Index(
            "volunteer_credit",
            "credit",
            "id",
            sqlite_where=text("credit > 0"),
            postgresql_where=text("credit > 0"),
        ),
        Index(
            "volunteer_recent",
            "recent",
            "id",
            sqlite_where=text("credit > 0"),
            postgresql_where=text("credit > 0"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    account_id: int | None = Field(default=None, foreign_key="account.id", unique=True)
    created_at: int
    checks2: int = 0
    compared: int = 0
    lies: int = 0
    banned_at: int | None = None
    #: Why, in our words.
    ban_reason: str | None = None
    #: Its standing has changed since its waiting work was last looked at.
    #: 1 when it may be believed more, 2 when less.
    moved: int = 0
    #: Work units up to this id have been looked at since.
    moved_from: int = 0
    #: What it wants to be called in public; None for its public id.
    name: str | None = None
    team_id: int | None = Field(default=None, foreign_key="team.id", index=True)
    #: Millionths of a credit, in jobs whose seal has opened, and the same weighted by age.
    credit: int = 0
    recent: float = 0.0


class QuarantineRow(SQLModel, table=True):
    """Engines that compute a job's program wrongly, as far as is known."""

    __tablename__ = "quarantine"
    job_id: int = Field(primary_key=True, foreign_key="job.id")
    engine: str = Field(primary_key=True)
    #: The work unit it is suspected for.
    cause: int
    #: Whether nobody with it has got that work unit right, in as many tries as it gets.
    convicted: bool = False
    since: int


class ReviewRow(SQLModel, table=True):
    """An engine that was suspected, or cleared, in a job: what it answered is settled again."""

    __tablename__ = "review"
    job_id: int = Field(primary_key=True, foreign_key="job.id")
    engine: str = Field(primary_key=True)
    #: Work units up to this ordinal have been.
    ordinal: int


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
        # reservations: who is here, and who is taken
        Index("host_seen", "last_seen_at"),
        Index(
            "host_reserved",
            "reserved_job_id",
            sqlite_where=text("reserved_job_id IS NOT NULL"),
            postgresql_where=text("reserved_job_id IS NOT NULL"),
        ),
        # admins: whose sandbox is open
        Index(
            "host_sandbox_open",
            "id",
            sqlite_where=text("sandbox_open_at IS NOT NULL"),
            postgresql_where=text("sandbox_open_at IS NOT NULL"),
        ),
        # leaderboards
        Index(
            "host_credit",
            "credit",
            "id",
            sqlite_where=text("credit > 0"),
            postgresql_where=text("credit > 0"),
        ),
        Index(
            "host_recent",
            "recent",
            "id",
            sqlite_where=text("credit > 0"),
            postgresql_where=text("credit > 0"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    account_id: int | None = Field(default=None, foreign_key="account.id")
    principal_id: int | None = None
    volunteer_id: int | None = Field(default=None, foreign_key="volunteer.id", index=True)
    hidden_prefix: str | None = None
    #: The day whose key hides the prefix.
    prefix_day: int | None = None
    trusted: bool = False
    kind: str
    engine: str
    capabilities: Any = Field(default={}, sa_column=Column(JSON, nullable=False))
    enrolled_at: int
    last_seen_at: int
    #: Ed25519, in base64; None for a host that signs nothing.
    public_key: str | None = None
    #: What it could reach from inside its sandbox, in its words, and when it said so last.
    sandbox_reached: str | None = None
    sandbox_open_at: int | None = None
    #: Only work of this job goes to it while that job is open.
    reserved_job_id: int | None = Field(default=None, foreign_key="job.id")
    #: Thousandths of the fleet's median speed, as measured.
    speed_milli: int = 1000
    #: Results that its bucket holds when full, thousandths of results left in it, and since when.
    quota: int = HOST_QUOTA.start
    left_milli: int = HOST_QUOTA.start * 1000
    left_at: int = 0
    #: The same for the principal that is called by this host's id.
    group_quota: int = PRINCIPAL_QUOTA.start
    group_left_milli: int = PRINCIPAL_QUOTA.start * 1000
    group_left_at: int = 0
    #: As its volunteer's.
    credit: int = 0
    recent: float = 0.0


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
