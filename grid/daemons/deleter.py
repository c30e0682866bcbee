"""This file is where bytes go that nothing needs any more; what a verdict rests on stays."""

from __future__ import annotations

from grid.db import apply as writes
from grid.db import progress, queries
from grid.db.commands import DAY_S
from grid.db.store import Store

#: Work units in one transaction.
BITE = 200


def do_pass(store: Store, now: int) -> int:
    """Drop duplicate outputs, kept answers and prefix keys whose time is over; how many."""
    with store.read() as connection:
        units = queries.to_delete(connection, BITE)
        kept = queries.housekeeping_due(
            connection, now - store.settings.idempotency_ttl_s, now // DAY_S
        )
    done = 0
    if units:
        done += store.write(lambda tx: progress.delete_leftovers(tx, units, store.outputs.delete))
    if kept:
        done += store.write(
            lambda tx: (
                writes.forget_idempotency_before(
                    tx.connection, now - store.settings.idempotency_ttl_s
                )
                + writes.destroy_prefix_keys_before(tx.connection, now // DAY_S)
            )
        )
    return done
