"""This file is where it stands what must be true of any store at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from math import isclose

from grid import canonical, replay
from grid.auditlog.entries import About, EntryKind, commitment, pseudonym, vote
from grid.auditlog.granted import granted
from grid.comparators import by_digest
from grid.db import credit_sums, evidence, queries
from grid.db.credit_sums import Sum
from grid.db.evidence import Line, Made, Tally
from grid.db.store import Store
from grid.dispatch import LEFT_COPIES_MAX
from grid.items import Job, Json, Result, WorkUnit
from grid.states import (
    MOVES,
    AssimilateState,
    JobState,
    Outcome,
    Purpose,
    ServerState,
    ValidateState,
)
from grid.transition import Transition
from grid.validator import credit, grouping, settle
from grid.validator.modes import BELIEVING
from grid.validator.snapshot import Snapshot

#: A work unit as the log names it: its job's public id, and its ordinal.
Place = tuple[str, int]
#: What a line of the log tells: its kind, and its facts.
Told = tuple[str, Json]
#: The verdict on a work unit that has no answer.
GAVE_UP = "gave up"
#: Verdicts of one work unit that may be taken back: more than bans in its lifetime ever cost it.
RETRACTIONS_MAX = 25
#: Copies whose answers may decide their work unit.
VOTING = frozenset({Purpose.COPY, Purpose.TRUSTED})
#: Fields that no rule may change once they are set.
FIXED_ONCE_SET = ("host_id", "principal_id", "sent_at", "output_digest", "report_digest", "salt")


class Broken(AssertionError):
    """Something that must always be true is not."""


def demand(truth: bool, promise: str, *about: object) -> None:
    """Raise Broken, with what it is about, unless the promise is kept."""
    if not truth:
        raise Broken("\n  ".join([promise, *map(str, about)]))


def check(store: Store, told: Sequence[Told] | None = None) -> None:
    """Look at everything; raises Broken for the first thing that is out of order.

    `told` is the whole log, where somebody has read it and found it sound.
    """
    with store.read() as connection:
        units = queries.workunits(connection, evidence.workunit_ids(connection))
        jobs = queries.jobs(connection, {unit.job_id for unit in units.values()})
        lines = evidence.lines(connection) if told is None else ()
        texts = evidence.outputs(connection, units.values())
        made = evidence.made(connection)
        tallies = evidence.tallies(connection)
        sums = credit_sums.sums(connection)
        owners = credit_sums.owners(connection, jobs)
    views = {number: view(facts.job, owners[number]) for number, facts in jobs.items()}
    for unit in units.values():
        unit_is_sound(unit, texts)
        credit_is_due(unit, views[unit.job_id])
        if jobs[unit.job_id].job.job_state in (JobState.ACTIVE, JobState.PAUSED):
            nobody_forgets(unit)
            rules_are_settled(unit, views[unit.job_id])
    none_is_lost(made)
    standings_add_up(tallies)
    abouts = {number: store.keyring.about(facts.job) for number, facts in jobs.items()}
    found = lines_are_sound(lines) if told is None else told
    log_is_state(units.values(), abouts, found)
    credit_is_conserved(units.values(), abouts, sums, found)


def view(job: Job, owner: int | None) -> Snapshot:
    """What rules about credit know of a job."""
    return Snapshot(owner=owner, opened_at=job.seal_opened_at)


def credit_is_due(unit: WorkUnit, snapshot: Snapshot) -> None:
    """Every answer was granted what it is worth as things stand, neither more nor twice."""
    for one in unit.results:
        due = credit.granted(unit, one, snapshot)
        demand(one.credit == due, f"credit is {due}, as granted once", one, unit)


def credit_is_conserved(
    units: Iterable[WorkUnit],
    abouts: Mapping[int, About],
    sums: Iterable[Sum],
    found: Iterable[Told],
) -> None:
    """What results were granted is what hosts, volunteers and teams have beside what seals keep
    back, and what the log alone adds up to."""
    for one in sums:
        demand(one.kept == one.found, "credit is conserved", one)
        close = isclose(one.kept_recent, one.found_recent, rel_tol=1e-6)
        demand(close or not one.kept, "averages follow", one)
    owed: Counter[tuple[str, str]] = Counter()
    for unit in units:
        about = abouts[unit.job_id]
        for result in unit.results:
            if result.credit:
                who = pseudonym(about.key, unit.job_id, result.principal_id)
                owed[about.public_id, who] += result.credit
    demand(owed == Counter(granted(found)), "the log tells who was granted what", owed)


def standings_add_up(tallies: Iterable[Tally]) -> None:
    """Each compared answer and each lie is counted once; only an appeal forgets lies."""
    for one in tallies:
        demand(one.compared == one.compared_found, "comparisons are counted once", one)
        demand(one.lies <= one.lies_found, "no lie is counted that nobody told", one)


def none_is_lost(made: Mapping[int, Made]) -> None:
    """Each job has the work units that it says it has made."""
    for number, counts in made.items():
        demand(counts.said == counts.found, "no work unit is lost", f"job {number}", counts)


def unit_is_sound(unit: WorkUnit, texts: Mapping[int, str | None]) -> None:
    """A work unit's copies and verdict make sense, by themselves and together."""
    _nobody_holds_two(unit)
    for one in unit.results:
        _result_is_sound(one, texts[one.id])
    _verdict_is_sound(unit)


