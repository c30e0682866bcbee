"""This file is where a volunteer's own answers are listed, newest first, as far as seals tell."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, select

from grid.db.tables import HostRow, JobRow, ResultRow, WorkUnitRow, spelled, table
from grid.states import Outcome, ValidateState

HOST, RESULT = table(HostRow), table(ResultRow)
JOB, UNIT = table(JobRow), table(WorkUnitRow)

#: What came back; what was given back or fell silent is no answer.
ANSWERED = tuple(
    map(
        spelled,
        (Outcome.SUCCESS, Outcome.CLIENT_ERROR, Outcome.VALIDATE_ERROR, Outcome.UNSOLVED),
    )
)


class Answered(Struct, frozen=True, kw_only=True):
    """One answer. What is known of it beyond the job waits for that job's seal."""

    id: int
    job_id: int
    job_name: str
    job_type: str
    received_at: int
    elapsed_ms: int | None
    outcome: Outcome
    #: None while the job's seal is shut.
    workunit_id: int | None
    ordinal: int | None
    validate_state: ValidateState | None
    #: Millionths of a credit.
    credit: int


def answers(connection: Connection, host_id: int, limit: int, before: int | None) -> list[Answered]:
    """The newest answers of this host's volunteer, those before result `before`
    (result_volunteer)."""
    whose = select(HOST.c.volunteer_id).where(HOST.c.id == host_id).scalar_subquery()
    conditions = [] if before is None else [RESULT.c.id < before]
    found = connection.execute(
        select(
            RESULT.c.id,
            RESULT.c.job_id,
            JOB.c.name,
            JOB.c.job_type,
            RESULT.c.received_at,
            RESULT.c.elapsed_ms,
            RESULT.c.outcome,
            RESULT.c.workunit_id,
            UNIT.c.ordinal,
            RESULT.c.validate_state,
            RESULT.c.credit,
            JOB.c.seal_opened_at.is_not(None).label("told"),
        )
        .select_from(
            RESULT.join(JOB, JOB.c.id == RESULT.c.job_id).join(
                UNIT, UNIT.c.id == RESULT.c.workunit_id
            )
        )
        .where(
            RESULT.c.volunteer_id == whose,
            RESULT.c.outcome.in_(ANSWERED),
            RESULT.c.received_at.is_not(None),
            *conditions,
        )
        .order_by(RESULT.c.id.desc())
        .limit(limit)
    )
    return [
        Answered(
            id=row.id,
            job_id=row.job_id,
            job_name=row.name,
            job_type=row.job_type,
            received_at=row.received_at,
            elapsed_ms=row.elapsed_ms,
            outcome=Outcome(row.outcome),
            workunit_id=row.workunit_id if row.told else None,
            ordinal=row.ordinal if row.told else None,
            validate_state=ValidateState(row.validate_state) if row.told else None,
            credit=row.credit if row.told else 0,
        )
        for row in found
    ]
