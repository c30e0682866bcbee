"""This file is where one's trouble is kept from the others that a daemon looks after."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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


def together(
    step: Callable[[Store, Sequence[int]], int], store: Store, numbers: Sequence[int]
) -> tuple[int, set[int]]:
    """What `step` did for several in one go; when that fails, for each of them alone, and for whom
    it failed then."""
    try:
        return step(store, numbers), set()
    except Exception:
        log.exception("several could not be moved on together", count=len(numbers))
    done, failed = 0, set()
    for number in numbers:
        try:
            done += step(store, [number])
        except Exception:
            log.exception("one could not be moved on", number=number)
            failed.add(number)
    return done, failed
