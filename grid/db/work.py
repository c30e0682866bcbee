"""This file is where a batch of `/work` requests becomes one change.

Reports are judged, every work unit they touch is settled, and only then is new work shared out:
a report, the quorum it completes and the canonical result stand in one transaction.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec
from msgspec import Struct

from grid import report
from grid.assimilator import ending
from grid.auditlog import entries
from grid.comparators import Comparator
from grid.db import apply as writes
from grid.db import hot, queries
from grid.db.keyring import Keyring
from grid.db.requests import Assigned as Assigned
from grid.db.requests import Renewal as Renewal
from grid.db.requests import WorkAnswer as WorkAnswer
from grid.db.requests import WorkRequest as WorkRequest
from grid.db.rows import JobFacts
from grid.db.sharing import Sharing
from grid.db.snapshots import Snapshots
from grid.db.transaction import Transaction
from grid.items import Result, WorkUnit
from grid.leases import Lease
from grid.report import Judged, Report
from grid.states import AssimilateState, JobState, Outcome
from grid.transition import Entity, Freeze, Instruction, Transition, after, changed, merged
from grid.validator import extras, grouping, settled

NOTHING: Mapping[int, str] = {}
#: Ids, in log entries' facts, of copies that the database has not numbered yet: nobody's.
NOT_MADE_YET, PROOF_NOT_MADE_YET = -2 * 10**9, -(10**9)


class Context(Struct, frozen=True, kw_only=True):
    """What the batch needs beside the database."""

    keyring: Keyring
    #: Job ids → their facts, read once; nothing here uses a job's state.
    jobs: Callable[[Transaction, set[int]], Mapping[int, JobFacts]]
    #: How a job's answers are compared.
    comparator: Callable[[JobFacts], Comparator]
    sharing: Sharing
    snapshots: Snapshots

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
    shares = context.sharing.share_out(transaction, requests, context.jobs)
    return [
        WorkAnswer(
            judged=tuple(judged[place]),
            renewed=tuple(renewed[place]),
            assigned=tuple(share.assigned),
            why_no_work=share.why_no_work,
            ban_reason=share.ban_reason,
        )
        for place, share in enumerate(shares)
    ]


def units_of(
    transaction: Transaction, ids: Collection[int], context: Context
) -> dict[int, WorkUnit]:
    """Work units with all their copies, by id."""
    return hot.workunits(transaction.connection, sorted(ids), context.policies(transaction))


def settle_units(
    transaction: Transaction,
    units: Mapping[int, WorkUnit],
    context: Context,
    done: Mapping[int, Sequence[Instruction]],
    outputs: Mapping[int, str] = NOTHING,
    promising: Collection[int] = (),
    provable: Collection[int] = (),
) -> None:
    """Settle work units after `done` was decided for them, and carry out all of it.

    `outputs` holds what has come in and is not stored yet; of `promising` work units one answer
    may be enough to end the job, of `provable` ones one is cheap to check.
    """
    numbers = {unit.job_id for unit in units.values()}
    jobs = context.jobs(transaction, numbers)
    people = {
        one.volunteer_id
        for unit in units.values()
        for one in unit.results
        if one.volunteer_id is not None
    }
    known = {number: jobs[number] for number in numbers}
    snapshots = context.snapshots.of(transaction, known, people)
    compares = {number: context.comparator(facts) for number, facts in known.items()}
    abouts = {number: context.keyring.about(facts.job) for number, facts in known.items()}
    batch: list[Instruction] = []
    lines: list[entries.Entry] = []
    now = transaction.now
    for number, unit in units.items():
        job_id, begun = unit.job_id, done.get(number, ())
        snapshot, compare = snapshots[job_id], compares[job_id]
        reported = after(unit, begun, next_id=0)
        group = grouping(compare, _outputs(transaction, reported, compare, outputs))
        rules, final = settled(reported, group, snapshot, now, NOT_MADE_YET)
        if number in promising or number in provable:
            asked = {"ends": number in promising, "provable": number in provable}
            proof = extras.proof(final, snapshot, **asked)
            rules, final = [*rules, *proof], after(final, proof, next_id=PROOF_NOT_MADE_YET)
        mine = merged([*begun, *rules])
        if not mine:
            continue
        snapshots[job_id] = context.snapshots.spend(snapshot, job_id, mine)
        transaction.touched.add(job_id)
        batch.extend(mine)
        keys = group(final) if compare.needs_output else entries.ALIKE_BY_DIGEST
        lines.extend(entries.of_unit(unit, final, mine, abouts[job_id], snapshot, now, keys))
    writes.apply(transaction.connection, batch, lines, transaction.now)
    _after_verdicts(transaction, batch, units, jobs, context)


def _outputs(
    transaction: Transaction, unit: WorkUnit, compare: Comparator, fresh: Mapping[int, str]
) -> Callable[[int], str | None] | None:
    """Where a comparator that must see outputs finds them."""
    if not compare.needs_output:
        return None
    kept = hot.outputs(transaction.connection, [one.id for one in unit.results])
    return lambda number: fresh.get(number) or kept.get(number)


def _after_verdicts(
    transaction: Transaction,
    batch: Sequence[Instruction],
    units: Mapping[int, WorkUnit],
    jobs: Mapping[int, JobFacts],
    context: Context,
) -> None:
    """Make outputs anew that rest on a verdict that was taken back; pause suspect jobs."""
    again: set[int] = set()
    retracted: Counter[int] = Counter()
    for one in batch:
        if isinstance(one, Transition) and one.entity is Entity.WORKUNIT:
            before = units[one.id]
            if before.is_quiz:  # no output rests on it
                continue
            merged_before = before.assimilate_state is AssimilateState.DONE
            if merged_before and "assimilate_state" in one.after:
                again.add(before.job_id)
            decided = before.canonical_result_id is not None
            if decided and {"assimilate_state", "canonical_result_id"} <= one.after.keys():
                retracted[before.job_id] += 1
    for number, verdicts in retracted.items():
        writes.count_retracted(transaction.connection, number, verdicts)
    for number in again:
        writes.restart_merge(transaction.connection, number)
        because = "a verdict was retracted: the output is made anew"
        _move(transaction, jobs[number], JobState.ACTIVE, because, context)
    for one in batch:
        if isinstance(one, Freeze):
            _move(transaction, jobs[one.job_id], JobState.PAUSED, one.because, context)


def _move(
    transaction: Transaction, facts: JobFacts, to: JobState, because: str, context: Context
) -> None:
    """Move a job on if it is where such a move makes sense; it may have moved since."""
    moving = {JobState.PAUSED: JobState.ACTIVE, JobState.ACTIVE: JobState.COMPLETED}
    if not queries.is_in(transaction.connection, facts.job.id, moving[to]):
        return
    job = msgspec.structs.replace(facts.job, job_state=moving[to])
    if to is JobState.PAUSED:
        transition = ending.freeze(job, because)
    else:
        transition = ending.reopen(job, because)
    line = entries.ending(context.keyring.about(job), transition, transaction.now)
    writes.apply(transaction.connection, [transition], [line], transaction.now)
    transaction.touched.add(job.id)


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
    signatures: dict[int, str] = {}
    enough = {number for request in requests for number in request.enough}
    taken: set[int] = set()
    promising: set[int] = set()
    cheap = {number for request in requests for number in request.provable}
    provable: set[int] = set()

    def carry_out(transition: Transition) -> None:
        done[results[transition.id].workunit_id].append(transition)
        results[transition.id] = changed(results[transition.id], transition)

    def one_report(said: Report, request: WorkRequest) -> Judged:
        result = results.get(said.result_id)
        unit = None if result is None else units[result.workunit_id]
        verdict = report.judge(said, result, unit, transaction.now)
        if verdict.transition is not None:
            carry_out(verdict.transition)
            taken.add(said.result_id)
            for texts, kept in ((request.outputs, outputs), (request.signatures, signatures)):
                if said.result_id in texts:
                    kept[said.result_id] = texts[said.result_id]
            if said.result_id in enough and unit is not None:
                promising.add(unit.id)
            if said.result_id in cheap and unit is not None:
                provable.add(unit.id)
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

    judged = [[one_report(said, one) for said in one.reports] for one in requests]
    renewed = [[one_renewal(renewal) for renewal in one.renewals] for one in requests]
    touched = {number: units[number] for number in done}
    if touched:
        settle_units(transaction, touched, context, done, outputs, promising, provable)
        writes.keep_outputs(transaction.connection, outputs, signatures)
        writes.mark_enough(transaction.connection, enough & taken)

    def promised(said: Report, verdict: Judged) -> Judged:
        result = results.get(said.result_id)
        if not verdict.accepted or result is None or result.outcome is not Outcome.SUCCESS:
            return verdict
        return _promised(transaction, verdict, result, units[result.workunit_id], context)

    pairs = [
        zip(one.reports, mine, strict=True) for one, mine in zip(requests, judged, strict=True)
    ]
    return [[promised(*pair) for pair in mine] for mine in pairs], renewed


def _promised(
    transaction: Transaction, verdict: Judged, result: Result, unit: WorkUnit, context: Context
) -> Judged:
    """A verdict with what the log will hold of the answer."""
    about = context.keyring.about(context.jobs(transaction, {unit.job_id})[unit.job_id].job)
    hidden = entries.commitment(entries.vote(unit, result, about))
    return msgspec.structs.replace(verdict, commitment=hidden, at=result.received_at or 0)
