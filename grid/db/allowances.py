"""This file is where it is counted what a requester has taken of what requesters may have."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, func, select

from grid.db.tables import DataSetRow, JobRow, table
from grid.states import JobState

JOB, DATASET = table(JobRow), table(DataSetRow)
#: States of jobs that still ask something of volunteers, or will.
OPEN = (JobState.ACTIVE.value, JobState.PAUSED.value)


class Used(Struct, frozen=True, kw_only=True):
    """What one account has."""

    open_jobs: int
    #: Of its open jobs together, also those that are not made yet.
    open_workunits: int
    #: Of all its data sets, as they are stored.
    stored_bytes: int


def used(connection: Connection, account_id: int) -> Used:
    """What an account has of everything that is bounded (account indexes of job and dataset)."""
    jobs, workunits = connection.execute(
        select(func.count(), func.coalesce(func.sum(JOB.c.workunit_count), 0)).where(
            JOB.c.account_id == account_id, JOB.c.job_state.in_(OPEN)
        )
    ).one()
    stored = connection.scalar(
        select(func.coalesce(func.sum(DATASET.c.byte_count), 0)).where(
            DATASET.c.account_id == account_id
        )
    )
    return Used(open_jobs=jobs, open_workunits=int(workunits), stored_bytes=int(stored or 0))
