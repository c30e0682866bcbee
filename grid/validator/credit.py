"""This file is where it is decided what a work unit is worth, and who is granted that.

A work unit's credit is fixed when it is made: the cost that its job type declares × what one unit
of that cost takes the server, as measured on the server's own runs and trusted hosts. Each answer
that stands as right is granted it whole, once; what is retracted is taken back.

The unit is BOINC's cobblestone (https://boinc.berkeley.edu/wiki/Computation_credit): 1/200 of a
day's work of a machine that does 10⁹ floating-point operations a second, so 432 seconds of it.
Nobody measures operations here, so the server's own core counts as that machine, however fast it
is: our credits compare volunteers of one server, never two servers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate

from msgspec import Struct

from grid.items import Job, Result, WorkUnit
from grid.speeds import ELAPSED_LEAST_MS
from grid.states import Outcome, ValidateState
from grid.validator.snapshot import Snapshot

#: Millionths of a credit in one credit.
MICRO = 1_000_000
#: Seconds of the reference machine that are one credit: a day / 200.
CREDIT_S = 432
#: Picoseconds that are one millionth of a credit.
MICRO_PS = CREDIT_S * 10**12 // MICRO
#: What a unit of declared cost is taken to last before one was measured, in picoseconds: an exact
#: sum takes 2.3 to 3.2 ns a value in V8.
DEFAULT_COST_PS = 3_000
#: No work unit is worth less than what is too short to be timed.
LEAST_PS = ELAPSED_LEAST_MS * 10**9
#: None is worth more than a day of the reference machine: a job type may declare what it likes.
MOST_MICRO = 200 * MICRO
#: After so long the credit of an answer counts half in the average, as in BOINC.
HALF_LIFE_S = 7 * 86_400
#: The time at which weights are 1. Floats hold weights from 2020 to 2055.
EPOCH_S = 2_100_000_000
#: ln 2: an exponentially decaying sum, divided by its mean life, is an average.
LN2 = 0.6931471805599453
DAY_S = 86_400


class Timed(Struct, frozen=True, kw_only=True):
    """How long a right answer took whom the server trusts."""

    job_type_digest: str
    #: As declared.
    cost: int
    elapsed_ms: int
    #: Between its sending and its report by the server's clock.
    turnaround_ms: int


def worth(cost: int, cost_ps: int | None) -> int:
    """Millionths of a credit for work of this declared cost; `cost_ps` is what a unit of it takes,
    None before it was measured."""
    taken_ps = max(cost * (cost_ps or DEFAULT_COST_PS), LEAST_PS)
    return min(max(taken_ps // MICRO_PS, 1), MOST_MICRO)


def of_workunit(job: Job, ordinal: int, cost_ps: int | None) -> int:
    """What a work unit that is made now is worth; the job's last one may be smaller."""
    last = ordinal == job.workunit_count - 1
    return worth(job.last_cost if last else job.unit_cost, cost_ps)


def measured(samples: Iterable[Timed]) -> dict[str, int]:
    """Job type digest → picoseconds for a unit of declared cost.

    The median over the samples, each weighted by its cost: half of what was computed went faster.
    So many tiny work units, of which most is overhead, make nothing dearer.
    """
    by_type: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in samples:
        elapsed_ms = max(min(one.elapsed_ms, one.turnaround_ms), ELAPSED_LEAST_MS)
        cost = max(one.cost, 1)
        by_type[one.job_type_digest].append((max(elapsed_ms * 10**9 // cost, 1), cost))
    return {name: _median(sorted(several)) for name, several in by_type.items()}


def _median(weighed: Sequence[tuple[int, int]]) -> int:
    sums = list(accumulate(weight for _, weight in weighed))
    return weighed[bisect_left(sums, sums[-1] / 2)][0]


def is_own(result: Result, snapshot: Snapshot) -> bool:
    """Whether the job's own requester computed this."""
    return snapshot.owner is not None and result.volunteer_id == snapshot.owner


def granted(unit: WorkUnit, result: Result, snapshot: Snapshot) -> int:
    """Millionths of a credit that an answer is granted as things stand.

    All that a right answer is worth, whatever its copy was for: its host cannot know. Nothing for
    the server's own runs, for the requester's own hosts, and for a copy that was sent before the
    seal opened and answered afterwards, when its answer could be read.
    """
    right = result.validate_state is ValidateState.VALID and result.outcome is Outcome.SUCCESS
    if not right or result.volunteer_id is None:
        return 0
    if is_own(result, snapshot) or _could_be_read(result, snapshot.opened_at):
        return 0
    return unit.credit


def _could_be_read(result: Result, opened_at: int | None) -> bool:
    if opened_at is None or result.sent_at is None or result.received_at is None:
        return False
    return result.sent_at <= opened_at < result.received_at


def weight(time: int) -> float:
    """How much what was computed at `time` counts beside what is computed at EPOCH_S.

    A sum of weighted credits never has to be looked at again as time goes by: `average` divides by
    the weight of its own present. So grants add up in any order, and are taken back exactly.
    """
    return float(2.0 ** ((time - EPOCH_S) / HALF_LIFE_S))


def average(recent: float, now: int) -> float:
    """Credits a day, lately, out of a sum of weighted millionths of a credit.

    RAC of BOINC (`update_average` in its lib/util.cpp), for time that runs continuously: whoever is
    granted c credits every day comes to c, and half of that is gone a half-life after they stop.
    """
    return recent / weight(now) * LN2 * DAY_S / HALF_LIFE_S / MICRO


def spelled(micro: int) -> str:
    """An amount as people read it: credits with as many places as there are, six at most."""
    whole, rest = divmod(micro, MICRO)
    places = f"{rest:06d}".rstrip("0")
    return f"{whole:,}.{places}" if places else f"{whole:,}"
