"""This file is where lists, counts and views are read: what pages and the API show, not rules."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, false, func, select, true, union_all

from grid.assimilator.output import OutputPart
from grid.db import folds, queries, rows
from grid.db.rows import JobFacts
from grid.db.tables import (
    AuditorRow,
    ChunkColumnRow,
    DataSetRow,
    HostRow,
    IdempotencyRow,
    JobRow,
    MergeRow,
    OutputPartRow,
    OutputRow,
    PutOutputRow,
    QuizColumnRow,
    ResultRow,
    WorkUnitRow,
    table,
)
from grid.items import DataSet, Json, WorkUnit
from grid.states import AssimilateState, JobState, ValidateState

JOB, UNIT, DATASET = table(JobRow), table(WorkUnitRow), table(DataSetRow)
AUDITOR = table(AuditorRow)


class Viewer(Struct, frozen=True, kw_only=True):
    """Whose eyes a list is for: what is public, and what is theirs."""

    account_id: int | None = None
    #: The account that may see what it was named an auditor of.
    auditor_id: int | None = None
    #: Sees everything that exists.
    admin: bool = False


class Remembered(Struct, frozen=True, kw_only=True):
    """The answer that was given to an Idempotency-Key."""

    body_digest: str
    response: Json
    code: int


class Counts(Struct, frozen=True, kw_only=True):
    """How far a job's work units have come."""

    decided: int = 0
    #: In the output, in order from the first.
    merged: int = 0
    #: The version of the output that is being made, or was made last.
    output_version: int = 1
    #: Verdicts that were taken back, or turned round.
    retracted: int = 0


class Output(Struct, frozen=True, kw_only=True):
    """One finished version of a job's output."""

    output_version: int
    manifest_digest: str
    rows: int
    #: Rows of the data set (points, pairs) that had no value in something asked of them.
    failed: int
    made_at: int
    agreed: int
    trusted: int
    below_target: int
    weakest_votes: int
    contested: int


class Access(Struct, frozen=True, kw_only=True):
    """Who may read a blob, by what refers to it."""

    public: bool
    #: Accounts whose private data set or job refers to it.
    owners: frozenset[int]
    #: The data sets and jobs that refer to it.
    datasets: frozenset[int]
    jobs: frozenset[int]


class Given(Struct, frozen=True, kw_only=True):
    """What a result computes."""

    job: JobFacts
    first_chunk: int
    chunk_count: int


class Totals(Struct, frozen=True, kw_only=True):
    """What the whole server adds up to."""

    jobs_active: int
    jobs_completed: int
    workunits_verified: int
    hosts_enrolled: int


def remembered(connection: Connection, key_hash: str) -> Remembered | None:
    """The kept answer to a key (primary key)."""
    kept = table(IdempotencyRow)
    row = connection.execute(
        select(kept.c.body_digest, kept.c.response, kept.c.code).where(kept.c.hash == key_hash)
    ).first()
    return None if row is None else Remembered(**row._mapping)


def jobs(
    connection: Connection,
    viewer: Viewer,
    limit: int,
    before: int | None = None,
    state: str | None = None,
    job_type: str | None = None,
    dataset_id: int | None = None,
) -> list[JobFacts]:
    """The newest jobs this viewer may see, those before id `before` (primary key, job_open,
    job_dataset)."""
    conditions = [_visible(JOB.c, viewer, JOB.c.id)]
    wanted = ((JOB.c.job_state, state), (JOB.c.job_type, job_type), (JOB.c.dataset_id, dataset_id))
    conditions += [column == value for column, value in wanted if value is not None]
    if before is not None:
        conditions.append(JOB.c.id < before)
    found = connection.execute(
        select(JOB).where(*conditions).order_by(JOB.c.id.desc()).limit(limit)
    )
    return [rows.job_facts(row) for row in found]


def datasets(
    connection: Connection, viewer: Viewer, limit: int, before: int | None = None
) -> list[DataSet]:
    """The newest data sets this viewer may see (primary key)."""
    conditions = [_visible(DATASET.c, viewer, JOB.c.dataset_id)]
    if before is not None:
        conditions.append(DATASET.c.id < before)
    found = connection.execute(
        select(DATASET).where(*conditions).order_by(DATASET.c.id.desc()).limit(limit)
    )
    return [rows.dataset(row) for row in found]


