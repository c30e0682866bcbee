"""This file is where a work unit gets the results it needs, times them out, or gives up."""

from __future__ import annotations

from msgspec import Struct

from grid.items import Mode, Policy, Result, WorkUnit
from grid.states import (
    AWAITED,
    AssimilateState,
    ErrorMask,
    FileDeleteState,
    Outcome,
    Purpose,
    ServerState,
    Support,
    ValidateState,
)
from grid.transition import CreateResults, Entity, Instruction, Transition

#: Outcomes that count towards `max_total_results`: leaving and silence are not errors.
COUNTED = frozenset({Outcome.INIT, Outcome.SUCCESS, Outcome.CLIENT_ERROR, Outcome.VALIDATE_ERROR})
ERRORS = frozenset({Outcome.CLIENT_ERROR, Outcome.VALIDATE_ERROR})
#: What a copy made after others came back goes before: begun work units finish first.
RETRY_PRIORITY = 1
LEFT = frozenset({Outcome.NO_REPLY, Outcome.ABANDONED})
#: Modes that make `target_nresults` copies at once; in the others they go out one after another.
COUNTING = frozenset({Mode.FIXED, Mode.TRUSTED})


class Needs(Struct, frozen=True, kw_only=True):
    """What the validator waits for."""

    #: Copies that should be out or about to go out.
    copies: int = 0
    #: When further copies may go out.
    not_before: int = 0
    #: Whether the server should compute it.
    trusted: bool = False
    #: Whether the server itself tries what volunteers fail at or leave, before it is given up.
    last_resort: bool = False
    #: When to look again although nothing has happened.
    due_at: int | None = None
    #: Whether its job has its output.
    completed: bool = False
    #: Whether its job has no use for anything more.
    over: bool = False


def decide(unit: WorkUnit, needs: Needs, now: int) -> list[Instruction]:
    """What this work unit needs now; nothing once that is carried out.

    Times out silent copies, gives up past the policy's bounds or deadline, makes missing copies,
    calls back copies that nobody needs, and marks the leftovers of a settled unit for deletion.
    Promises nothing about validate states: those are the validator's.
    """
    silent = [result for result in unit.results if _is_overdue(result, now)]
    timeouts = _time_out(silent)
    mask = ErrorMask.NONE if unit.decided else _error_mask(unit, silent, needs, now)
    if mask:
        return [*timeouts, *_give_up(unit, mask)]
    created = [] if unit.error_mask else _create(unit, silent, needs)
    due = None if unit.decided else _due(unit, needs)
    rest = _call_back(unit, needs) if unit.decided else []
    winding = [] if created else _wind_up(unit, ending=len(silent) + len(rest))
    return [*timeouts, *rest, *_set_due(unit, due), *winding, *created]


def time_out(unit: WorkUnit, now: int) -> list[Instruction]:
    """The end of copies whose deadline has passed in silence."""
    return _time_out([result for result in unit.results if _is_overdue(result, now)])


def lost_bits(unit: WorkUnit, silent: int = 0) -> ErrorMask:
    """Whether too many copies have failed, were left or are unsolved; `silent` are about to be
    timed out."""
    errors = left = unsolved = 0
    for one in unit.results:
        if one.purpose is Purpose.COPY:
            errors += one.outcome in ERRORS
            left += one.outcome in LEFT
            unsolved += one.outcome is Outcome.UNSOLVED
    mask = ErrorMask.NONE
    if errors >= unit.policy.max_error_results:
        mask |= ErrorMask.TOO_MANY_ERROR_RESULTS
    if left + silent >= unit.policy.max_abandoned_results:
        mask |= ErrorMask.TOO_MANY_ABANDONED_RESULTS
    if unsolved >= unit.policy.max_total_results:
        mask |= ErrorMask.TOO_MANY_TOTAL_RESULTS
    return mask


def cancel(unit: WorkUnit) -> list[Instruction]:
    """What ends a work unit whose job was cancelled or has failed; nothing when it was decided."""
    return [] if unit.decided else _give_up(unit, ErrorMask.CANCELLED)


def _time_out(silent: list[Result]) -> list[Instruction]:
    return [_over(result, Outcome.NO_REPLY, "no reply by its deadline") for result in silent]


def _is_overdue(result: Result, now: int) -> bool:
    return (
        result.server_state is ServerState.IN_PROGRESS
        and result.report_deadline is not None
        and result.report_deadline < now
    )


def _over(result: Result, outcome: Outcome, because: str) -> Transition:
    return Transition(
        entity=Entity.RESULT,
        id=result.id,
        before={"server_state": result.server_state, "outcome": result.outcome},
        after={"server_state": ServerState.OVER, "outcome": outcome},
        because=because,
    )


def _error_mask(unit: WorkUnit, silent: list[Result], needs: Needs, now: int) -> ErrorMask:
    policy = unit.policy
    mask = ErrorMask.NONE
    if policy.deadline_at is not None and policy.deadline_at <= now:
        mask |= ErrorMask.PAST_DEADLINE
    if not needs.last_resort:
        mask |= lost_bits(unit, _copies_among(silent))
    if not needs.copies:
        # Answers enough are too many only while they do not suffice: not while the server computes.
        return mask
    answers = sum(_counts(one) and one.outcome is Outcome.SUCCESS for one in unit.results)
    if answers >= policy.max_success_results:
        mask |= ErrorMask.TOO_MANY_SUCCESS_RESULTS
    spent = _counted(unit, silent) >= policy.max_total_results
    if spent and not _alive(unit, silent):
        mask |= ErrorMask.TOO_MANY_TOTAL_RESULTS
    return mask


