"""This file is where what the log has published becomes the public record, right behind it."""

from __future__ import annotations

from grid.db import published
from grid.db.store import Store

#: Leaves taken in one transaction: some tens of thousands of rows, a second's work.
LEAVES_MAX = 16


def do_pass(store: Store, now: int) -> int:
    """Take every leaf that is signed for; how many."""
    newest = published.checkpoint(store.log)
    if newest is None:
        return 0
    size, done = newest[1].size, 0
    while (first := store.record.taken()) < size:
        with store.read() as connection:
            last = min(first + LEAVES_MAX, size)
            found = [published.leaf(connection, store.log, one) for one in range(first, last)]
        done += store.record.take(first, found)
    return done
