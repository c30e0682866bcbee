"""This file is where the server's own runs are taken and reported."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Connection, func, select

from grid.assimilator import ending
from grid.canonical import digest
from grid.db import apply as writes
from grid.db import queries
from grid.db.tables import (
    JobRow,
    ResultRow,
    ReviewRow,
    VolunteerRow,
    WorkUnitRow,
    spelled,
    table,
)
from grid.db.transaction import Transaction
from grid.db.work import Context, settle_units, units_of
from grid.items import Result
from grid.states import (
    JobState,
    Outcome,
    Purpose,
    ServerState,
)
from grid.transition import Entity, Freeze, Instruction, Transition

RESULT, UNIT, JOB = table(ResultRow), table(WorkUnitRow), table(JobRow)
PEOPLE, REVIEW = table(VolunteerRow), table(ReviewRow)

#: What a trusted run may take beyond its time limits before another is made in its stead: the
#: process that took it died.
TRUSTED_SPARE_S = 60
SALT_BYTES = 16
#: Trusted runs among which the next is chosen, from the oldest on.
LINE_MAX = 10_000


class TrustedWork(Struct, frozen=True, kw_only=True):
    """A work unit that the server computes itself."""

    result_id: int
    workunit_id: int
    job_id: int
    ordinal: int
    first_chunk: int
    chunk_count: int


class Computed(Struct, frozen=True, kw_only=True):
    """How a trusted run ended."""

    result_id: int
    #: Canonical JSON; None when there is none.
    output: str | None
    #: Whether the output is a file already, as large ones are.
    in_file: bool = False
    #: What went wrong.
    message: str | None = None
    #: Milliseconds of all the computing that it took, by the server's clock; None where the answer
    #: was known.
    elapsed_ms: int | None
    #: Milliseconds of the program alone, in an engine that was running; None when it was not.
    program_ms: int | None = None
    #: Whether the output is enough to end its job.
    enough: bool = False
    #: Why the job type itself is suspect, in words for an admin; "" when it is not.
    suspect: str = ""


def waiting(connection: Connection, jobs_max: int) -> list[TrustedWork]:
    """Of each job that is active, or completed before all of it was checked, the oldest trusted
    run that nobody has begun; the oldest first (result_trusted_unsent)."""
    wanted = select(JOB.c.id).where(
        JOB.c.id == RESULT.c.job_id,
        JOB.c.job_state.in_([JobState.ACTIVE.value, JobState.COMPLETED.value]),
    )
    line = (
        select(RESULT.c.id, RESULT.c.job_id)
        .where(
            RESULT.c.server_state == spelled(ServerState.UNSENT),
            RESULT.c.purpose == spelled(Purpose.TRUSTED),
            wanted.exists(),
        )
        .order_by(RESULT.c.id)
        .limit(LINE_MAX)
        .subquery()
    )
    oldest = select(func.min(line.c.id)).group_by(line.c.job_id)
    found = connection.execute(
        select(
            RESULT.c.id.label("result_id"),
            RESULT.c.workunit_id,
            RESULT.c.job_id,
            UNIT.c.ordinal,
            UNIT.c.first_chunk,
            UNIT.c.chunk_count,
        )
        .select_from(RESULT.join(UNIT, UNIT.c.id == RESULT.c.workunit_id))
        .where(RESULT.c.id.in_(oldest))
        .order_by(RESULT.c.id)
        .limit(jobs_max)
    )
    return [TrustedWork(**row._mapping) for row in found]


def needless(connection: Connection, limit: int) -> list[tuple[int, int]]:
    """Trusted runs that nobody has begun of jobs that gave up, with their work units
    (result_trusted_unsent)."""
    given_up = select(JOB.c.id).where(
        JOB.c.id == RESULT.c.job_id, JOB.c.job_state.in_([one.value for one in ending.GIVEN_UP])
    )
    found = connection.execute(
        select(RESULT.c.id, RESULT.c.workunit_id)
        .where(
            RESULT.c.server_state == spelled(ServerState.UNSENT),
            RESULT.c.purpose == spelled(Purpose.TRUSTED),
            given_up.exists(),
        )
        .order_by(RESULT.c.id)
        .limit(limit)
    )
    return [(row.id, row.workunit_id) for row in found]


def drop(transaction: Transaction, found: Sequence[tuple[int, int]], context: Context) -> int:
    """Let go of trusted runs that are needed no more; how many."""
    units = units_of(transaction, {unit for _, unit in found}, context)
    done: dict[int, list[Instruction]] = {unit: [] for unit in units}
    for number, unit in found:
        step = Transition(
            entity=Entity.RESULT,
            id=number,
            before={"server_state": ServerState.UNSENT, "outcome": Outcome.INIT},
            after={"server_state": ServerState.OVER, "outcome": Outcome.DIDNT_NEED},
            because="its job has ended without an output",
        )
        done[unit].append(step)
    settle_units(transaction, units, context, done)
    return len(found)


def answers(connection: Connection, workunit_id: int) -> list[tuple[str, str | None]]:
    """The different outputs that hosts gave for a work unit with their digests, the most frequent
    first; None for one that is a file (result_workunit)."""
    found = connection.execute(
        select(RESULT.c.output_digest, func.max(RESULT.c.output).label("output"))
        .where(
            RESULT.c.workunit_id == workunit_id,
            RESULT.c.outcome == Outcome.SUCCESS.value,
            RESULT.c.purpose != Purpose.TRUSTED.value,
        )
        .group_by(RESULT.c.output_digest)
        .order_by(func.count().desc(), RESULT.c.output_digest)
    )
    return [(row.output_digest, row.output) for row in found]


def trusted_done(connection: Connection, job_id: int, limit: int) -> int:
    """How many trusted runs of a job have computed an answer, counted up to `limit`
    (result_trusted)."""
    few = (
        select(RESULT.c.id)
        .where(
            RESULT.c.job_id == job_id,
            RESULT.c.purpose == spelled(Purpose.TRUSTED),
            RESULT.c.outcome == Outcome.SUCCESS.value,
            RESULT.c.elapsed_ms.is_not(None),
        )
        .limit(limit)
        .subquery()
    )
    return int(connection.scalar(select(func.count()).select_from(few)) or 0)


def take(transaction: Transaction, result_ids: Sequence[int], bound_s: int) -> None:
    """Mark trusted runs as begun; raises `Lost` when another process was quicker.

    Whoever takes one has `bound_s` and some to report it.
    """
    batch = [
        Transition(
            entity=Entity.RESULT,
            id=number,
            before={"server_state": ServerState.UNSENT},
            after={
                "server_state": ServerState.IN_PROGRESS,
                "epoch": 1,
                "sent_at": transaction.now,
                "report_deadline": transaction.now + bound_s + TRUSTED_SPARE_S,
            },
            because="the server computes it",
        )
        for number in result_ids
    ]
    writes.apply(transaction.connection, batch, (), transaction.now)


def report(transaction: Transaction, computed: Computed, context: Context) -> bool:
    """Record what a trusted run gave and settle its work unit; False when it came too late.

    Where the job type itself is suspect the job is frozen, and the run counts as failed.
    """
    found = queries.result(transaction.connection, computed.result_id)
    if found is None or found.server_state is not ServerState.IN_PROGRESS:
        return False
    units = units_of(transaction, [found.workunit_id], context)
    salt = transaction.entropy(SALT_BYTES).hex()
    steps: list[Instruction] = [_reported(found, computed, transaction.now, salt)]
    if computed.suspect:
        steps.append(Freeze(job_id=found.job_id, because=computed.suspect))
    text = computed.output if _good(computed) and not computed.in_file else None
    outputs = {found.id: text} if text else {}
    settle_units(transaction, units, context, {found.workunit_id: steps}, outputs)
    writes.keep_outputs(transaction.connection, outputs)
    if computed.enough and _good(computed):
        writes.mark_enough(transaction.connection, [found.id])
    if computed.program_ms is not None:
        writes.set_program_ms(transaction.connection, found.id, computed.program_ms)
    return True


def give_back(transaction: Transaction, result_id: int, context: Context) -> bool:
    """Let go of a trusted run that was taken: the process that took it ends."""
    found = queries.result(transaction.connection, result_id)
    if found is None or found.server_state is not ServerState.IN_PROGRESS:
        return False
    step = Transition(
        entity=Entity.RESULT,
        id=found.id,
        before={"server_state": ServerState.IN_PROGRESS, "outcome": Outcome.INIT},
        after={"server_state": ServerState.OVER, "outcome": Outcome.ABANDONED},
        because="the server was stopped",
    )
    units = units_of(transaction, [found.workunit_id], context)
    settle_units(transaction, units, context, {found.workunit_id: [step]})
    return True


def _good(computed: Computed) -> bool:
    return computed.output is not None and not computed.suspect


def _reported(result: Result, computed: Computed, now: int, salt: str) -> Transition:
    good = _good(computed)
    text = (computed.output if good else computed.suspect or computed.message) or ""
    return Transition(
        entity=Entity.RESULT,
        id=result.id,
        before={"server_state": ServerState.IN_PROGRESS, "outcome": Outcome.INIT},
        after={
            "server_state": ServerState.OVER,
            "outcome": Outcome.SUCCESS if good else Outcome.CLIENT_ERROR,
            "received_at": now,
            "output_digest": digest(text.encode()) if good else None,
            "report_digest": digest(text.encode()),
            "elapsed_ms": computed.elapsed_ms,
            "message": None if good else text,
            "salt": salt,
        },
        because="the server has computed it",
    )
