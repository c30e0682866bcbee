"""This file is where quizzes are kept: made-up work units beside those of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, func, select

from grid.db import apply as writes
from grid.db import queries, snapshots, trusting
from grid.db.progress import SHUFFLE_BYTES
from grid.db.tables import JobRow, QuizColumnRow, ResultRow, WorkUnitRow, spelled, table
from grid.db.transaction import Transaction
from grid.db.trusting import Computed
from grid.db.work import Context
from grid.items import ChunkColumn, DataSet
from grid.states import AssimilateState, JobState, Purpose, ServerState
from grid.transition import CreateResults, Entity, Transition
from grid.validator import quizzes
from grid.validator.modes import BELIEVING

RESULT, UNIT, JOB = table(ResultRow), table(WorkUnitRow), table(JobRow)
QUIZ = table(QuizColumnRow)


class Plan(Struct, frozen=True, kw_only=True):
    """The next quiz of a job."""

    #: Counted from 1.
    number: int
    #: What the job type makes it from.
    seed: int
    #: The work unit in whose place it goes out.
    first_chunk: int
    chunk_count: int
    credit: int


class NewQuiz(Struct, frozen=True, kw_only=True):
    """A quiz whose blobs are on the disk already."""

    plan: Plan
    columns: tuple[ChunkColumn, ...]
    #: Canonical JSON of the known answer.
    output: str


def sealed_jobs(connection: Connection) -> list[int]:
    """Active jobs over chunks that weigh answers, their seal shut, oldest first (job_open)."""
    found = select(JOB.c.id).where(
        JOB.c.job_state == JobState.ACTIVE.value,
        JOB.c.seal_opened_at.is_(None),
        JOB.c.point_count.is_(None),
        JOB.c.mode.in_(sorted(BELIEVING)),
    )
    return list(connection.scalars(found.order_by(JOB.c.id)))


def plan(connection: Connection, job_id: int, now: int) -> Plan | None:
    """The quiz that a job should make now, or None (workunit_of_job, result_waiting)."""
    facts = queries.job(connection, job_id)
    if facts is None or facts.job.job_state is not JobState.ACTIVE or facts.job.seal_opened_at:
        return None
    job = facts.job
    made = -int(
        connection.scalar(
            select(func.min(UNIT.c.ordinal)).where(UNIT.c.job_id == job_id, UNIT.c.ordinal < 0)
        )
        or 0
    )
    spent = msgspec.structs.replace(
        snapshots.spent(connection, job_id, now), work_units=job.workunits_made
    )
    waiting = _waiting(connection, job_id)
    if not quizzes.wanted(made, waiting, job.workunits_made, spent.trap_room):
        return None
    ordinal = quizzes.imitated(job.seed, made + 1, job.workunits_made)
    place = connection.execute(
        select(UNIT.c.first_chunk, UNIT.c.chunk_count, UNIT.c.credit).where(
            UNIT.c.job_id == job_id, UNIT.c.ordinal == ordinal
        )
    ).one()
    seed = quizzes.seed_of(job.seed, made + 1)
    return Plan(number=made + 1, seed=seed, **place._mapping)


def add(transaction: Transaction, job_id: int, new: NewQuiz, context: Context) -> bool:
    """Make the quiz and its copies; False when its plan no longer holds.

    It is a work unit that a trusted run decided the moment it was made: rules and log treat it so.
    """
    connection = transaction.connection
    if plan(connection, job_id, transaction.now) != new.plan:
        return False
    facts = queries.job(connection, job_id)
    assert facts is not None, "jobs stay"
    dataset = queries.dataset(connection, facts.job.dataset_id)
    assert dataset is not None, "data sets stay"
    unit_id = _add_unit(transaction, job_id, new.plan)
    writes.add_quiz_columns(connection, _columns(unit_id, dataset, new.columns))
    run = CreateResults(
        workunit_id=unit_id,
        job_id=job_id,
        count=1,
        priority=0,
        purpose=Purpose.TRUSTED,
        because="a quiz's answer is known",
    )
    writes.apply(connection, [run], (), transaction.now)
    number = connection.scalar(select(RESULT.c.id).where(RESULT.c.workunit_id == unit_id))
    assert number is not None, "it was made just now"
    trusting.take(transaction, [number], 0)
    known = Computed(result_id=number, output=new.output, elapsed_ms=None)
    trusting.report(transaction, known, context)
    settled = Transition(
        entity=Entity.WORKUNIT,
        id=unit_id,
        before={"assimilate_state": AssimilateState.READY},
        after={"assimilate_state": AssimilateState.DONE},
        because="a quiz is in no output",
    )
    writes.apply(connection, [settled], (), transaction.now)
    return True


def inputs(connection: Connection, workunit_id: int, reads: Mapping[int, str]) -> list[ChunkColumn]:
    """The blobs of a quiz, chunk by chunk; `reads` are the places of the columns that the program
    reads in the data set's schema, with their names, in its order (primary key)."""
    order = {place: position for position, place in enumerate(reads)}
    found = connection.execute(select(QUIZ).where(QUIZ.c.workunit_id == workunit_id)).all()
    return [
        ChunkColumn(
            chunk=row.chunk,
            column=reads[row.place],
            rows=row.rows,
            digest=row.digest,
            bytes=row.bytes,
        )
        for row in sorted(found, key=lambda row: (row.chunk, order[row.place]))
    ]


def _add_unit(transaction: Transaction, job_id: int, made: Plan) -> int:
    ids = writes.add_workunits(
        transaction.connection,
        [
            {
                "job_id": job_id,
                "ordinal": -made.number,
                "shuffle": int.from_bytes(transaction.entropy(SHUFFLE_BYTES)),
                "first_chunk": made.first_chunk,
                "chunk_count": made.chunk_count,
                "credit": made.credit,
            }
        ],
    )
    return ids[-made.number]


def _columns(
    unit_id: int, dataset: DataSet, columns: Sequence[ChunkColumn]
) -> list[dict[str, object]]:
    places = {column.name: place for place, column in enumerate(dataset.columns)}
    return [
        {
            "workunit_id": unit_id,
            "chunk": one.chunk,
            "place": places[one.column],
            "rows": one.rows,
            "digest": one.digest,
            "bytes": one.bytes,
        }
        for one in columns
    ]


def _waiting(connection: Connection, job_id: int) -> int:
    """Copies for newcomers, or of quizzes, that wait for a host."""
    few = (
        select(RESULT.c.id)
        .where(
            RESULT.c.job_id == job_id,
            RESULT.c.server_state == spelled(ServerState.UNSENT),
            RESULT.c.purpose != spelled(Purpose.TRUSTED),
            RESULT.c.purpose.in_([Purpose.QUIZ.value, Purpose.PROBATION.value]),
        )
        .limit(quizzes.WAITING_MAX)
        .subquery()
    )
    return int(connection.scalar(select(func.count()).select_from(few)) or 0)
