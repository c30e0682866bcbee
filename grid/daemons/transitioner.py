"""This file is where work units are settled that time, or their job's end, has overtaken."""

from __future__ import annotations

from grid.db import progress, queries
from grid.db.store import Store
from grid.states import JobState

#: Work units in one transaction: a bite that keeps `/work` waiting for milliseconds only.
BITE = 200

ENDED = (JobState.FAILED, JobState.CANCELLED)


def do_pass(store: Store, now: int) -> int:
    """Time out silent copies, end the work units of ended jobs, wind up settled ones."""
    with store.read() as connection:
        overdue = sorted(queries.overdue(connection, now, BITE))
        settled = queries.to_wind_up(connection, BITE)
        orphans = queries.undecided_of(connection, ENDED, BITE)
    due = sorted({*overdue, *settled})
    done = 0
    if due:
        done += store.write(lambda tx: progress.settle_due(tx, due, store.context))
    if orphans:
        done += store.write(lambda tx: progress.cancel_workunits(tx, orphans, store.context))
    return done
