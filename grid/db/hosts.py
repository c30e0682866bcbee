"""This file is where hosts are listed and reserved for a job."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, func, select

from grid.db import apply as writes
from grid.db.asking import OPEN
from grid.db.crowd import ONLINE_S
from grid.db.tables import (
    AccountRow,
    HostRow,
    JobRow,
    ResultRow,
    VolunteerRow,
    spelled,
    table,
)
from grid.db.transaction import Transaction
from grid.dispatch.facts import kind_of
from grid.dispatch.matching import capable
from grid.items import Capabilities, Json, Needs
from grid.states import ServerState

HOST, JOB, RESULT = table(HostRow), table(JobRow), table(ResultRow)

#: How exactly the database knows when a host was last seen.
NOTED_EVERY_S = 60
#: Engines that are named as they are; any other name is a stranger's words.
ENGINES = frozenset({"chromium", "firefox", "webkit", "deno", "quickjs"})


class Listed(Struct, frozen=True, kw_only=True):
    """A host that is here, as others see it: nothing tells whose it is or what it computes."""

    kind: str
    engine: str
    os: str | None
    cores: int | None
    memory_mb: int | None
    #: Whether it holds any result.
    busy: bool
    reserved: bool


class OpenSandbox(Struct, frozen=True, kw_only=True):
    """A host whose sandbox let something through."""

    id: int
    engine: str
    #: Names, parted by blanks.
    reached: str
    at: int


class TooFew(Exception):
    """Not so many hosts can be reserved; says how many can."""

    def __init__(self, available: int) -> None:
        self.available = available
        super().__init__(f"only {available} available")


def open_sandboxes(connection: Connection, limit: int, before: int | None) -> list[OpenSandbox]:
    """The newest hosts that said so, those before id `before` (host_sandbox_open)."""
    conditions: list[ColumnElement[bool]] = [HOST.c.sandbox_open_at.is_not(None)]
    if before is not None:
        conditions.append(HOST.c.id < before)
    found = connection.execute(
        select(
            HOST.c.id,
            HOST.c.engine,
            HOST.c.sandbox_reached.label("reached"),
            HOST.c.sandbox_open_at.label("at"),
        )
        .where(*conditions)
        .order_by(HOST.c.id.desc())
        .limit(limit)
    )
    return [OpenSandbox(**row._mapping) for row in found]


def online(connection: Connection, now: int, limit: int) -> list[Listed]:
    """Hosts that are here now, the newest first (host_seen, result_leases)."""
    busy = (
        select(RESULT.c.id)
        .where(
            RESULT.c.host_id == HOST.c.id,
            RESULT.c.server_state == spelled(ServerState.IN_PROGRESS),
        )
        .exists()
    )
    found = connection.execute(
        select(
            HOST.c.kind,
            HOST.c.engine,
            HOST.c.capabilities,
            busy.label("busy"),
            _reserved().label("reserved"),
        )
        .where(_here(now))
        .order_by(HOST.c.id.desc())
        .limit(limit)
    )
    return [
        Listed(
            kind=row.kind,
            engine=engine_of(row.engine),
            os=row.capabilities.get("os"),
            cores=row.capabilities.get("cores"),
            memory_mb=row.capabilities.get("memory_mb"),
            busy=row.busy,
            reserved=row.reserved,
        )
        for row in found
    ]


def reserve(
    transaction: Transaction,
    job_id: int,
    count: int,
    needs: Needs,
    fewer: bool = False,
    kind: str | None = None,
    engine: str | None = None,
) -> int:
    """Keep `count` hosts for an open job until it ends; how many were taken.

    Raises TooFew when there are not so many that are here, free, able and not banned; with `fewer`
    those that there are will do, if any.
    """
    connection, people = transaction.connection, table(VolunteerRow)
    found = connection.execute(
        select(HOST.c.id, HOST.c.engine, HOST.c.kind, HOST.c.capabilities)
        .select_from(HOST.join(people, people.c.id == HOST.c.volunteer_id))
        .where(_here(transaction.now), ~_reserved(), people.c.banned_at.is_(None))
        .order_by(HOST.c.last_seen_at.desc(), HOST.c.id)
    )
    able = [
        row.id
        for row in found
        if capable(msgspec.convert(row.capabilities, Capabilities), needs)
        and kind in (None, row.kind)
        and engine in (None, engine_of(row.engine))
    ]
    if not able or (len(able) < count and not fewer):
        raise TooFew(len(able))
    writes.reserve(connection, able[:count], job_id)
    return len(able[:count])


def set_machine(
    transaction: Transaction, host_id: int, engine: str, capabilities: Mapping[str, Json]
) -> None:
    """Note what a host is now; its measured speed and its standing stay."""
    writes.set_machine(transaction.connection, host_id, engine, capabilities)


def release(transaction: Transaction, job_id: int) -> int:
    """Give a job's hosts back to everybody; how many. The end of a job does the same."""
    return writes.release(transaction.connection, job_id)


def reserved_for(connection: Connection, job_ids: Collection[int]) -> int:
    """How many hosts are kept for these jobs (host_reserved)."""
    counted = select(func.count()).where(HOST.c.reserved_job_id.in_(job_ids))
    return int(connection.scalar(counted) or 0)


def open_jobs_of(connection: Connection, account_id: int) -> list[int]:
    """A requester's jobs that have not ended."""
    return list(
        connection.scalars(
            select(JOB.c.id).where(JOB.c.account_id == account_id, JOB.c.job_state.in_(OPEN))
        )
    )


def open_among(connection: Connection, job_ids: Collection[int]) -> frozenset[int]:
    """Which of these jobs have not ended."""
    return frozenset(
        connection.scalars(select(JOB.c.id).where(JOB.c.id.in_(job_ids), JOB.c.job_state.in_(OPEN)))
    )


def account_name(connection: Connection, account_id: int) -> str:
    """What an account is called (primary key)."""
    rows = table(AccountRow)
    return str(connection.scalar(select(rows.c.name).where(rows.c.id == account_id)))


def accounts(connection: Connection, names: Collection[str]) -> dict[str, int]:
    """Account ids by name; names that nobody has are left out."""
    rows = table(AccountRow)
    found = connection.execute(select(rows.c.name, rows.c.id).where(rows.c.name.in_(names)))
    return {row.name: row.id for row in found}


def engine_of(engine: str) -> str:
    """What others are told of an engine: a name that many have."""
    kind = kind_of(engine)
    return kind if kind in ENGINES else "other"


def _here(now: int) -> ColumnElement[bool]:
    return HOST.c.last_seen_at > now - ONLINE_S - NOTED_EVERY_S


def _reserved() -> ColumnElement[bool]:
    return (
        select(JOB.c.id)
        .where(JOB.c.id == HOST.c.reserved_job_id, JOB.c.job_state.in_(OPEN))
        .exists()
    )
