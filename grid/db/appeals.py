"""This file is where people look after trust: who is banned and why, what an admin decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from sqlalchemy import Connection, func, select

from grid.auditlog import entries
from grid.db import apply as writes
from grid.db import commands, queries
from grid.db.tables import (
    AccountRow,
    HostRow,
    JobRow,
    QuarantineRow,
    ResultRow,
    VolunteerRow,
    WorkUnitRow,
    spelled,
    table,
)
from grid.db.transaction import Transaction
from grid.db.work import Context, settle_units
from grid.items import Job, Json
from grid.states import JobState, Outcome, Purpose, ValidateState
from grid.transition import Entity, Instruction, Quarantine, Transition

PEOPLE, HOST, ACCOUNT = table(VolunteerRow), table(HostRow), table(AccountRow)
RESULT, UNIT, JOB = table(ResultRow), table(WorkUnitRow), table(JobRow)
QUARANTINE = table(QuarantineRow)

#: Answers by which somebody sees how it stands: the newest of them.
LOOKED_MAX = 10_000


class Volunteer(Struct, frozen=True, kw_only=True):
    """A volunteer as an admin sees it."""

    id: int
    account: str | None
    hosts: int
    banned_at: int | None
    ban_reason: str | None


class Own(Struct, frozen=True, kw_only=True):
    """How a volunteer stands, as far as opened seals tell."""

    volunteer_id: int
    banned_at: int | None
    ban_reason: str | None
    #: Of its newest answers in jobs whose seal has opened: how many agreed with the canonical one,
    #: how many differed, how many of those a trusted run has shown to be wrong, how many count for
    #: nothing.
    valid: int
    invalid: int
    lies: int
    void: int
    #: Half checks that these were worth.
    checks2: int
    #: Its answers in sealed jobs, whatever they are worth.
    sealed: int
    #: Open jobs that give its host's engine no work.
    quarantined: tuple[int, ...]
    #: What the host is, as it says, and its speed in thousandths of the fleet's median.
    engine: str
    capabilities: Mapping[str, Json]
    speed_milli: int


class Suspected(Struct, frozen=True, kw_only=True):
    """An engine that gets nothing of a job."""

    engine: str
    since: int


def volunteers(
    connection: Connection, limit: int, before: int | None, banned: bool | None
) -> list[Volunteer]:
    """The newest volunteers, those before id `before` (primary key)."""
    conditions = [] if before is None else [PEOPLE.c.id < before]
    if banned is not None:
        conditions.append(PEOPLE.c.banned_at.is_not(None) == banned)
    hosts = select(func.count()).where(HOST.c.volunteer_id == PEOPLE.c.id).scalar_subquery()
    found = connection.execute(
        select(
            PEOPLE.c.id,
            ACCOUNT.c.name.label("account"),
            hosts.label("hosts"),
            PEOPLE.c.banned_at,
            PEOPLE.c.ban_reason,
        )
        .select_from(PEOPLE.outerjoin(ACCOUNT, ACCOUNT.c.id == PEOPLE.c.account_id))
        .where(*conditions)
        .order_by(PEOPLE.c.id.desc())
        .limit(limit)
    )
    return [Volunteer(**row._mapping) for row in found]


def volunteer(connection: Connection, number: int) -> Volunteer | None:
    """One volunteer, or None."""
    found = volunteers(connection, 1, number + 1, None)
    return next((one for one in found if one.id == number), None)


def ban(transaction: Transaction, volunteer_id: int, reason: str) -> bool:
    """An admin shuts a volunteer out: nothing that it answered counts; False when it is banned."""
    if not writes.ban(transaction.connection, volunteer_id, reason, transaction.now):
        return False
    writes.log(transaction.connection, [entries.ban(transaction.now)], transaction.now)
    return True


def unban(transaction: Transaction, volunteer_id: int) -> bool:
    """An appeal is granted: what it answered counts again; False when it is not banned."""
    if not writes.lift_ban(transaction.connection, volunteer_id):
        return False
    writes.log(transaction.connection, [entries.unban(None, transaction.now)], transaction.now)
    return True


def own(connection: Connection, host_id: int) -> Own:
    """How the volunteer of a host stands (result_volunteer)."""
    host = connection.execute(select(HOST).where(HOST.c.id == host_id)).one()
    person = connection.execute(select(PEOPLE).where(PEOPLE.c.id == host.volunteer_id)).one()
    newest = (
        select(RESULT)
        .where(RESULT.c.volunteer_id == person.id, RESULT.c.outcome == Outcome.SUCCESS.value)
        .order_by(RESULT.c.id.desc())
        .limit(LOOKED_MAX)
        .subquery()
    )
    told = JOB.c.seal_opened_at.is_not(None)
    counted = connection.execute(
        select(
            told.label("told"),
            newest.c.validate_state,
            func.count().label("answers"),
            func.sum(newest.c.lied).label("lies"),
            func.sum(newest.c.checks2).label("checks2"),
        )
        .select_from(newest.join(JOB, JOB.c.id == newest.c.job_id))
        .group_by(told, newest.c.validate_state)
    ).all()
    opened = {row.validate_state: row for row in counted if row.told}

    def answers(state: ValidateState) -> int:
        return opened[state].answers if state in opened else 0

    return Own(
        volunteer_id=person.id,
        banned_at=person.banned_at,
        ban_reason=person.ban_reason,
        valid=answers(ValidateState.VALID),
        invalid=answers(ValidateState.INVALID),
        void=answers(ValidateState.VOID),
        lies=sum(row.lies for row in opened.values()),
        checks2=sum(row.checks2 for row in opened.values()),
        sealed=sum(row.answers for row in counted if not row.told),
        quarantined=_quarantined_for(connection, host.engine),
        engine=host.engine,
        capabilities=host.capabilities,
        speed_milli=host.speed_milli,
    )


def quarantines(connection: Connection, job_id: int) -> list[Suspected]:
    """Engines that get nothing of a job (quarantine's primary key)."""
    found = connection.execute(
        select(QUARANTINE.c.engine, QUARANTINE.c.since)
        .where(QUARANTINE.c.job_id == job_id)
        .order_by(QUARANTINE.c.engine)
    )
    return [Suspected(**row._mapping) for row in found]


def lift(transaction: Transaction, job_id: int, engine: str) -> bool:
    """An admin clears an engine: what it answered counts again; False when it is not suspected."""
    connection = transaction.connection
    if engine not in {one.engine for one in quarantines(connection, job_id)}:
        return False
    step = Quarantine(
        job_id=job_id, engine=engine, cause=0, lift=True, because="an admin cleared it"
    )
    writes.quarantine(connection, [step], transaction.now)
    transaction.touched.add(job_id)
    return True


def frozen(connection: Connection) -> list[int]:
    """Jobs that were paused because their job type is suspect, oldest first (job_open)."""
    return list(
        connection.scalars(
            select(JOB.c.id)
            .where(JOB.c.job_state == JobState.PAUSED.value, JOB.c.frozen.is_not(None))
            .order_by(JOB.c.id)
        )
    )


def thaw(transaction: Transaction, job_id: int, believe_volunteers: bool, context: Context) -> Job:
    """An admin has looked, and lets a frozen job go on; where the server's own answer has decided
    nothing yet, it decides now, or counts no more.

    Raises IllegalMove for a job that has ended.
    """
    connection = transaction.connection
    whom = "the volunteers" if believe_volunteers else "the server"
    because = f"an admin looked into it and believes {whom}"
    job = commands.move_job(transaction, job_id, JobState.ACTIVE, because, context.keyring)
    if not believe_volunteers:
        return job
    overruled = _undecided_trusted(connection, job_id)
    units = queries.workunits(connection, list(overruled))
    done: dict[int, list[Instruction]] = {
        unit_id: [
            Transition(
                entity=Entity.RESULT,
                id=number,
                before={"validate_state": state},
                after={"validate_state": ValidateState.VOID},
                because="an admin believes the volunteers",
            )
        ]
        for unit_id, (number, state) in overruled.items()
    }
    settle_units(transaction, units, context, done)
    return job


def _undecided_trusted(connection: Connection, job_id: int) -> dict[int, tuple[int, ValidateState]]:
    """Work unit → the server's answer to it that has decided nothing (result_trusted)."""
    found = connection.execute(
        select(RESULT.c.workunit_id, RESULT.c.id, RESULT.c.validate_state)
        .select_from(RESULT.join(UNIT, UNIT.c.id == RESULT.c.workunit_id))
        .where(
            RESULT.c.job_id == job_id,
            RESULT.c.purpose == spelled(Purpose.TRUSTED),
            RESULT.c.outcome == Outcome.SUCCESS.value,
            RESULT.c.validate_state != ValidateState.VOID.value,
            UNIT.c.canonical_result_id.is_(None),
        )
    )
    return {row.workunit_id: (row.id, ValidateState(row.validate_state)) for row in found}


def _quarantined_for(connection: Connection, engine: str) -> tuple[int, ...]:
    open_states: Sequence[str] = (JobState.ACTIVE.value, JobState.PAUSED.value)
    return tuple(
        connection.scalars(
            select(QUARANTINE.c.job_id)
            .join(JOB, JOB.c.id == QUARANTINE.c.job_id)
            .where(QUARANTINE.c.engine == engine, JOB.c.job_state.in_(open_states))
            .order_by(QUARANTINE.c.job_id)
        )
    )
