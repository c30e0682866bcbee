"""This file is where `grid serve` runs without its public log: nothing is written, hashed, signed.

Nobody should run it but whoever measures what the log costs.

    python -m benchmarks.unlogged serve
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from grid.auditlog import entries
from grid.auditlog.entries import Entry
from grid.daemons.integrator import Integrator
from grid.db import apply as writes
from grid.db.apply import instructions
from grid.db.store import Store
from web.main import app


def nothing_said(*_given: object, **_named: object) -> list[Entry]:
    """What is told of a work unit: nothing."""
    return []


def nothing_kept(connection: Connection, entries: Sequence[Entry], now: int) -> None:
    """What is kept of entries: nothing."""


def nothing_published(self: Integrator, store: Store, now: int) -> int:
    """What a pass publishes: nothing."""
    return 0


if __name__ == "__main__":
    entries.of_unit = nothing_said
    instructions.log = writes.log = nothing_kept
    Integrator.do_pass = nothing_published  # type: ignore[method-assign]
    app()
