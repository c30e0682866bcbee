"""This file is where the server takes the work units that it computes itself, and reports them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing

import msgspec

from grid.canonical import digest
from grid.daemons.computing import Machine
from grid.db import put, trusting
from grid.db.apply import Lost
from grid.db.store import Store
from grid.db.trusting import Computed, TrustedWork
from grid.engines import EngineLost
from grid.plugins.contract import INLINE_BYTES_MAX

#: Work units of one pass: one after another, for they compute on this very machine.
PASS_MAX = 8
#: What jobs that gave up have left behind, let go of in one transaction.
DROPPED_MAX = 200

Compute = Callable[[Store, TrustedWork], Computed]


def do_pass(store: Store, _now: int, compute: Compute | None = None, most: int = PASS_MAX) -> int:
    """Compute what waits for the server, jobs in turn, the oldest first; how many it did.

    Without `compute` an engine is started for this pass. One that raises EngineLost ends the pass,
    and the work unit it was at waits again.
    """
    with store.read() as connection:
        needless = trusting.needless(connection, DROPPED_MAX)
        waiting = trusting.waiting(connection, 1)
    if needless:
        store.write(lambda tx: trusting.drop(tx, needless, store.context))
    if not waiting:
        return 0
    if compute is None:
        with closing(Machine()) as machine:
            return do_pass(store, _now, machine, most)
    done: Counter[int] = Counter()
    while done.total() < most:
        with store.read() as connection:
            waiting = trusting.waiting(connection, most)
        if not waiting:
            break
        work = min(waiting, key=lambda one: (done[one.job_id], one.result_id))
        if not _one(store, work, compute):
            break
        done[work.job_id] += 1
    return done.total()


def _one(store: Store, work: TrustedWork, compute: Compute) -> bool:
    """Take one, compute it, report it; False when that is no more to be done here."""
    limits_s = store.settings.compute_time_limit_s + store.settings.reference_time_limit_s
    try:
        store.write(lambda tx: trusting.take(tx, [work.result_id], limits_s))
    except Lost:  # another process was quicker
        return True
    try:
        computed = compute(store, work)
    except EngineLost:
        store.write(lambda tx: trusting.give_back(tx, work.result_id, store.context))
        return False
    computed = _filed(store, computed)
    store.write(lambda tx: trusting.report(tx, computed, store.context))
    return True


def _filed(store: Store, computed: Computed) -> Computed:
    """With a large output in its file: noted first, so that the file deleter knows of it."""
    data = (computed.output or "").encode()
    if len(data) <= INLINE_BYTES_MAX:
        return computed
    found = digest(data)
    store.write(lambda tx: put.keep(tx, computed.result_id, found, len(data)))
    store.outputs.put(data)
    return msgspec.structs.replace(computed, in_file=True)
