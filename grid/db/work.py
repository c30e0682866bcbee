"""This file is where a batch of `/work` requests becomes one change.

Reports are judged, every work unit they touch is settled, and only then is new work shared out:
a report, the quorum it completes and the canonical result stand in one transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from grid import dispatch, report
from grid.auditlog import entries
from grid.comparators import Comparator
from grid.db import apply as writes
from grid.db import hot
from grid.db.hot import Waiting
from grid.db.keyring import Keyring
from grid.db.rows import JobFacts
from grid.db.transaction import Transaction
from grid.dispatch import Ask, Candidate, WhyNoWork
from grid.items import Host, Mode, WorkUnit
from grid.leases import Lease
from grid.report import Judged, Report
from grid.transition import Instruction, Transition, after, merged
from grid.validator import settle

#: Candidates read beyond what is asked for, so that some may be refused without a second look.
SLACK = 8


class Renewal(Struct, frozen=True, kw_only=True):
    """A host that is still computing."""

    result_id: int
    lease: Lease | None


class WorkRequest(Struct, frozen=True, kw_only=True):
    """One host's reports, renewals and wish for more."""

    host: Host
    reports: tuple[Report, ...] = ()
    #: Canonical JSON of accepted outputs, by result id.
    outputs: Mapping[int, str] = {}
    renewals: tuple[Renewal, ...] = ()
    want: int = 0


class Assigned(Struct, frozen=True, kw_only=True):
    """A result the host may compute now."""

    lease: Lease
    job: JobFacts
    first_chunk: int
    chunk_count: int


class WorkAnswer(Struct, frozen=True, kw_only=True):
    """What one request is answered; lists are as long as the request's."""

    judged: tuple[Judged, ...]
    renewed: tuple[Lease | None, ...]
    assigned: tuple[Assigned, ...]
    why_no_work: WhyNoWork | None


class Context(Struct, frozen=True, kw_only=True):
    """What the batch needs beside the database."""

    keyring: Keyring
    #: Job ids → their facts, read once; nothing here uses a job's state.
    jobs: Callable[[Transaction, set[int]], Mapping[int, JobFacts]]
    #: How a job's answers are compared.
    comparator: Callable[[JobFacts], Comparator]

    def policies(self, transaction: Transaction) -> hot.Policies:
        """Job ids → their policies."""
        return lambda ids: {
            number: facts.job.policy
            for number, facts in self.jobs(transaction, ids).items()
            if number in ids
        }


def work(
    transaction: Transaction, requests: Sequence[WorkRequest], context: Context
) -> list[WorkAnswer]:
    """Do a whole batch; raises `apply.Lost` when another process was quicker."""
    units = _units(transaction, requests, context)
    judged, renewed = _take(transaction, requests, units, context)
    given = _share_out(transaction, requests, context)
    return [
        WorkAnswer(
            judged=tuple(judged[place]),
            renewed=tuple(renewed[place]),
            assigned=tuple(given[place][0]),
            why_no_work=given[place][1],
        )
        for place in range(len(requests))
    ]


def settle_units(
    transaction: Transaction,
    units: Mapping[int, WorkUnit],
    context: Context,
    done: Mapping[int, Sequence[Instruction]],
) -> None:
    """Settle work units after `done` was decided for them, and carry out all of it."""
    numbers = {unit.job_id for unit in units.values()}
    jobs = context.jobs(transaction, numbers)
    abouts = {number: context.keyring.about(jobs[number].job) for number in numbers}
    batch: list[Instruction] = []
    lines: list[entries.Entry] = []
    for number, unit in units.items():
        facts = jobs[unit.job_id]
        changed = after(unit, done.get(number, ()), next_id=0)
        rules = settle(changed, context.comparator(facts), transaction.now)
        mine = merged([*done.get(number, ()), *rules])
        if not mine:
            continue
        transaction.touched.add(unit.job_id)
        batch.extend(mine)
        lines.extend(
            entries.of_unit(
                after(changed, rules, next_id=-(10**9)),
                mine,
                abouts[unit.job_id],
                transaction.now,
            )
        )
    writes.apply(transaction.connection, batch, lines, transaction.now)


def _units(
    transaction: Transaction, requests: Sequence[WorkRequest], context: Context
) -> dict[int, WorkUnit]:
    named = {one.result_id for request in requests for one in request.reports}
    named |= {one.result_id for request in requests for one in request.renewals}
    if not named:
        return {}
    return hot.workunits_of(transaction.connection, named, context.policies(transaction))


