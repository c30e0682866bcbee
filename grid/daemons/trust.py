"""This file is where changed standings and suspicions take effect on earlier verdicts, in bites."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from grid.daemons.isolation import alone, together
from grid.db import apply as writes
from grid.db import effects
from grid.db.store import Store

#: Volunteers of whom one bite may take as many as fit; the others stay marked.
VOLUNTEERS_MAX = 1_000
#: Bites in one pass: each keeps `/work` waiting for a moment.
BITES_MAX = 200


def do_pass(store: Store, _now: int) -> int:
    """Settle again what rests on whoever is believed more or less, or was suspected or cleared;
    how many work units were looked at."""
    with store.read() as connection:
        if not effects.moved(connection, 1) and not effects.reviews(connection):
            return 0
    store.write(lambda tx: writes.clear_unmoved(tx.connection))
    done, failed = 0, set[int]()
    for _ in range(BITES_MAX):
        with store.read() as connection:
            moved = [one for one in effects.moved(connection, VOLUNTEERS_MAX) if one not in failed]
            reviews = effects.reviews(connection)
        if not moved and not reviews:
            break
        if moved:
            looked, troubled = together(_look_again, store, moved)
            done += looked
            failed |= troubled
        for job_id, engine in reviews:
            done += alone(partial(_review, engine), store, job_id)
    return done


def _look_again(store: Store, volunteers: Sequence[int]) -> int:
    return store.write(lambda tx: effects.look_again(tx, volunteers, store.context))


def _review(engine: str, store: Store, job_id: int) -> int:
    return store.write(lambda tx: effects.review(tx, job_id, engine, store.context))
