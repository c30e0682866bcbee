"""This file is where the next work units of open jobs are made, against a high-water mark."""

from __future__ import annotations

from grid.daemons.isolation import alone
from grid.db import progress, queries
from grid.db.store import Store
from grid.states import JobState


def do_pass(store: Store, _now: int) -> int:
    """Make work units until every active job has enough waiting; how many were made."""
    with store.read() as connection:
        jobs = queries.jobs_to_split(connection, JobState.ACTIVE)
    return sum(alone(make, store, job_id) for job_id in jobs)


def make(store: Store, job_id: int) -> int:
    """Make one job's next work units; how many."""
    high_water = store.settings.unsent_workunits_max
    with store.read() as connection:  # the writer is not kept from reports for a no
        if not progress.wants_workunits(connection, job_id, high_water):
            return 0
    return store.write(lambda tx: progress.make_workunits(tx, job_id, high_water, store.context))
