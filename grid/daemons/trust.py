"""This file is where changed standings and suspicions take effect on earlier verdicts, in bites."""

from __future__ import annotations

from functools import partial

from grid.daemons.isolation import alone
from grid.db import apply as writes
from grid.db import trusting
from grid.db.store import Store

#: Volunteers looked at in one pass; the others stay marked.
VOLUNTEERS_MAX = 1_000
#: Bites in one pass: each keeps `/work` waiting for a moment.
BITES_MAX = 200


def do_pass(store: Store, _now: int) -> int:
    """Settle again what rests on whoever is believed more or less, or was suspected or cleared;
    how many work units were looked at."""
    with store.read() as connection:
        if not trusting.moved(connection, 1) and not trusting.reviews(connection):
            return 0
    store.write(lambda tx: writes.clear_unmoved(tx.connection))
    done = 0
    for _ in range(BITES_MAX):
        with store.read() as connection:
            moved = trusting.moved(connection, VOLUNTEERS_MAX)
            reviews = trusting.reviews(connection)
        if not moved and not reviews:
            break
        for number in moved:
            done += alone(_look_again, store, number)
        for job_id, engine in reviews:
            done += alone(partial(_review, engine), store, job_id)
    return done


def _look_again(store: Store, volunteer_id: int) -> int:
    return store.write(lambda tx: trusting.look_again(tx, volunteer_id, store.context))


def _review(engine: str, store: Store, job_id: int) -> int:
    return store.write(lambda tx: trusting.review(tx, job_id, engine, store.context))
