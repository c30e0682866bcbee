"""This file is where the rules' facts are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, func, select

from grid.assimilator.ending import GIVEN_UP
from grid.db import hot, rows
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
    spelled,
    table,
)
from grid.items import ChunkColumn, DataSet, Host, Policy, Result, WorkUnit
from grid.states import AWAITED, AssimilateState, FileDeleteState, JobState, Purpose, ServerState

RESULT, UNIT, JOB = table(ResultRow), table(WorkUnitRow), table(JobRow)


def workunits(connection: Connection, ids: Collection[int]) -> dict[int, WorkUnit]:
    """Work units with all their results, by id."""

    def policies(numbers: set[int]) -> dict[int, Policy]:
        return {number: one.job.policy for number, one in jobs(connection, numbers).items()}

    return hot.workunits(connection, ids, policies)


def jobs(connection: Connection, ids: Collection[int]) -> dict[int, JobFacts]:
    """Jobs by id (primary key)."""
    found = map(rows.job_facts, connection.execute(select(JOB).where(JOB.c.id.in_(ids))))
    return {one.job.id: one for one in found}


def is_in(connection: Connection, job_id: int, state: JobState) -> bool:
    """Whether a job is in this state at this moment."""
    return connection.scalar(select(JOB.c.job_state).where(JOB.c.id == job_id)) == state


def result(connection: Connection, number: int) -> Result | None:
    """One result, or None."""
    fields = [RESULT.c[name] for name in rows.RESULT_FIELDS]
    row = connection.execute(select(*fields).where(RESULT.c.id == number)).first()
    return None if row is None else msgspec.convert(dict(row._mapping), Result, strict=False)


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


def overdue(connection: Connection, now: int, limit: int) -> set[int]:
    """Work units with a copy past its deadline (result_overdue)."""
    return set(
        connection.scalars(
            select(RESULT.c.workunit_id)
            .where(
                RESULT.c.server_state == spelled(ServerState.IN_PROGRESS),
                RESULT.c.report_deadline < now,
            )
            .order_by(RESULT.c.report_deadline)
            .limit(limit)
        )
    )


def due(connection: Connection, now: int, limit: int) -> set[int]:
    """Work units of open jobs that time moves on (workunit_due)."""
    return set(
        connection.scalars(
            select(UNIT.c.id)
            .join(JOB, JOB.c.id == UNIT.c.job_id)
            .where(UNIT.c.due_at <= now, JOB.c.job_state == JobState.ACTIVE)
            .order_by(UNIT.c.due_at)
            .limit(limit)
        )
    )


def unsent_of_ended(connection: Connection, ended_by: int, limit: int) -> set[int]:
    """Work units of completed jobs of which copies wait for a host in vain: none but traps are
    sent, and those no more once the job ended at `ended_by` or its seal opened (result_waiting)."""
    past = (JOB.c.ended_at <= ended_by) | JOB.c.seal_opened_at.is_not(None)
    return set(
        connection.scalars(
            select(RESULT.c.workunit_id)
            .join(JOB, JOB.c.id == RESULT.c.job_id)
            .where(
                JOB.c.job_state == JobState.COMPLETED,
                RESULT.c.server_state == spelled(ServerState.UNSENT),
                RESULT.c.purpose != spelled(Purpose.TRUSTED),
                past | RESULT.c.purpose.not_in(AWAITED),
            )
            .limit(limit)
        )
    )


def workunits_in(
    connection: Connection, wanted: AssimilateState, jobs_in: Iterable[JobState], limit: int
) -> list[int]:
    """Work units in this state of jobs in one of these (job_open, workunit_progress)."""
    return list(
        connection.scalars(
            select(UNIT.c.id)
            .select_from(UNIT.join(JOB))
            .where(
                UNIT.c.assimilate_state == spelled(wanted),
                JOB.c.job_state.in_(jobs_in),
            )
            .limit(limit)
        )
    )


def workunits_left(connection: Connection, wanted: AssimilateState, limit: int) -> list[int]:
    """Work units in this state of jobs that one answer has ended (job_stopped,
    workunit_progress)."""
    return list(
        connection.scalars(
            select(UNIT.c.id)
            .select_from(UNIT.join(JOB))
            .where(UNIT.c.assimilate_state == spelled(wanted), JOB.c.stopped_by.is_not(None))
            .limit(limit)
        )
    )


def to_wind_up(connection: Connection, limit: int) -> list[int]:
    """Settled work units of which no copy is out, nor waits to be sent unless its job gave up
    (workunit_to_wind_up, result_workunit)."""
    out = (
        select(RESULT.c.id)
        .join(JOB, JOB.c.id == RESULT.c.job_id)
        .where(
            RESULT.c.workunit_id == UNIT.c.id,
            (RESULT.c.server_state == spelled(ServerState.IN_PROGRESS))
            | (
                (RESULT.c.server_state == spelled(ServerState.UNSENT))
                & JOB.c.job_state.not_in(GIVEN_UP)
            ),
        )
        .exists()
    )
    return list(
        connection.scalars(
            select(UNIT.c.id)
            .where(
                UNIT.c.assimilate_state == spelled(AssimilateState.DONE),
                UNIT.c.file_delete_state == spelled(FileDeleteState.INIT),
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
            .where(UNIT.c.file_delete_state == spelled(FileDeleteState.READY))
            .limit(limit)
        )
    )


def unseen_workunits(connection: Connection, job_id: int, limit: int) -> int:
    """How many work units of a job no host has seen yet, counted up to `limit` (result_unseen)."""
    few = (
        select(RESULT.c.id)
        .where(
            RESULT.c.job_id == job_id,
            RESULT.c.server_state == spelled(ServerState.UNSENT),
            RESULT.c.first,
        )
        .limit(limit)
        .subquery()
    )
    return int(connection.scalar(select(func.count()).select_from(few)) or 0)


def copies_out(connection: Connection, job_id: int) -> int:
    """Copies of a job that hosts still hold, or the server computes (result_out)."""
    counted = select(func.count()).where(
        RESULT.c.job_id == job_id, RESULT.c.server_state == spelled(ServerState.IN_PROGRESS)
    )
    return int(connection.scalar(counted) or 0)


def awaited(connection: Connection, job_id: int) -> int:
    """Copies that the server is yet to compute, and traps that are yet to be sent, of a job
    (result_trusted, result_waiting)."""
    unsent = RESULT.c.job_id == job_id, RESULT.c.server_state == spelled(ServerState.UNSENT)
    mine = RESULT.c.purpose == spelled(Purpose.TRUSTED)
    traps = RESULT.c.purpose.in_(AWAITED)
    counted = select(
        select(func.count()).where(*unsent, mine).scalar_subquery()
        + select(func.count()).where(*unsent, ~mine, traps).scalar_subquery()
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


def trusted_tokens(connection: Connection, account_id: int) -> list[int]:
    """The tokens of an account's trusted hosts."""
    tokens, hosts = table(TokenRow), table(HostRow)
    mine = select(hosts.c.id).where(hosts.c.account_id == account_id, hosts.c.trusted)
    return list(connection.scalars(select(tokens.c.id).where(tokens.c.host_id.in_(mine))))


class TokenFacts(Struct, frozen=True, kw_only=True):
    """What a host's token proves."""

    id: int
    host_id: int
    #: None for never.
    expires_at: int | None


def authenticate(connection: Connection, token_hash: str, now: int) -> TokenFacts | None:
    """What a host's token behind this SHA-256 proves now; None when unknown, expired or revoked."""
    tokens = table(TokenRow)
    row = connection.execute(
        select(tokens).where(
            tokens.c.hash == token_hash,
            tokens.c.kind == "host",
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at.is_(None) | (tokens.c.expires_at > now),
        )
    ).first()
    if row is None:
        return None
    return TokenFacts(id=row.id, host_id=row.host_id, expires_at=row.expires_at)


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