def _visible(columns: Any, viewer: Viewer, of_job: Any) -> ColumnElement[bool]:
    """`of_job` is the column of a job that says which of these it is about."""
    if viewer.admin:
        return true()
    seen: ColumnElement[bool] = columns.public
    if viewer.account_id is not None:
        seen |= columns.account_id == viewer.account_id
    if viewer.auditor_id is not None:
        named = AUDITOR.c.account_id == viewer.auditor_id
        seen |= columns.id.in_(
            select(of_job).join(AUDITOR, AUDITOR.c.job_id == JOB.c.id).where(named)
        )
    return seen


def counts(connection: Connection, job_ids: Collection[int]) -> dict[int, Counts]:
    """How far jobs have come, by id (workunit_progress, workunit_of_job; merge's primary key).

    Quizzes are decided from the start, and counted apart so that indexes hold all that is read.
    """
    decided = dict.fromkeys(job_ids, 0)
    found = {number: Counts() for number in job_ids}
    for job_id, count in connection.execute(
        select(UNIT.c.job_id, func.count())
        .where(
            UNIT.c.job_id.in_(job_ids),
            UNIT.c.assimilate_state.in_([AssimilateState.READY, AssimilateState.DONE]),
            UNIT.c.error_mask == 0,  # giving up, or being cancelled, decides nothing
        )
        .group_by(UNIT.c.job_id)
    ):
        decided[job_id] = count
    quizzes = select(UNIT.c.job_id, func.count()).where(
        UNIT.c.job_id.in_(job_ids), UNIT.c.ordinal < 0
    )
    for job_id, count in connection.execute(quizzes.group_by(UNIT.c.job_id)):
        decided[job_id] -= count
    merges = table(MergeRow)
    for row in connection.execute(
        select(merges.c.job_id, merges.c.merged, merges.c.output_version, merges.c.retracted).where(
            merges.c.job_id.in_(job_ids)
        )
    ):
        found[row.job_id] = Counts(
            decided=decided[row.job_id],
            merged=row.merged,
            output_version=row.output_version,
            retracted=row.retracted,
        )
    return found


def workunits(
    connection: Connection, job_id: int, after: int | None, limit: int, sealed: bool
) -> list[WorkUnit]:
    """Work units of a job behind the one of id `after`, without quizzes: in order, or in random
    order while its place would tell which one it is (workunit_of_job, workunit_shuffled)."""
    place = UNIT.c.shuffle if sealed else UNIT.c.ordinal
    conditions = [UNIT.c.job_id == job_id, UNIT.c.ordinal >= 0]
    if after is not None:
        behind = UNIT.alias("behind")
        here = behind.c.shuffle if sealed else behind.c.ordinal
        conditions.append(place > select(here).where(behind.c.id == after).scalar_subquery())
    found = connection.scalars(
        select(UNIT.c.id).where(*conditions).order_by(place).limit(limit)
    ).all()
    units = queries.workunits(connection, found)
    return [units[number] for number in found]


def workunit_at(connection: Connection, job_id: int | None, ordinal: int) -> int | None:
    """The work unit at this place of a job (workunit_of_job)."""
    found = select(UNIT.c.id).where(UNIT.c.job_id == job_id, UNIT.c.ordinal == ordinal)
    number = connection.scalar(found)
    return None if number is None else int(number)


def canonical_output(connection: Connection, unit: WorkUnit) -> str | None:
    """The canonical output of a decided work unit as canonical JSON; None where it is a file
    (primary key)."""
    results = table(ResultRow)
    text = connection.scalar(
        select(func.coalesce(results.c.output, folds.equal_output(results))).where(
            results.c.id == unit.canonical_result_id
        )
    )
    return None if text is None else str(text)


def outputs(connection: Connection, job_ids: Collection[int]) -> dict[int, list[Output]]:
    """Finished outputs of jobs, the newest version first (primary key)."""
    made = table(OutputRow)
    found: dict[int, list[Output]] = {number: [] for number in job_ids}
    for row in connection.execute(
        select(made).where(made.c.job_id.in_(job_ids)).order_by(made.c.output_version.desc())
    ):
        values = dict(row._mapping)
        found[values.pop("job_id")].append(msgspec.convert(values, Output))
    return found


def output_parts(connection: Connection, job_id: int, version: int) -> list[OutputPart]:
    """The parts of one version, in order (primary key)."""
    parts = table(OutputPartRow)
    found = connection.execute(
        select(parts.c.ordinal, parts.c.digest, parts.c.rows)
        .where(parts.c.job_id == job_id, parts.c.output_version == version)
        .order_by(parts.c.ordinal)
    )
    return [OutputPart(**row._mapping) for row in found]


