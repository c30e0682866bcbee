"""This file is where one job's trouble is kept from the others that a daemon looks after."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from grid.db.store import Store

log = structlog.get_logger("grid.daemons")


def alone(step: Callable[[Store, int], int], store: Store, job_id: int) -> int:
    """What `step` did for a job; 0, and a line in the log, when it failed."""
    try:
        return step(store, job_id)
    except Exception:
        log.exception("a job could not be moved on", job=job_id)
        return 0