def moved(before: WorkUnit, after: WorkUnit) -> None:
    """What was decided, said and done stays so; states took only legal moves."""
    _moved_legally(before, after)
    now = {one.id: one for one in after.results}
    for one in before.results:
        demand(one.id in now, "no result vanishes", one, after)
        later = now[one.id]
        _moved_legally(one, later)
        for field in FIXED_ONCE_SET:
            value = getattr(one, field)
            kept = value is None or getattr(later, field) == value
            demand(kept, f"{field} stays as it was set", one, later)
    chosen = before.canonical_result_id
    kept = chosen is None or after.canonical_result_id == chosen
    void = any(one.validate_state is ValidateState.VOID for one in after.results)
    retracted = void or after.policy.mode in BELIEVING
    demand(kept or retracted, "a verdict stands until somebody is caught", before, after)


def nobody_forgets(unit: WorkUnit) -> None:
    """An open work unit has a copy that will come back, or a time to be looked at again."""
    alive = any(
        one.server_state is not ServerState.OVER and one.purpose in VOTING for one in unit.results
    )
    demand(unit.decided or alive or unit.due_at is not None, "no work unit is forgotten", unit)


def rules_are_settled(unit: WorkUnit, snapshot: Snapshot) -> None:
    """Nothing is left that the rules would ask for, but what only time brings.

    Where verdicts rest on belief, rules settle under one snapshot, and it has moved on since.
    """
    if unit.policy.mode in BELIEVING:
        return
    void = any(one.validate_state is ValidateState.VOID for one in unit.results)
    if void:
        return
    left = [
        one
        for one in settle(unit, grouping(by_digest), snapshot, now=0)
        if not (isinstance(one, Transition) and "file_delete_state" in one.after)
    ]
    demand(not left, "rules settle", *left, unit)


def log_is_state(
    units: Iterable[WorkUnit], abouts: Mapping[int, About], found: Sequence[Told]
) -> None:
    """The whole log tells of exactly what is in these work units, all there are."""
    answers, decided = told_of(units, abouts)
    demand(
        Counter(commitments(found)) == Counter(answers), "each answer is committed to exactly once"
    )
    told = standing({}, found)
    demand(told == decided, "log = state", *(told.items() ^ decided.items()))


def lines_are_sound(lines: Iterable[Line]) -> list[Told]:
    """What log lines tell; raises NotCanonical, or Broken where a replay disagrees."""
    found = []
    for line in lines:
        facts = canonical.loads(line.facts.encode())
        demand((line.job_id is None) == ("job" not in facts), "a job finds its entries", line)
        found.append((line.kind, facts))
    difference = replay.replay(found)
    demand(difference is None, "a replay comes to the same", difference)
    return found


def told_of(
    units: Iterable[WorkUnit], abouts: Mapping[int, About]
) -> tuple[list[str], dict[Place, str]]:
    """Commitments and standing verdicts that the log owes to these work units."""
    answers: list[str] = []
    decided: dict[Place, str] = {}
    for unit in units:
        about = abouts[unit.job_id]
        answers += [
            commitment(vote(unit, one, about))
            for one in unit.results
            if one.outcome is Outcome.SUCCESS
        ]
        chosen = [one for one in unit.results if one.id == unit.canonical_result_id]
        if unit.decided:
            answer = about.digest(chosen[0].output_digest) if chosen else None
            decided[about.public_id, unit.ordinal] = answer or GAVE_UP
    return answers, decided


def commitments(found: Iterable[Told]) -> list[str]:
    """The commitments in the log."""
    return [facts["commitment"] for kind, facts in found if kind == EntryKind.COMMIT]


