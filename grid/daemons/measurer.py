"""This file is where it is measured from time to time how fast hosts and job types are."""

from __future__ import annotations

from grid import speeds
from grid.db import credits
from grid.db import speeds as kept
from grid.db.store import Store
from grid.validator import credit

#: How often it measures: speeds change slowly, and a new job type is measured within its first job.
EVERY_S = 15


def do_pass(store: Store, now: int) -> int:
    """Measure the newest right answers, at one pass in some; how many there were."""
    interval_s = max(1, round(store.settings.daemon_interval_s))
    if now // interval_s % max(1, EVERY_S // interval_s):
        return 0
    with store.read() as connection:
        samples = kept.samples(connection)
        before = kept.known(connection)
        timed, known = credits.timed(connection), credits.costs(connection)
    usual = speeds.usual(samples)
    hosts = speeds.of_hosts(samples, {**before, **usual})
    if usual or hosts:
        store.write(lambda tx: kept.keep(tx, usual, hosts))
    costs = {name: ps for name, ps in credit.measured(timed).items() if known.get(name) != ps}
    if costs:
        store.write(lambda tx: credits.keep_costs(tx, costs))
    return len(samples)
