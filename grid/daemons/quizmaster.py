"""This file is where quizzes are made up, outside of any transaction: a job type's code does it."""

from __future__ import annotations

import pyarrow as pa
import structlog

from grid import canonical, chunks
from grid.daemons.isolation import alone
from grid.db import queries, quizzing
from grid.db.quizzing import NewQuiz, Plan
from grid.db.rows import JobFacts
from grid.db.store import Store
from grid.items import ChunkColumn, Column, DataSet, PhysicalType
from grid.plugins import quizzes
from grid.plugins.contract import JobType, OutputError, Quiz
from grid.plugins.quizzes import QuizFault

log = structlog.get_logger("grid.daemons")

DICTIONARIES = (PhysicalType.DICT8, PhysicalType.DICT16)


def do_pass(store: Store, _now: int) -> int:
    """Make one quiz for each job that should have another; how many were made."""
    with store.read() as connection:
        jobs = quizzing.sealed_jobs(connection)
    return sum(alone(_quiz, store, job_id) for job_id in jobs)


def _quiz(store: Store, job_id: int) -> int:
    with store.read() as connection:
        facts = queries.job(connection, job_id)
    assert facts is not None, "jobs stay"
    job_type = store.job_types.loaded(facts.job.job_type_digest).job_type
    if not quizzes.makes_quizzes(job_type):
        return 0
    with store.read() as connection:
        plan = quizzing.plan(connection, job_id, store.now())
        dataset = queries.dataset(connection, facts.job.dataset_id)
    if plan is None:
        return 0
    assert dataset is not None, "data sets stay"
    try:
        new = _made(store, facts, dataset, job_type, plan)
    except (QuizFault, OutputError) as error:  # the job goes on without
        log.warning("a job type's quiz is of no use", job=job_id, error=str(error))
        return 0
    if new is None:
        return 0
    return int(store.write(lambda tx: quizzing.add(tx, job_id, new, store.context)))


def _made(
    store: Store, facts: JobFacts, dataset: DataSet, job_type: JobType, plan: Plan
) -> NewQuiz | None:
    """The quiz, its blobs on the disk; None where there is none. Raises QuizFault, OutputError."""
    rows = dataset.rows_of(plan.first_chunk, plan.chunk_count)
    quiz = job_type.quiz(facts.job.spec, dataset.columns, rows, plan.seed)
    if quiz is None:
        return None
    job_type.check_output(facts.job.spec, rows, quiz.output)
    by_name = {column.name: column for column in dataset.columns}
    reads = [by_name[name] for name in facts.reads]
    return NewQuiz(
        plan=plan,
        columns=tuple(_stored(store, dataset, quiz, plan, reads, rows)),
        output=canonical.dumps(quiz.output).decode(),
    )


def _stored(
    store: Store,
    dataset: DataSet,
    quiz: Quiz,
    plan: Plan,
    reads: list[Column],
    rows: tuple[int, ...],
) -> list[ChunkColumn]:
    words = _dictionaries(store, dataset, plan, reads)
    return [
        ChunkColumn(
            chunk=plan.first_chunk + place,
            column=column.name,
            rows=rows[place],
            digest=store.blobs.put(blob),
            bytes=len(blob),
        )
        for place, several in enumerate(quizzes.encoded(quiz, reads, rows, words))
        for column, blob in zip(reads, several, strict=True)
    ]


def _dictionaries(
    store: Store, dataset: DataSet, plan: Plan, reads: list[Column]
) -> dict[str, pa.StringArray]:
    """The data set's dictionaries, as any of its chunks holds them."""
    names = [column.name for column in reads if column.physical in DICTIONARIES]
    if not names:
        return {}
    with store.read() as connection:
        found = queries.chunk_columns(connection, dataset, plan.first_chunk, 1, names)
    return {
        one.column: chunks.decode_column(store.blobs.get(one.digest)).dictionary for one in found
    }
