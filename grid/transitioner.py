"""This file is where a work unit gets the results it needs, times them out, or gives up."""

from __future__ import annotations

from collections import Counter

from grid.items import Policy, Result, WorkUnit
from grid.states import (
    AssimilateState,
    ErrorMask,
    FileDeleteState,
    Outcome,
    ServerState,
    ValidateState,
)
from grid.transition import CreateResults, Entity, Instruction, Transition

#: Outcomes that count towards `max_total_results`: leaving and silence are not errors.
COUNTED = frozenset({Outcome.INIT, Outcome.SUCCESS, Outcome.CLIENT_ERROR, Outcome.VALIDATE_ERROR})
ERRORS = frozenset({Outcome.CLIENT_ERROR, Outcome.VALIDATE_ERROR})
LEFT = frozenset({Outcome.NO_REPLY, Outcome.ABANDONED})


def decide(unit: WorkUnit, wanted: int, now: int) -> list[Instruction]:
    """What this work unit needs now; nothing once that is carried out.

    `wanted` is how many more agreeing answers the validator is waiting for; 0 once decided. Times
    out silent copies, gives up past the policy's bounds, makes missing copies, calls back copies
    that nobody needs, and marks the leftovers of a settled unit for deletion. Promises nothing
    about validate states: those are the validator's.
    """
    silent = [result for result in unit.results if _is_overdue(result, now)]
    timeouts = [_over(result, Outcome.NO_REPLY, "no reply by its deadline") for result in silent]
    mask = ErrorMask.NONE if unit.decided else _error_mask(unit, silent)
    if mask:
        return [*timeouts, *_give_up(unit, mask)]
    if unit.decided:
        return [*timeouts, *_call_back(unit), *_wind_up(unit, silent)]
    return [*timeouts, *_create(unit, silent, wanted)]


def cancel(unit: WorkUnit) -> list[Instruction]:
    """What ends a work unit whose job was cancelled or has failed; nothing when it was decided."""
    return [] if unit.decided else _give_up(unit, ErrorMask.CANCELLED)


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


def _error_mask(unit: WorkUnit, silent: list[Result]) -> ErrorMask:
    outcomes = Counter(result.outcome for result in unit.results)
    policy = unit.policy
    mask = ErrorMask.NONE
    if sum(outcomes[outcome] for outcome in ERRORS) >= policy.max_error_results:
        mask |= ErrorMask.TOO_MANY_ERROR_RESULTS
    if outcomes[Outcome.SUCCESS] >= policy.max_success_results:
        mask |= ErrorMask.TOO_MANY_SUCCESS_RESULTS
    if sum(outcomes[outcome] for outcome in LEFT) + len(silent) >= policy.max_abandoned_results:
        mask |= ErrorMask.TOO_MANY_ABANDONED_RESULTS
    if not _alive(unit, silent) and _counted(unit, silent) >= policy.max_total_results:
        mask |= ErrorMask.TOO_MANY_TOTAL_RESULTS
    return mask


def _alive(unit: WorkUnit, silent: list[Result]) -> int:
    """Copies that may still bring an answer in time."""
    waiting = sum(result.server_state is not ServerState.OVER for result in unit.results)
    return waiting - len(silent)


def _counted(unit: WorkUnit, silent: list[Result]) -> int:
    return sum(result.outcome in COUNTED for result in unit.results) - len(silent)


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
        },
        after={"error_mask": mask, "assimilate_state": AssimilateState.READY},
        because=f"gave up: {mask.name}",
    )
    return [verdict, *losers, *_call_back(unit)]


def _call_back(unit: WorkUnit) -> list[Instruction]:
    return [
        _over(result, Outcome.DIDNT_NEED, "decided without it")
        for result in unit.results
        if result.server_state is ServerState.UNSENT
    ]


def _wind_up(unit: WorkUnit, silent: list[Result]) -> list[Instruction]:
    held = sum(result.server_state is ServerState.IN_PROGRESS for result in unit.results)
    if not unit.settled or held > len(silent) or unit.file_delete_state is not FileDeleteState.INIT:
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


def _create(unit: WorkUnit, silent: list[Result], wanted: int) -> list[Instruction]:
    policy: Policy = unit.policy
    target = wanted if unit.results else max(wanted, policy.target_nresults)
    room = policy.max_total_results - _counted(unit, silent)
    count = min(target - _alive(unit, silent), room)
    if count <= 0:
        return []
    return [
        CreateResults(
            workunit_id=unit.id,
            job_id=unit.job_id,
            count=count,
            first=not unit.results,
            priority=policy.priority,
            because=f"{wanted} more equal answers are needed",
        )
    ]
