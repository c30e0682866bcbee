"""This file is where equal answers make a result canonical.

BOINC accepts an answer with floor(min_quorum/2)+1 copies. Here `min_quorum` equal answers from
different principals are needed, and no other answer may have as many; answers are grouped by the
job type's comparator, so the order in which they came never matters.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from grid.comparators import Comparator
from grid.items import Result, WorkUnit
from grid.states import AssimilateState, Outcome, ValidateState
from grid.transition import Entity, Instruction, Transition

#: Answer → the results that gave it, earliest first.
Groups = dict[Hashable, list[Result]]


def groups(results: Iterable[Result], compare: Comparator) -> Groups:
    """The successful results by answer; within a group by time of receipt, then id."""
    grouped: Groups = {}
    successes = [result for result in results if result.outcome is Outcome.SUCCESS]
    for result in sorted(successes, key=lambda one: (one.received_at or 0, one.id)):
        grouped.setdefault(compare(result), []).append(result)
    return grouped


def votes(group: list[Result]) -> int:
    """How many different principals stand behind an answer."""
    return len({result.principal_id for result in group})


def winner(unit: WorkUnit, compare: Comparator) -> list[Result] | None:
    """The group that quorum chose, or None."""
    grouped = sorted(groups(unit.results, compare).values(), key=votes, reverse=True)
    if not grouped or votes(grouped[0]) < unit.policy.min_quorum:
        return None
    tied = len(grouped) > 1 and votes(grouped[1]) == votes(grouped[0])
    return None if tied else grouped[0]


def wanted(unit: WorkUnit, compare: Comparator) -> int:
    """How many more answers it takes until the leading answer can win; 0 once decided."""
    if unit.decided:
        return 0
    counts = sorted(
        (votes(group) for group in groups(unit.results, compare).values()), reverse=True
    )
    best, second = (*counts, 0, 0)[:2]
    return max(unit.policy.min_quorum - best, 1 if best == second and best else 0)


def decide(unit: WorkUnit, compare: Comparator) -> list[Instruction]:
    """The verdict that the answers allow; nothing when there is none, or it has been given.

    A decided unit's late answers are measured against the canonical one. Answers of a unit that
    has given up are left as they are.
    """
    if unit.canonical_result_id is not None:
        return _measure_late(unit, compare)
    if unit.decided:
        return []
    chosen = winner(unit, compare)
    if chosen is None:
        return [
            _judge(result, ValidateState.INCONCLUSIVE, "no quorum yet")
            for result in unit.results
            if _is_unjudged(result)
        ]
    verdict = Transition(
        entity=Entity.WORKUNIT,
        id=unit.id,
        before={"canonical_result_id": None, "assimilate_state": unit.assimilate_state},
        after={"canonical_result_id": chosen[0].id, "assimilate_state": AssimilateState.READY},
        because=f"{votes(chosen)} equal answers",
    )
    return [verdict, *_measure(unit, compare, compare(chosen[0]))]


def _measure_late(unit: WorkUnit, compare: Comparator) -> list[Instruction]:
    canonical = next(one for one in unit.results if one.id == unit.canonical_result_id)
    return _measure(unit, compare, compare(canonical))


def _measure(unit: WorkUnit, compare: Comparator, answer: Hashable) -> list[Instruction]:
    return [
        _judge(result, ValidateState.VALID, "agrees with the canonical result")
        if compare(result) == answer
        else _judge(result, ValidateState.INVALID, "differs from the canonical result")
        for result in unit.results
        if result.outcome is Outcome.SUCCESS
        and result.validate_state in (ValidateState.INIT, ValidateState.INCONCLUSIVE)
    ]


def _is_unjudged(result: Result) -> bool:
    return result.outcome is Outcome.SUCCESS and result.validate_state is ValidateState.INIT


def _judge(result: Result, state: ValidateState, because: str) -> Transition:
    return Transition(
        entity=Entity.RESULT,
        id=result.id,
        before={"validate_state": result.validate_state},
        after={"validate_state": state},
        because=because,
    )