def _alive(unit: WorkUnit, silent: list[Result]) -> int:
    """Copies that may still bring an answer in time."""
    waiting = sum(
        result.server_state is not ServerState.OVER and result.purpose is Purpose.COPY
        for result in unit.results
    )
    return waiting - _copies_among(silent)


def _counted(unit: WorkUnit, silent: list[Result]) -> int:
    return sum(map(_counts, unit.results)) - _copies_among(silent)


def _counts(result: Result) -> bool:
    """Whether it counts towards the policy's bounds; the answers of the caught do not."""
    return (
        result.purpose is Purpose.COPY
        and result.outcome in COUNTED
        and result.validate_state is not ValidateState.VOID
    )


def _copies_among(results: list[Result]) -> int:
    return sum(result.purpose is Purpose.COPY for result in results)


def _give_up(unit: WorkUnit, mask: ErrorMask) -> list[Instruction]:
    losers: list[Instruction] = [
        Transition(
            entity=Entity.RESULT,
            id=result.id,
            before={"validate_state": result.validate_state},
            after={"validate_state": ValidateState.INVALID},
            because="its work unit gave up",
        )
        for result in unit.results
        if mask is not ErrorMask.CANCELLED and result.validate_state is ValidateState.INCONCLUSIVE
    ]
    verdict = Transition(
        entity=Entity.WORKUNIT,
        id=unit.id,
        before={
            "error_mask": unit.error_mask,
            "canonical_result_id": None,
            "assimilate_state": unit.assimilate_state,
            "due_at": unit.due_at,
        },
        after={
            "error_mask": mask,
            "assimilate_state": AssimilateState.READY,
            "due_at": None,
        },
        because=f"gave up: {mask.name}",
    )
    return [verdict, *losers, *_call_back(unit, Needs(over=True))]


def _call_back(unit: WorkUnit, needs: Needs) -> list[Instruction]:
    """Copies that were for the verdict; once the job has its output, those that find no liars; once
    it is over, traps as well.

    A recheck is made all the same: a job that ends soon is no safer place for a lie.
    """
    gone = unit.canonical_result_id is None
    needless = {Purpose.COPY}
    if needs.completed:
        needless |= set(Purpose) - AWAITED
    if needs.over or gone:
        needless |= set(Purpose) - {Purpose.TRUSTED}
    if gone or unit.support is Support.TRUSTED:
        needless.add(Purpose.TRUSTED)
    return [
        _over(result, Outcome.DIDNT_NEED, "decided without it")
        for result in unit.results
        if result.server_state is ServerState.UNSENT and result.purpose in needless
    ]


def _due(unit: WorkUnit, needs: Needs) -> int | None:
    """When only time can move it on: what the validator waits for, or its job's deadline."""
    times = [time for time in (needs.due_at, unit.policy.deadline_at) if time is not None]
    return min(times, default=None)


def _set_due(unit: WorkUnit, due_at: int | None) -> list[Instruction]:
    if due_at == unit.due_at:
        return []
    return [
        Transition(
            entity=Entity.WORKUNIT,
            id=unit.id,
            before={"due_at": unit.due_at},
            after={"due_at": due_at},
            because="only time can move it on" if due_at else "it need not be looked at again",
        )
    ]


def _wind_up(unit: WorkUnit, ending: int) -> list[Instruction]:
    """`ending` copies come to their end in this very step."""
    out = sum(result.server_state is not ServerState.OVER for result in unit.results)
    if not unit.settled or out > ending or unit.file_delete_state is not FileDeleteState.INIT:
        return []
    return [
        Transition(
            entity=Entity.WORKUNIT,
            id=unit.id,
            before={"file_delete_state": FileDeleteState.INIT},
            after={"file_delete_state": FileDeleteState.READY},
            because="settled, and no copy is out",
        )
    ]


def _create(unit: WorkUnit, silent: list[Result], needs: Needs) -> list[Instruction]:
    policy: Policy = unit.policy
    made: list[Instruction] = []
    if needs.trusted and not _trusted_is_out(unit, silent):
        made.append(_copies(unit, 1, Purpose.TRUSTED, 0, "volunteers cannot settle it"))
    target = needs.copies
    if not target:
        return made
    if not unit.results and policy.mode in COUNTING:
        target = max(target, policy.target_nresults)
    room = policy.max_total_results - _counted(unit, silent)
    count = min(target - _alive(unit, silent), room)
    if count > 0:
        because = f"{needs.copies} more equal answers are needed"
        made.append(_copies(unit, count, Purpose.COPY, needs.not_before, because))
    return made


def _trusted_is_out(unit: WorkUnit, silent: list[Result]) -> bool:
    return any(
        one.purpose is Purpose.TRUSTED
        and one.server_state is not ServerState.OVER
        and one not in silent
        for one in unit.results
    )


def _copies(
    unit: WorkUnit, count: int, purpose: Purpose, not_before: int, because: str
) -> CreateResults:
    again = any(one.server_state is ServerState.OVER for one in unit.results)
    return CreateResults(
        workunit_id=unit.id,
        job_id=unit.job_id,
        count=count,
        first=not unit.results,
        priority=unit.policy.priority + (RETRY_PRIORITY if again else 0),
        purpose=purpose,
        not_before=not_before,
        because=because,
    )
