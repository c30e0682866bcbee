"""This file is where it is measured how fast hosts are, and how long a job type's rows take.

Only answers that were found right are measured, and every principal has one voice: whoever says
that it is very fast or slow moves nothing but its own figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import median

from msgspec import Struct

#: Below so many principals there is no usual speed to speak of.
PRINCIPALS_MIN = 3
#: Work units that took less say more of a clock's steps than of the host.
ELAPSED_LEAST_MS = 5
#: How far apart hosts are believed to be, in thousandths of the median speed.
SPEED_LEAST_MILLI, SPEED_MOST_MILLI = 20, 50_000


class Sample(Struct, frozen=True, kw_only=True):
    """A right answer, and how long it took."""

    job_type: str
    host_id: int
    principal_id: int
    #: Of its work unit; where points are counted, the cost that is declared of it instead.
    rows: int
    #: As the host says.
    elapsed_ms: int
    #: Between sending and its report by the server's clock, one second added for its steps.
    turnaround_ms: int


def _row_ns(sample: Sample) -> float:
    elapsed_ms = max(min(sample.elapsed_ms, sample.turnaround_ms), ELAPSED_LEAST_MS)
    return elapsed_ms * 1_000_000 / max(sample.rows, 1)


def usual(samples: Iterable[Sample]) -> dict[str, int]:
    """Job type → nanoseconds a row at the median principal; only where enough were measured."""
    by_type: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in samples:
        by_type[one.job_type][one.principal_id].append(_row_ns(one))
    return {
        job_type: max(1, round(median(median(several) for several in voices.values())))
        for job_type, voices in by_type.items()
        if len(voices) >= PRINCIPALS_MIN
    }


def of_hosts(samples: Iterable[Sample], row_ns: Mapping[str, int]) -> dict[int, int]:
    """Host → thousandths of the usual speed, by the middle of its answers."""
    found: dict[int, list[float]] = defaultdict(list)
    for one in samples:
        if one.job_type in row_ns:
            found[one.host_id].append(row_ns[one.job_type] * 1000 / _row_ns(one))
    return {
        host: min(max(round(median(several)), SPEED_LEAST_MILLI), SPEED_MOST_MILLI)
        for host, several in found.items()
    }


def by_score(score: int | None, scores: Iterable[int]) -> int:
    """Thousandths of the usual speed of a host that has computed nothing yet: its score beside
    those of the hosts that are here; 1000 where that says nothing."""
    others = sorted(scores)
    if not score or len(others) < PRINCIPALS_MIN:
        return 1000
    return min(max(round(score * 1000 / median(others)), SPEED_LEAST_MILLI), SPEED_MOST_MILLI)