def access(connection: Connection, digest: str, now: int) -> Access | None:
    """Who may read the blob of this digest; None when nothing refers to it.

    Parts of an output count once that version is finished, and a work unit's answer that is a file
    once its job's seal is open (chunk_column_digest, job_program, output_part_digest, output's
    manifest index, quiz_column_digest, put_output_digest).
    """
    results, put = table(ResultRow), table(PutOutputRow)
    unsealed = JOB.c.seal_opened_at.is_not(None) | (JOB.c.seal_opens_by <= now)
    chunks, parts, made = table(ChunkColumnRow), table(OutputPartRow), table(OutputRow)
    quizzes = table(QuizColumnRow)
    finished = (made.c.job_id == parts.c.job_id) & (made.c.output_version == parts.c.output_version)
    job = JOB.c.public, JOB.c.account_id, JOB.c.id, false().label("data")
    owned = [
        select(DATASET.c.public, DATASET.c.account_id, DATASET.c.id, true().label("data"))
        .join(chunks, chunks.c.dataset_id == DATASET.c.id)
        .where(chunks.c.digest == digest),
        select(*job).where(JOB.c.program_digest == digest),
        select(*job)
        .join(UNIT, UNIT.c.job_id == JOB.c.id)
        .join(quizzes, quizzes.c.workunit_id == UNIT.c.id)
        .where(quizzes.c.digest == digest),
        select(*job)
        .join(parts, parts.c.job_id == JOB.c.id)
        .join(made, finished)
        .where(parts.c.digest == digest),
        select(*job).join(made, made.c.job_id == JOB.c.id).where(made.c.manifest_digest == digest),
        select(*job)
        .join(results, results.c.job_id == JOB.c.id)
        .join(put, (put.c.result_id == results.c.id) & (put.c.digest == results.c.output_digest))
        .where(put.c.digest == digest, unsealed)
        .where(results.c.validate_state == ValidateState.VALID.value),
    ]
    found = set(map(tuple, connection.execute(union_all(*owned))))
    if not found:
        return None
    return Access(
        public=any(public for public, *_ in found),
        owners=frozenset(owner for _, owner, *_ in found if owner is not None),
        datasets=frozenset(number for *_, number, data in found if data),
        jobs=frozenset(number for *_, number, data in found if not data),
    )


def given(connection: Connection, result_id: int) -> Given | None:
    """What a result computes (primary keys)."""
    results = table(ResultRow)
    row = connection.execute(
        select(UNIT.c.job_id, UNIT.c.first_chunk, UNIT.c.chunk_count)
        .join(results, results.c.workunit_id == UNIT.c.id)
        .where(results.c.id == result_id)
    ).first()
    if row is None:
        return None
    facts = queries.job(connection, row.job_id)
    assert facts is not None, "jobs stay"
    return Given(job=facts, first_chunk=row.first_chunk, chunk_count=row.chunk_count)


def totals(connection: Connection) -> Totals:
    """What the server adds up to (job_open, job_sealed, workunit_progress; host's primary key)."""
    by_state = {
        row.job_state: row.jobs
        for row in connection.execute(
            select(JOB.c.job_state, func.count().label("jobs")).group_by(JOB.c.job_state)
        )
    }
    merges = table(MergeRow)
    sealed = JOB.c.seal_opened_at.is_(None)
    merged = connection.scalar(
        select(func.sum(merges.c.merged)).join(JOB, JOB.c.id == merges.c.job_id).where(~sealed)
    )
    # How far the ordered fold of a sealed job has come would tell which work units are decided.
    decided = connection.scalar(
        select(func.count())
        .select_from(UNIT.join(JOB, JOB.c.id == UNIT.c.job_id))
        .where(
            sealed,
            UNIT.c.assimilate_state.in_([AssimilateState.READY, AssimilateState.DONE]),
            UNIT.c.error_mask == 0,
        )
    )
    quizzes = connection.scalar(
        select(func.count())
        .select_from(UNIT.join(JOB, JOB.c.id == UNIT.c.job_id))
        .where(sealed, UNIT.c.ordinal < 0)
    )
    hosts = connection.scalar(select(func.count()).select_from(table(HostRow)))
    return Totals(
        jobs_active=by_state.get(JobState.ACTIVE, 0),
        jobs_completed=by_state.get(JobState.COMPLETED, 0),
        workunits_verified=int(merged or 0) + int(decided or 0) - int(quizzes or 0),
        hosts_enrolled=int(hosts or 0),
    )
