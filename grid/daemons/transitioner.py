"""This file is where work units are settled that time, or their job's end, has overtaken."""

from __future__ import annotations

from grid.db import progress, queries
from grid.db.store import Store
from grid.states import AssimilateState, JobState

#: Work units in one transaction: a bite that keeps `/work` waiting for milliseconds only.
BITE = 200
#: Bites in one pass: what an ended job leaves behind stands before others' work in the queue.
BITES_MAX = 50

ENDED = (JobState.FAILED, JobState.CANCELLED)


def do_pass(store: Store, now: int) -> int:
    """Time out silent copies, end and file away the work units of ended jobs, wind up settled
    ones; how many work units were looked at."""
    done = 0
    for _ in range(BITES_MAX):
        bite = _bite(store, now)
        done += bite
        if bite < BITE:
            break
    return done


def _bite(store: Store, now: int) -> int:
    with store.read() as connection:
        overdue = queries.overdue(connection, now, BITE)
        overdue |= queries.due(connection, now, BITE)
        overdue |= queries.unsent_of_ended(connection, now - store.settings.trap_wait_s, BITE)
        settled = queries.to_wind_up(connection, BITE)
        undecided = queries.workunits_in(connection, AssimilateState.INIT, ENDED, BITE)
        undecided += queries.workunits_left(connection, AssimilateState.INIT, BITE)
        unmerged = queries.workunits_in(connection, AssimilateState.READY, ENDED, BITE)
        unmerged += queries.workunits_left(connection, AssimilateState.READY, BITE)
    due = sorted({*overdue, *settled})
    done = 0
    if undecided:
        done += store.write(lambda tx: progress.cancel_workunits(tx, undecided, store.context))
    if due:
        done += store.write(lambda tx: progress.settle_due(tx, due, store.context))
    if unmerged:
        done += store.write(lambda tx: progress.file_away(tx, unmerged))
    return done
