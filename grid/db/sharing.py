"""This file is where waiting results are shared out to the hosts of a batch.

It reads who asks and what waits, lets the rules of `dispatch` decide, and carries it out. What it
remembers from batch to batch (who was here, whose work was served, which jobs are at their end)
only orders things; what other processes know of it is learnt every few seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from grid import dispatch
from grid.db import apply as writes
from grid.db import asking
from grid.db.crowd import Crowd
from grid.db.found import Facts, Ready, Unheard, Waiting
from grid.db.requests import Assigned, WorkRequest
from grid.db.rows import JobFacts
from grid.db.served import Served
from grid.db.transaction import Transaction
from grid.dispatch import quota
from grid.dispatch.facts import Ask, Candidate, Given, Offer, WhyNoWork
from grid.dispatch.matching import is_newcomer, refused_job
from grid.dispatch.quota import Bucket
from grid.dispatch.selectors import STOCK, Selector
from grid.items import Mode
from grid.leases import Lease
from grid.transition import Transition

#: Job ids → their facts.
Jobs = Callable[[Transaction, set[int]], Mapping[int, JobFacts]]

#: Candidates read beyond what is asked for, so that some may be refused without a second look.
SLACK = 8
#: Jobs whose work is looked at in one batch; the next batch begins with whom this one served least.
JOBS_LOOKED_MAX = 32
#: A job is so large at least for its last tenth to be worth waiting for swift hosts.
TAIL_JOB_MIN = 20
TAIL_SHARE = 10
#: So long swift hosts have the last work units of a job to themselves.
TAIL_GRACE_S = 10

#: Reasons that hold for what was looked at, so that looking further may help.
SOFT = frozenset(
    {
        WhyNoWork.NO_WORK,
        WhyNoWork.RESERVED,
        WhyNoWork.TRUSTED_ONLY,
        WhyNoWork.NOT_CAPABLE,
        WhyNoWork.NOT_WISHED,
        WhyNoWork.LEAVING_SOON,
        WhyNoWork.NEEDS_OTHERS,
    }
)


class Share(msgspec.Struct):
    """What one request gets."""

    host_id: int
    assigned: list[Assigned] = []
    why_no_work: WhyNoWork | None = None
    ban_reason: str | None = None


class Sharing:
    """Shares out for one server process; only the writer's thread calls it."""

    def __init__(
        self, selectors: Mapping[str, Selector] = STOCK, default: str = "priority"
    ) -> None:
        self.selectors, self._default = selectors, default
        self.crowd = Crowd()
        self.served = Served()
        #: Job → when its last work units began to wait.
        self._tails: dict[int, int] = {}
        self._batches = 0

    def share_out(
        self, transaction: Transaction, requests: Sequence[WorkRequest], jobs: Jobs
    ) -> list[Share]:
        """Give each request what it wants and may have; in the order of the requests."""
        given = [Share(host_id=one.host.id) for one in requests]
        asking_now = [place for place, one in enumerate(requests) if one.want > 0]
        if asking_now:
            self._batches += 1
            if self.served.learn(transaction):
                self.crowd.learn(transaction.connection, transaction.now)
            _Round(self, transaction, requests, jobs, given).serve(asking_now)
        return given

    def in_turn(self, offers: Sequence[Offer]) -> list[Offer]:
        """Jobs in the order in which to look for their work."""
        waiting = {one.job_id for one in offers}
        self._tails = {job: since for job, since in self._tails.items() if job in waiting}
        return self.served.in_turn(offers)

    def assign(self, asks: Sequence[Ask], queue: Sequence[Candidate], now: int) -> list[Given]:
        """The rules' word."""
        fleet = self.crowd.fleet(now)
        toss = self._batches
        return dispatch.assign(asks, queue, now, fleet, self.selectors, self._default, toss)

    def is_tail(self, facts: JobFacts, ready: Ready, seen: int, limit: int, now: int) -> bool:
        """Whether what waits of a job (`seen`, of at most `limit` that were read) is its end, and
        swift hosts still have the first say."""
        total = facts.job.workunit_count
        if not ready.made or seen == limit or total < TAIL_JOB_MIN or seen * TAIL_SHARE > total:
            self._tails.pop(ready.job_id, None)
            return False
        return now - self._tails.setdefault(ready.job_id, now) < TAIL_GRACE_S


