"""This file is where it is decided which result goes to which host, and why none does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from grid.dispatch.facts import LEASES_PER_HOST_MAX as LEASES_PER_HOST_MAX
from grid.dispatch.facts import LEASES_PER_PRINCIPAL_MAX as LEASES_PER_PRINCIPAL_MAX
from grid.dispatch.facts import LEFT_COPIES_MAX as LEFT_COPIES_MAX
from grid.dispatch.facts import Ask as Ask
from grid.dispatch.facts import Candidate as Candidate
from grid.dispatch.facts import Fleet as Fleet
from grid.dispatch.facts import Given as Given
from grid.dispatch.facts import Offer as Offer
from grid.dispatch.facts import WhyNoWork as WhyNoWork
from grid.dispatch.facts import Wish as Wish
from grid.dispatch.matching import is_newcomer, refused, refused_job
from grid.dispatch.selectors import STOCK, Selector, ordered, priority
from grid.items import Host, Result
from grid.states import Purpose, ServerState
from grid.transition import Entity, Transition

#: What a host is given at a time, in its own estimated milliseconds for each of its slots, beyond
#: the first result: a slow host asks often rather than hold what others would have done long ago.
HELD_MS_MAX = 120_000

#: Times a copy is given to its host again; each time the deadline begins anew.
RESENDS_MAX = 5

_REASONS = tuple(WhyNoWork)


def assign(
    asks: Sequence[Ask],
    candidates: Sequence[Candidate],
    now: int,
    fleet: Fleet = Fleet(),  # noqa: B008 (frozen)
    selectors: Mapping[str, Selector] = STOCK,
    default: str = "priority",
    toss: int = 0,
) -> list[Given]:
    """Share the candidates out, asks in the order they came, candidates as a selector orders them.

    No principal gets two copies of a work unit, no result goes out twice, and none goes to a host
    that may not have it. Newcomers are offered their probation first. `toss` is a number that
    differs from batch to batch.
    """
    batch = _Batch(candidates, fleet, now)
    probation = any(one.purpose is Purpose.PROBATION for one in candidates)
    shares = []
    for ask in asks:
        chosen = selectors.get(ask.wish.selector or default, priority)
        queue = ordered(chosen, candidates, ask, toss)
        if probation and is_newcomer(ask):
            queue = sorted(queue, key=lambda one: one.purpose is not Purpose.PROBATION)
        shares.append(batch.serve(ask, queue))
    return shares


def resend(result: Result, delay_bound_s: int, now: int) -> Transition | None:
    """Give a copy to its own host once more, because the lease never reached it.

    The earlier lease is void from then on. None when the host does not hold it, or has lost it too
    often: then its deadline decides.
    """
    if result.server_state is not ServerState.IN_PROGRESS or result.epoch > RESENDS_MAX:
        return None
    return Transition(
        entity=Entity.RESULT,
        id=result.id,
        before={"server_state": ServerState.IN_PROGRESS, "epoch": result.epoch},
        after={"epoch": result.epoch + 1, "report_deadline": now + delay_bound_s},
        because="its host never heard of it",
    )


class _Batch:
    """What asks that are served together take from each other."""

    def __init__(self, candidates: Sequence[Candidate], fleet: Fleet, now: int) -> None:
        self._candidates, self._fleet, self._now = candidates, fleet, now
        #: So many of them, from the first on, have been taken.
        self._gone = 0
        self._taken: set[int] = set()
        self._holders: dict[int, list[Ask]] = defaultdict(list)
        self._by_host: dict[int, int] = defaultdict(int)
        self._by_principal: dict[int, int] = defaultdict(int)

    def serve(self, ask: Ask, queue: Sequence[Candidate]) -> Given:
        """Give what it may have, in this order, until it has enough."""
        room, full = self._room(ask)
        mine: list[Transition] = []
        found: set[WhyNoWork] = set()
        jobs: dict[int, WhyNoWork | None] = {}
        budget_ms = HELD_MS_MAX * max(ask.wish.slots or 1, 1)
        for candidate in self._left(queue) if room > 0 else ():
            if len(mine) == room:
                break
            if candidate.result_id in self._taken:
                continue
            why = self._refused(ask, candidate, jobs)
            if why is not None:
                found.add(why)
                continue
            budget_ms -= candidate.offer.unit_ms * 1000 // max(ask.speed_milli, 1)
            if mine and budget_ms < 0:
                room, full = len(mine), WhyNoWork.TOO_MANY_LEASES
                break
            self._take(ask, candidate)
            mine.append(_lease(ask.host, candidate, self._now))
        why = None
        if len(mine) < ask.want:
            why = full if len(mine) >= room else _most_telling(found)
        return Given(transitions=tuple(mine), why_no_work=why)

    def _left(self, queue: Sequence[Candidate]) -> Iterable[Candidate]:
        """The queue without what its head has lost already."""
        if queue is not self._candidates:
            return queue
        while self._gone < len(queue) and queue[self._gone].result_id in self._taken:
            self._gone += 1
        return islice(queue, self._gone, None)

    def _refused(
        self, ask: Ask, candidate: Candidate, jobs: dict[int, WhyNoWork | None]
    ) -> WhyNoWork | None:
        offer = candidate.offer
        if offer.job_id not in jobs:
            jobs[offer.job_id] = refused_job(ask, offer, self._now)
        given = self._holders.get(candidate.workunit_id, ())
        return jobs[offer.job_id] or refused(ask, candidate, self._fleet, given)

    def _room(self, ask: Ask) -> tuple[int, WhyNoWork]:
        """How many results it may get, and why no more."""
        if ask.banned:
            return 0, WhyNoWork.BANNED
        host, group = self._by_host[ask.host.id], self._by_principal[ask.host.principal_id]
        slots = LEASES_PER_HOST_MAX if ask.wish.slots is None else ask.wish.slots
        allowed = min(ask.allowed - host, ask.group_allowed - group)
        leases = min(
            min(slots, LEASES_PER_HOST_MAX) - ask.leases - host,
            LEASES_PER_PRINCIPAL_MAX - ask.group_leases - group,
        )
        full = WhyNoWork.OVER_QUOTA if allowed < leases else WhyNoWork.TOO_MANY_LEASES
        return min(ask.want, allowed, leases), full

    def _take(self, ask: Ask, candidate: Candidate) -> None:
        self._taken.add(candidate.result_id)
        self._holders[candidate.workunit_id].append(ask)
        self._by_host[ask.host.id] += 1
        self._by_principal[ask.host.principal_id] += 1


def _most_telling(found: set[WhyNoWork]) -> WhyNoWork:
    return max(found, key=_REASONS.index, default=WhyNoWork.NO_WORK)


def _lease(host: Host, candidate: Candidate, now: int) -> Transition:
    return Transition(
        entity=Entity.RESULT,
        id=candidate.result_id,
        before={"server_state": ServerState.UNSENT},
        after={
            "server_state": ServerState.IN_PROGRESS,
            "host_id": host.id,
            "principal_id": host.principal_id,
            "volunteer_id": host.volunteer_id,
            "engine": host.engine,
            "epoch": 1,
            "sent_at": now,
            "report_deadline": now + candidate.offer.delay_bound_s,
        },
        because=f"sent to host {host.id}",
    )