def _take(
    transaction: Transaction,
    requests: Sequence[WorkRequest],
    units: dict[int, WorkUnit],
    context: Context,
) -> tuple[list[list[Judged]], list[list[Lease | None]]]:
    results = {one.id: one for unit in units.values() for one in unit.results}
    done: dict[int, list[Instruction]] = defaultdict(list)
    outputs: dict[int, str] = {}

    def carry_out(transition: Transition) -> None:
        unit_id = results[transition.id].workunit_id
        done[unit_id].append(transition)
        changed = after(units[unit_id], done[unit_id], next_id=0)
        results[transition.id] = next(one for one in changed.results if one.id == transition.id)

    def one_report(said: Report, texts: Mapping[int, str]) -> Judged:
        result = results.get(said.result_id)
        unit = None if result is None else units[result.workunit_id]
        verdict = report.judge(said, result, unit, transaction.now)
        if verdict.transition is not None:
            carry_out(verdict.transition)
            if said.result_id in texts:
                outputs[said.result_id] = texts[said.result_id]
        return verdict

    def one_renewal(renewal: Renewal) -> Lease | None:
        result = results.get(renewal.result_id)
        if result is None or renewal.lease is None:
            return None
        bound = units[result.workunit_id].policy.delay_bound_s
        transition = report.renew(result, renewal.lease, bound, transaction.now)
        if transition is None:
            return None
        carry_out(transition)
        return Lease(
            result_id=result.id,
            host_id=renewal.lease.host_id,
            deadline=results[result.id].report_deadline or 0,
            epoch=result.epoch,
        )

    judged = [[one_report(said, one.outputs) for said in one.reports] for one in requests]
    renewed = [[one_renewal(renewal) for renewal in one.renewals] for one in requests]
    touched = {number: units[number] for number in done}
    if touched:
        settle_units(transaction, touched, context, done)
        writes.keep_outputs(transaction.connection, outputs)
    return judged, renewed


def _share_out(
    transaction: Transaction, requests: Sequence[WorkRequest], context: Context
) -> list[tuple[list[Assigned], WhyNoWork | None]]:
    given: list[tuple[list[Assigned], WhyNoWork | None]] = [([], None) for _ in requests]
    asking = [place for place, request in enumerate(requests) if request.want > 0]
    if not asking:
        return given
    connection = transaction.connection
    hosts = [requests[place].host.id for place in asking]
    limit = sum(requests[place].want for place in asking) + SLACK
    pool, leases = hot.offer(connection, hosts, limit)
    asks = {
        place: Ask(
            host=requests[place].host,
            want=requests[place].want,
            leases=leases.get(requests[place].host.id, 0),
        )
        for place in asking
    }
    unlucky = _hand_over(transaction, asks, pool, context, given)
    if len(pool) == limit:  # there is more than was looked at
        for place in unlucky:
            _look_further(transaction, place, asks[place], context, given)
    return given


def _look_further(
    transaction: Transaction,
    place: int,
    ask: Ask,
    context: Context,
    given: list[tuple[list[Assigned], WhyNoWork | None]],
) -> None:
    """Give a host what lies beyond the pool: one copy of each work unit that it may have."""
    host, (mine, reason) = ask.host, given[place]
    more, had = ask.want - len(mine), len(mine)
    own = hot.waiting_for(transaction.connection, host.principal_id, host.trusted, more)
    again = Ask(host=host, want=more, leases=ask.leases + had)
    _hand_over(transaction, {place: again}, own, context, given)
    if given[place][1] is WhyNoWork.NO_WORK:  # what it was refused is the reason
        given[place] = given[place][0], reason


def _hand_over(
    transaction: Transaction,
    asks: Mapping[int, Ask],
    pool: Sequence[Waiting],
    context: Context,
    given: list[tuple[list[Assigned], WhyNoWork | None]],
) -> list[int]:
    """Assign from the pool into `given`; the places that could use a second look."""
    jobs = context.jobs(transaction, {one.job_id for one in pool})
    candidates = [
        Candidate(
            result_id=one.result_id,
            workunit_id=one.workunit_id,
            trusted_only=jobs[one.job_id].job.policy.mode is Mode.TRUSTED,
            delay_bound_s=jobs[one.job_id].job.policy.delay_bound_s,
            held_by=one.held_by,
        )
        for one in pool
    ]
    by_result = {one.result_id: one for one in pool}
    shares = dispatch.assign(list(asks.values()), candidates, transaction.now)
    batch = [transition for share in shares for transition in share.transitions]
    writes.apply(transaction.connection, batch, (), transaction.now)
    unlucky = []
    for place, share in zip(asks, shares, strict=True):
        mine = given[place][0]
        for transition in share.transitions:
            spot = by_result[transition.id]
            transaction.touched.add(spot.job_id)
            mine.append(
                Assigned(
                    lease=Lease(
                        result_id=transition.id,
                        host_id=transition.after["host_id"],
                        deadline=transition.after["report_deadline"],
                        epoch=transition.after["epoch"],
                    ),
                    job=jobs[spot.job_id],
                    first_chunk=spot.first_chunk,
                    chunk_count=spot.chunk_count,
                )
            )
        given[place] = mine, share.why_no_work
        if share.why_no_work in (WhyNoWork.NEEDS_OTHERS, WhyNoWork.TRUSTED_ONLY):
            unlucky.append(place)
    return unlucky