class _Round:
    """One batch."""

    def __init__(
        self,
        sharing: Sharing,
        transaction: Transaction,
        requests: Sequence[WorkRequest],
        jobs: Jobs,
        given: list[Share],
    ) -> None:
        self._sharing, self._transaction, self._requests = sharing, transaction, requests
        self._jobs, self._given = jobs, given
        self._facts: Mapping[int, JobFacts] = {}
        self._ready: Mapping[int, Ready] = {}
        #: Jobs whose last work units wait for swift hosts.
        self._tails: set[int] = set()

    def serve(self, places: Sequence[int]) -> None:
        """Read, decide and carry out for the requests at these places."""
        connection, now = self._transaction.connection, self._transaction.now
        hosts = {self._requests[place].host.id for place in places}
        known, ready = asking.asking(connection, hosts, now)
        self._ready = {one.job_id: one for one in ready}
        self._facts = self._jobs(self._transaction, set(self._ready))
        asks = {place: self._ask(place, known[self._requests[place].host.id]) for place in places}
        for place, ask in asks.items():
            self._sharing.crowd.saw(ask, now)
            self._given[place].ban_reason = known[ask.host.id].ban_reason
        self._again(asks)
        asks = {place: ask for place, ask in asks.items() if ask.want > 0}
        if not asks:
            return
        offers = self._sharing.in_turn([self._offer(one) for one in ready])
        looked = offers[:JOBS_LOOKED_MAX]
        wanted = sum(ask.want for ask in asks.values())
        limit = SLACK + (wanted if len(looked) < 3 else -(-2 * wanted // len(looked)))
        if len(looked) > 1:  # twins of a better job must not make room for a lesser one
            copies = [self._facts[one.job_id].job.policy.target_nresults for one in looked]
            limit = max(limit, SLACK + wanted * max(copies))
        found = asking.waiting(connection, [one.job_id for one in looked], limit, now)
        self._tails = {
            number
            for number, several in found.items()
            if self._sharing.is_tail(
                self._facts[number], self._ready[number], len(several), limit, now
            )
        }
        short = self._hand_over(asks, found)
        if len(offers) > len(looked) or any(len(one) == limit for one in found.values()):
            for place in short:  # there is more than was looked at
                self._look_further(place, asks[place], offers)

    def _ask(self, place: int, known: Facts) -> Ask:
        request, now = self._requests[place], self._transaction.now
        mine = Bucket(size=known.quota, left_milli=known.left_milli, at=known.left_at)
        ours = Bucket(
            size=known.group_quota, left_milli=known.group_left_milli, at=known.group_left_at
        )
        return Ask(
            host=request.host,
            want=request.want,
            wish=request.wish,
            leases=known.leases,
            group_leases=known.group_leases,
            allowed=quota.available(mine, now),
            group_allowed=quota.available(ours, now),
            checks2=known.checks2,
            banned=known.ban_reason is not None,
            reserved_job_id=known.reserved,
            speed_milli=known.speed_milli,
        )

    def _offer(self, ready: Ready, tail: bool = False) -> Offer:
        job = self._facts[ready.job_id].job
        asked = job.policy.priority
        return Offer(
            job_id=job.id,
            account_id=job.account_id,
            job_type=job.job_type,
            priority=asked if ready.priority is None else ready.priority,
            asked_priority=asked,
            topics=frozenset(job.topics),
            needs=job.needs,
            trusted_only=job.policy.mode is Mode.TRUSTED,
            owner_only=job.owner_only,
            delay_bound_s=job.policy.delay_bound_s,
            min_engines=job.policy.min_engines,
            unit_ms=job.unit_ms,
            quarantined=frozenset(ready.quarantined),
            tail=tail,
        )

    def _candidates(self, job_id: int, waiting: Sequence[Waiting]) -> list[Candidate]:
        offer = self._offer(self._ready[job_id], job_id in self._tails)
        return [_candidate(one, offer) for one in waiting]

    def _hand_over(
        self, asks: Mapping[int, Ask], found: Mapping[int, Sequence[Waiting]]
    ) -> list[int]:
        """Assign from what was found; the places that could use a second look."""
        queue = self._sharing.served.queue(
            [self._candidates(number, several) for number, several in found.items()]
        )
        spots = {one.result_id: one for several in found.values() for one in several}
        offers = {one.result_id: one.offer for one in queue}
        given = self._sharing.assign(list(asks.values()), queue, self._transaction.now)
        batch = [transition for share in given for transition in share.transitions]
        writes.apply(self._transaction.connection, batch, (), self._transaction.now)
        short = []
        for place, share in zip(asks, given, strict=True):
            mine = self._given[place]
            for transition in share.transitions:
                self._sharing.served.took(offers[transition.id])
                spot = spots[transition.id]
                self._hold(mine, transition, spot.job_id, spot)
            mine.why_no_work = share.why_no_work
            if share.why_no_work in SOFT:
                short.append(place)
        return short

    def _look_further(self, place: int, ask: Ask, offers: Sequence[Offer]) -> None:
        """Give a host what lies beyond the first look: one copy of each work unit that it may
        have, of the jobs that it may serve."""
        now, mine = self._transaction.now, self._given[place]
        fitting = [one.job_id for one in offers if refused_job(ask, one, now) is None]
        if not fitting:
            return
        reason, had = mine.why_no_work, len(mine.assigned)
        more = ask.want - had
        newcomer = is_newcomer(ask)
        found = asking.waiting_for(
            self._transaction.connection,
            fitting[:JOBS_LOOKED_MAX],
            more + SLACK,
            now,
            ask.host.principal_id,
            ask.host.engine,
            newcomer=newcomer,
            lonely=newcomer and bool(self._sharing.crowd.fleet(now).proven),
        )
        again = msgspec.structs.replace(
            ask,
            want=more,
            leases=ask.leases + had,
            group_leases=ask.group_leases + had,
            allowed=ask.allowed - had,
            group_allowed=ask.group_allowed - had,
        )
        self._hand_over({place: again}, found)
        if mine.why_no_work is WhyNoWork.NO_WORK:  # what it was refused is the reason
            mine.why_no_work = reason

    def _again(self, asks: dict[int, Ask]) -> None:
        """Give hosts again what they hold and have not heard of; lowers what they want."""
        lost = {
            ask.host.id: place
            for place, ask in asks.items()
            if self._lists_less(place, ask) and not ask.banned
        }
        if not lost:
            return
        held = asking.held(self._transaction.connection, lost)
        self._facts = self._jobs(
            self._transaction, {*self._ready, *(one.result.job_id for one in held)}
        )
        batch: list[Transition] = []
        for one in held:
            place = lost[one.result.host_id or 0]
            if one.result.id in (self._requests[place].holding or ()) or asks[place].want == 0:
                continue
            bound = self._facts[one.result.job_id].job.policy.delay_bound_s
            transition = dispatch.resend(one.result, bound, self._transaction.now)
            if transition is not None:
                batch.append(transition)
                asks[place] = msgspec.structs.replace(asks[place], want=asks[place].want - 1)
                self._hold(self._given[place], transition, one.result.job_id, one)
        writes.apply(self._transaction.connection, batch, (), self._transaction.now)

    def _lists_less(self, place: int, ask: Ask) -> bool:
        holding = self._requests[place].holding
        return holding is not None and len(holding) < ask.leases

    def _hold(
        self, mine: Share, transition: Transition, job_id: int, spot: Waiting | Unheard
    ) -> None:
        self._transaction.touched.add(job_id)
        lease = Lease(
            result_id=transition.id,
            host_id=mine.host_id,
            deadline=transition.after["report_deadline"],
            epoch=transition.after["epoch"],
        )
        mine.assigned.append(
            Assigned(
                lease=lease,
                job=self._facts[job_id],
                first_chunk=spot.first_chunk,
                chunk_count=spot.chunk_count,
                quiz=spot.quiz,
            )
        )


def _candidate(one: Waiting, offer: Offer) -> Candidate:
    if not one.others:
        return Candidate(
            result_id=one.result_id,
            workunit_id=one.workunit_id,
            offer=offer,
            purpose=one.purpose,
            raised=one.priority - offer.asked_priority,
            engine=one.engine,
        )
    return Candidate(
        result_id=one.result_id,
        workunit_id=one.workunit_id,
        offer=offer,
        purpose=one.purpose,
        raised=one.priority - offer.asked_priority,
        engine=one.engine,
        held_by=one.held_by,
        kinds=one.kinds if offer.min_engines > 1 else frozenset(),
        newcomer=one.newcomer,
    )
