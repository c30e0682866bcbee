"""This file is where the rules' facts are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, func, select

from grid.db import rows
from grid.db.rows import JobFacts
from grid.db.tables import (
    ChunkColumnRow,
    DataSetRow,
    HostRow,
    IdempotencyRow,
    JobRow,
    PluginRow,
    PrefixKeyRow,
    ResultRow,
    TokenRow,
    WorkUnitRow,
    table,
)
from grid.items import ChunkColumn, DataSet, Host, Policy, Result, WorkUnit
from grid.states import AssimilateState, FileDeleteState, JobState, ServerState

RESULT, UNIT, JOB = table(ResultRow), table(WorkUnitRow), table(JobRow)


class Waiting(Struct, frozen=True, kw_only=True):
    """A result that waits for a host, and what its work unit computes."""

    result_id: int
    workunit_id: int
    job_id: int
    first_chunk: int
    chunk_count: int
    held_by: frozenset[int]


def workunit_ids(connection: Connection, result_ids: Collection[int]) -> set[int]:
    """The work units of these results (primary key)."""
    return set(connection.scalars(select(RESULT.c.workunit_id).where(RESULT.c.id.in_(result_ids))))


def workunits(
    connection: Connection, ids: Collection[int], policies: Mapping[int, Policy] | None = None
) -> dict[int, WorkUnit]:
    """Work units with all their results, by id (primary key; result_workunit).

    `policies` by job id saves reading them when the caller knows them.
    """
    if not ids:
        return {}
    fields = [UNIT.c[name] for name in rows.WORKUNIT_FIELDS]
    found = connection.execute(select(*fields).where(UNIT.c.id.in_(ids))).all()
    copies: dict[int, list[Result]] = {row[0]: [] for row in found}
    for row in connection.execute(
        select(*(RESULT.c[name] for name in rows.RESULT_FIELDS))
        .where(RESULT.c.workunit_id.in_(ids))
        .order_by(RESULT.c.id)
    ):
        result = rows.result(row)
        copies[result.workunit_id].append(result)
    job_ids = {row[1] for row in found}
    known = dict(policies or {})
    missing = job_ids - known.keys()
    if missing:
        known |= {number: one.job.policy for number, one in jobs(connection, missing).items()}
    return {row[0]: rows.workunit(row, known[row[1]], copies[row[0]]) for row in found}


def jobs(connection: Connection, ids: Collection[int]) -> dict[int, JobFacts]:
    """Jobs by id (primary key)."""
    found = map(rows.job_facts, connection.execute(select(JOB).where(JOB.c.id.in_(ids))))
    return {one.job.id: one for one in found}


def job(connection: Connection, number: int | None) -> JobFacts | None:
    """One job, or None."""
    return None if number is None else jobs(connection, [number]).get(number)


def jobs_in(connection: Connection, states: Iterable[JobState]) -> list[int]:
    """Ids of the jobs in these states, oldest first (job_open)."""
    return list(
        connection.scalars(select(JOB.c.id).where(JOB.c.job_state.in_(states)).order_by(JOB.c.id))
    )


def jobs_to_split(connection: Connection, state: JobState) -> list[int]:
    """Jobs in this state that have work units still to be made (job_open)."""
    return list(
        connection.scalars(
            select(JOB.c.id)
            .where(JOB.c.job_state == state, JOB.c.workunits_made < JOB.c.workunit_count)
            .order_by(JOB.c.id)
        )
    )


def ended_and_sealed(connection: Connection, now: int) -> list[int]:
    """Jobs whose seal may be due: ended ones, and ones past their set time (job_sealed)."""
    over = JOB.c.job_state.not_in([JobState.ACTIVE, JobState.PAUSED]) | (JOB.c.seal_opens_by <= now)
    return list(connection.scalars(select(JOB.c.id).where(JOB.c.seal_opened_at.is_(None), over)))


def waiting(connection: Connection, limit: int) -> list[Waiting]:
    """The best results that wait for a host (result_unsent)."""
    return _with_holders(connection, connection.execute(_waiting(limit)).all())


def waiting_for(
    connection: Connection, principal_id: int, trusted: bool, limit: int
) -> list[Waiting]:
    """The best results that this principal may have (result_unsent, result_workunit)."""
    other = RESULT.alias("other")
    held = (
        select(other.c.id)
        .where(other.c.workunit_id == RESULT.c.workunit_id, other.c.principal_id == principal_id)
        .exists()
    )
    further = [~held] if trusted else [~held, JOB.c.mode != "trusted"]
    return _with_holders(connection, connection.execute(_waiting(limit, *further)).all())


def _waiting(limit: int, *further: ColumnElement[bool]) -> Select[Any]:
    return (
        select(RESULT.c.id, UNIT.c.id, UNIT.c.job_id, UNIT.c.first_chunk, UNIT.c.chunk_count)
        .select_from(RESULT.join(UNIT, UNIT.c.id == RESULT.c.workunit_id).join(JOB))
        .where(
            RESULT.c.server_state == ServerState.UNSENT.value,
            JOB.c.job_state == JobState.ACTIVE.value,
            *further,
        )
        .order_by(RESULT.c.priority.desc(), RESULT.c.id)
        .limit(limit)
    )


def _with_holders(connection: Connection, found: Sequence[Any]) -> list[Waiting]:
    holders: dict[int, set[int]] = {unit_id: set() for _, unit_id, *_ in found}
    for unit_id, principal_id in connection.execute(
        select(RESULT.c.workunit_id, RESULT.c.principal_id).where(
            RESULT.c.workunit_id.in_(list(holders)), RESULT.c.principal_id.is_not(None)
        )
    ):
        holders[unit_id].add(principal_id)
    return [
        Waiting(
            result_id=result_id,
            workunit_id=unit_id,
            job_id=job_id,
            first_chunk=first_chunk,
            chunk_count=chunk_count,
            held_by=frozenset(holders[unit_id]),
        )
        for result_id, unit_id, job_id, first_chunk, chunk_count in found
    ]


def lease_counts(connection: Connection, host_ids: Collection[int]) -> dict[int, int]:
    """How many leases each host holds (result_leases)."""
    counted = connection.execute(
        select(RESULT.c.host_id, func.count())
        .where(
            RESULT.c.server_state == ServerState.IN_PROGRESS.value, RESULT.c.host_id.in_(host_ids)
        )
        .group_by(RESULT.c.host_id)
    )
    return {row[0]: row[1] for row in counted}


def overdue(connection: Connection, now: int, limit: int) -> set[int]:
    """Work units with a copy past its deadline (result_overdue)."""
    return set(
        connection.scalars(
            select(RESULT.c.workunit_id)
            .where(
                RESULT.c.server_state == ServerState.IN_PROGRESS.value,
                RESULT.c.report_deadline < now,
            )
            .order_by(RESULT.c.report_deadline)
            .limit(limit)
        )
    )


def undecided_of(connection: Connection, states: Iterable[JobState], limit: int) -> list[int]:
    """Work units without an outcome whose job is in one of these states (workunit_undecided)."""
    return list(
        connection.scalars(
            select(UNIT.c.id)
            .select_from(UNIT.join(JOB))
            .where(
                UNIT.c.assimilate_state == AssimilateState.INIT.value, JOB.c.job_state.in_(states)
            )
            .limit(limit)
        )
    )


def to_wind_up(connection: Connection, limit: int) -> list[int]:
    """Settled work units of which no copy is out (workunit_to_wind_up)."""
    out = (
        select(RESULT.c.id)
        .where(
            RESULT.c.workunit_id == UNIT.c.id,
            RESULT.c.server_state == ServerState.IN_PROGRESS.value,
        )
        .exists()
    )
    return list(
        connection.scalars(
            select(UNIT.c.id)
            .where(
                UNIT.c.assimilate_state == AssimilateState.DONE.value,
                UNIT.c.file_delete_state == FileDeleteState.INIT.value,
                ~out,
            )
            .limit(limit)
        )
    )


def to_delete(connection: Connection, limit: int) -> list[int]:
    """Work units whose leftovers may go (workunit_to_delete)."""
    return list(
        connection.scalars(
            select(UNIT.c.id)
            .where(UNIT.c.file_delete_state == FileDeleteState.READY.value)
            .limit(limit)
        )
    )


def unseen_workunits(connection: Connection, job_id: int, limit: int) -> int:
    """How many work units of a job no host has seen yet, counted up to `limit`."""
    seen = RESULT.alias("seen")
    sent = (
        select(seen.c.id)
        .where(
            seen.c.workunit_id == RESULT.c.workunit_id,
            seen.c.server_state != ServerState.UNSENT.value,
        )
        .exists()
    )
    few = (
        select(RESULT.c.workunit_id)
        .where(RESULT.c.job_id == job_id, RESULT.c.server_state == ServerState.UNSENT.value, ~sent)
        .distinct()
        .limit(limit)
        .subquery()
    )
    return int(connection.scalar(select(func.count()).select_from(few)) or 0)


def copies_out(connection: Connection, job_id: int) -> int:
    """Copies of a job that hosts still hold (result_of_job)."""
    counted = select(func.count()).where(
        RESULT.c.job_id == job_id, RESULT.c.server_state == ServerState.IN_PROGRESS.value
    )
    return int(connection.scalar(counted) or 0)


def chunk_columns(
    connection: Connection, dataset: DataSet, first: int, count: int, names: Collection[str]
) -> list[ChunkColumn]:
    """The blobs of some columns over a range of chunks: chunk by chunk, in the order of `names`."""
    places = {column.name: place for place, column in enumerate(dataset.columns)}
    order = {places[name]: position for position, name in enumerate(names)}
    chunks = table(ChunkColumnRow)
    found = connection.execute(
        select(chunks).where(
            chunks.c.dataset_id == dataset.id,
            chunks.c.chunk >= first,
            chunks.c.chunk < first + count,
            chunks.c.place.in_(list(order)),
        )
    ).all()
    return [
        ChunkColumn(
            chunk=row.chunk,
            column=dataset.columns[row.place].name,
            rows=row.rows,
            digest=row.digest,
            bytes=row.bytes,
        )
        for row in sorted(found, key=lambda row: (row.chunk, order[row.place]))
    ]


def dataset(connection: Connection, number: int | None) -> DataSet | None:
    """One data set, or None."""
    found = table(DataSetRow)
    row = connection.execute(select(found).where(found.c.id == number)).first()
    return None if row is None else rows.dataset(row)


def host(connection: Connection, number: int) -> Host | None:
    """One host, or None."""
    hosts = table(HostRow)
    row = connection.execute(select(hosts).where(hosts.c.id == number)).first()
    return None if row is None else rows.host(row)


class TokenFacts(Struct, frozen=True, kw_only=True):
    """What a token proves."""

    id: int
    account_id: int | None
    host_id: int | None
    scopes: frozenset[str]


def authenticate(connection: Connection, token_hash: str, now: int) -> TokenFacts | None:
    """What the token behind this SHA-256 proves now; None when unknown, expired or revoked."""
    tokens = table(TokenRow)
    row = connection.execute(
        select(tokens).where(
            tokens.c.hash == token_hash,
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at.is_(None) | (tokens.c.expires_at > now),
        )
    ).first()
    if row is None:
        return None
    return TokenFacts(
        id=row.id,
        account_id=row.account_id,
        host_id=row.host_id,
        scopes=frozenset(row.scopes.split()),
    )


def plugins(connection: Connection) -> dict[str, PluginRow]:
    """What admins decided about job types, by name."""
    found = connection.execute(select(table(PluginRow)))
    return {row.name: PluginRow(**row._mapping) for row in found}


def housekeeping_due(connection: Connection, time: int, day: int) -> bool:
    """Whether an answer kept for a retry, or a prefix key, is older than this."""
    answers, keys = table(IdempotencyRow), table(PrefixKeyRow)
    old = select(answers.c.hash).where(answers.c.created_at < time).exists()
    past = select(keys.c.day).where(keys.c.day < day).exists()
    return bool(connection.scalar(select(old | past)))