def standing(before: Mapping[Place, str], found: Iterable[Told]) -> dict[Place, str]:
    """The verdicts that stand after these entries, if those of `before` did."""
    after = dict(before)
    for kind, facts in found:
        if kind not in (EntryKind.VERDICT, EntryKind.RETRACT):
            continue
        place = facts["job"], facts["work_unit"]
        answer = facts["canonical"] or GAVE_UP
        if kind == EntryKind.VERDICT:
            after[place] = answer
        else:
            demand(after.pop(place, None) == answer, "what stands is taken back", place, facts)
    return after


def verdicts_come_to_rest(retracted: Counter[Place], found: Iterable[Told]) -> None:
    """Count the verdicts that these entries take back; none goes to and fro for ever."""
    for kind, facts in found:
        if kind == EntryKind.RETRACT:
            place = facts["job"], facts["work_unit"]
            retracted[place] += 1
            often = retracted[place] > RETRACTIONS_MAX
            demand(not often, "a work unit is not decided again and again", place, facts)


def _result_is_sound(one: Result, text: str | None) -> None:
    sent = one.host_id is not None or (one.purpose is Purpose.TRUSTED and one.epoch > 0)
    over = one.server_state is ServerState.OVER
    success = one.outcome is Outcome.SUCCESS
    demand(sent == (one.epoch > 0) == (one.sent_at is not None), "sent to somebody, once", one)
    demand((one.outcome is Outcome.INIT) != over, "what is over has an outcome", one)
    unneeded = one.server_state is ServerState.UNSENT or one.outcome is Outcome.DIDNT_NEED
    demand(sent or unneeded, "only what was sent can come back", one)
    demand(success == (one.output_digest is not None), "an answer has a digest", one)
    demand(success or one.validate_state is ValidateState.INIT, "only answers are judged", one)
    if success and text is not None:
        demand(canonical.digest(text.encode()) == one.output_digest, "outputs keep", one, text)


def _nobody_holds_two(unit: WorkUnit) -> None:
    """A principal gets another copy only once it has left the one before."""
    before: dict[int | None, Result] = {}
    sent = [one for one in unit.results if one.principal_id is not None]
    for one in sorted(sent, key=lambda result: (result.sent_at or 0, result.id)):
        earlier = before.get(one.principal_id)
        if earlier is not None:
            silent = (earlier.report_deadline or 0) < (one.sent_at or 0)
            left = silent or earlier.outcome is Outcome.ABANDONED
            demand(left, "never two copies for one principal", earlier, one)
        before[one.principal_id] = one
    copies = Counter(one.principal_id for one in sent)
    demand(
        all(count <= LEFT_COPIES_MAX for count in copies.values()), "who leaves is not asked", unit
    )


def _verdict_is_sound(unit: WorkUnit) -> None:
    open_still = unit.assimilate_state is AssimilateState.INIT
    demand(unit.decided != open_still, "what is decided goes on", unit)
    if unit.canonical_result_id is None:
        valid = any(one.validate_state is ValidateState.VALID for one in unit.results)
        demand(not valid, "valid is what agrees with a canonical result", unit)
        return
    demand(not unit.error_mask, "a decided work unit has not given up", unit)
    waiting = any(
        one.server_state is ServerState.UNSENT and one.purpose is Purpose.COPY
        for one in unit.results
    )
    demand(not waiting, "nothing waits that nobody needs", unit)
    canonical_result = next(one for one in unit.results if one.id == unit.canonical_result_id)
    answers = [one for one in unit.results if one.outcome is Outcome.SUCCESS]
    agreeing = [one for one in answers if one.output_digest == canonical_result.output_digest]
    principals = {one.principal_id for one in agreeing}
    checked = any(one.purpose is Purpose.TRUSTED for one in agreeing)
    if unit.policy.mode not in BELIEVING and not checked:
        demand(len(principals) >= unit.policy.min_quorum, "a verdict has its quorum", unit)
    for one in answers:
        if one.validate_state is ValidateState.VOID:
            continue
        agrees = one.output_digest == canonical_result.output_digest
        demand((one.validate_state is ValidateState.VALID) == agrees, "valid means equal", one)


def _moved_legally(before: Result | WorkUnit, after: Result | WorkUnit) -> None:
    for field in MOVES:
        old = getattr(before, field, None)
        if old is not None:
            new = getattr(after, field)
            legal = new == old or new in _reachable(field, old)
            demand(legal, f"{field} moves as it may", f"{old} → {new}", before, after)


@cache
def _reachable(field: str, state: StrEnum) -> frozenset[StrEnum]:
    """Every state that several legal moves may lead to."""
    found: set[StrEnum] = set()
    further = {state}
    while further:
        found |= further
        further = {
            target
            for source, targets in MOVES[field].items()
            if source in further
            for target in targets
        } - found
    return frozenset(found)
