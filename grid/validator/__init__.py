"""This package is where a verdict is reached over what came back, and a unit comes to rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from grid import transitioner
from grid.comparators import Answer, Comparator
from grid.items import Result, WorkUnit
from grid.states import (
    AssimilateState,
    FileDeleteState,
    Outcome,
    Purpose,
    ValidateState,
)
from grid.transition import Entity, Freeze, Instruction, Quarantine, Transition, after
from grid.validator import extras
from grid.validator.checks import consequences
from grid.validator.ruling import Keys, Ruling, rule, trusted_answer
from grid.validator.snapshot import Snapshot as Snapshot

#: How a work unit's answers are grouped.
Grouping = Callable[[WorkUnit], Keys]


def grouping(compare: Comparator, outputs: Callable[[int], str | None] | None = None) -> Grouping:
    """Groups by a job type's comparator; `outputs` gives a result's canonical JSON by its id."""

    def keys(unit: WorkUnit) -> Keys:
        given = [
            Answer(
                id=one.id,
                digest=one.output_digest or "",
                output=outputs(one.id) if outputs and compare.needs_output else None,
            )
            for one in unit.results
            if one.outcome is Outcome.SUCCESS
        ]
        trusted = trusted_answer(unit)
        known = unit.canonical_result_id if trusted is None else trusted.id
        if known is None:
            return compare.groups(given)
        return compare.groups_around(given, known=known)

    return keys


def settle(unit: WorkUnit, group: Grouping, snapshot: Snapshot, now: int) -> list[Instruction]:
    """Everything the rules ask of one work unit now: verdict first, then what it still needs.

    Carried out, it leaves nothing to ask under the same snapshot: `settle` of the changed unit is
    empty, but for what the snapshot does not know yet of standings and quarantines.
    """
    return settled(unit, group, snapshot, now)[0]


def settled(
    unit: WorkUnit, group: Grouping, snapshot: Snapshot, now: int, next_id: int = 0
) -> tuple[list[Instruction], WorkUnit]:
    """What `settle` asks for, and the work unit as it is then; new results take ids from `next_id`
    on."""
    steps = transitioner.time_out(unit, now)
    changed = after(unit, steps, next_id)
    voids = _voids(changed, group, snapshot)
    changed = after(changed, voids, next_id)
    keys = group(changed)
    ruling = rule(changed, keys, snapshot, now)
    verdict = _verdict(changed, ruling)
    judged = after(changed, verdict, next_id)
    if verdict:  # an answer nearer to the canonical one than to any group is told now
        keys = group(judged)
    judgements = _judgements(judged, ruling, keys)
    judged = after(judged, judgements, next_id)
    rest: list[Instruction] = []
    if not judged.error_mask:
        rest += consequences(unit, judged, keys, snapshot)
    if ruling.suspect and not snapshot.frozen:
        rest.append(Freeze(job_id=unit.job_id, because=ruling.because))
    needs = transitioner.Needs(
        copies=ruling.copies,
        not_before=ruling.not_before,
        trusted=ruling.trusted,
        last_resort=ruling.last_resort,
        due_at=ruling.due_at,
        completed=snapshot.completed,
        over=snapshot.over,
    )
    rest += transitioner.decide(judged, needs, now)
    rest += extras.further(judged, _suspicions(snapshot, rest), now)
    return [*steps, *voids, *verdict, *judgements, *rest], after(judged, rest, next_id)


def _suspicions(snapshot: Snapshot, steps: Sequence[Instruction]) -> Snapshot:
    """The snapshot with the quarantines that these steps set and lift."""
    changes = [one for one in steps if isinstance(one, Quarantine)]
    if not changes:
        return snapshot
    suspects = dict(snapshot.quarantined)
    for one in changes:
        suspects.pop(one.engine, None)
        if not one.lift:
            suspects[one.engine] = one.cause
    return msgspec.structs.replace(snapshot, quarantined=suspects)


def _voids(unit: WorkUnit, group: Grouping, snapshot: Snapshot) -> list[Instruction]:
    """Answers of the caught count for nothing; what a trusted run covers is past doubt.

    A convicted engine's answer counts where another engine gives the same: it is no bug then.
    """
    covered = trusted_answer(unit) is not None
    suspects = _convicted_alone(unit, group, snapshot) if snapshot.convicted else ()
    steps: list[Instruction] = []
    for one in unit.results:
        if one.outcome is not Outcome.SUCCESS or one.purpose is Purpose.TRUSTED:
            continue
        caught = not covered and (one.id in suspects or snapshot.caught(one.volunteer_id))
        void = one.validate_state is ValidateState.VOID
        if caught and not void:
            steps.append(_judge(one, ValidateState.VOID, "its volunteer or engine was caught"))
        elif void and not caught:
            steps.append(_judge(one, ValidateState.INCONCLUSIVE, "it counts again"))
    return steps


def _convicted_alone(unit: WorkUnit, group: Grouping, snapshot: Snapshot) -> set[int]:
    """Answers of convicted engines that no other engine gives."""
    keys = group(unit)
    given = [one for one in unit.results if one.outcome is Outcome.SUCCESS]
    free = {
        keys[one.id]
        for one in given
        if one.engine not in snapshot.convicted and not snapshot.caught(one.volunteer_id)
    }
    return {
        one.id for one in given if one.engine in snapshot.convicted and keys[one.id] not in free
    }


def _verdict(unit: WorkUnit, ruling: Ruling) -> list[Instruction]:
    """The work unit's own change, if the ruling is not what it was.

    Where somebody else speaks for the very same output, it is merged already.
    """
    chosen = ruling.canonical
    number = None if chosen is None else chosen.id
    if number == unit.canonical_result_id and ruling.support is unit.support:
        return []
    after: dict[str, object] = {"canonical_result_id": number, "support": ruling.support}
    if _digest(unit, number) != _digest(unit, unit.canonical_result_id):
        undone = chosen is None
        after["assimilate_state"] = AssimilateState.INIT if undone else AssimilateState.READY
        if unit.file_delete_state is not FileDeleteState.INIT:
            after["file_delete_state"] = FileDeleteState.INIT
    return [
        Transition(
            entity=Entity.WORKUNIT,
            id=unit.id,
            before={name: getattr(unit, name) for name in after},
            after=after,
            because=ruling.because,
        )
    ]


def _digest(unit: WorkUnit, result_id: int | None) -> str | None:
    return next((one.output_digest for one in unit.results if one.id == result_id), None)


def _judgements(unit: WorkUnit, ruling: Ruling, keys: Keys) -> list[Instruction]:
    """Each answer against the canonical one; without one they are inconclusive."""
    if unit.error_mask:
        return []
    steps: list[Instruction] = []
    for one in unit.results:
        if one.outcome is not Outcome.SUCCESS or one.validate_state is ValidateState.VOID:
            continue
        if ruling.canonical is None:
            state, because = ValidateState.INCONCLUSIVE, "no verdict yet"
        elif keys[one.id] == keys[ruling.canonical.id]:
            state, because = ValidateState.VALID, "agrees with the canonical result"
        else:
            state, because = ValidateState.INVALID, "differs from the canonical result"
        if one.validate_state is not state:
            steps.append(_judge(one, state, because))
    return steps


def _judge(result: Result, state: ValidateState, because: str) -> Transition:
    return Transition(
        entity=Entity.RESULT,
        id=result.id,
        before={"validate_state": result.validate_state},
        after={"validate_state": state},
        because=because,
    )
