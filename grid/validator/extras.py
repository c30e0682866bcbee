"""This file is where decided work is asked for once more: rechecks, traps, probation, decoys.

All of it is secret: it is drawn from units of jobs whose seal is shut, looks like any copy, and its
tosses follow from the job's seed.
"""

from __future__ import annotations

from grid.items import WorkUnit
from grid.states import Outcome, Purpose, ServerState, Support, ValidateState
from grid.transition import CreateResults, Instruction
from grid.validator.checks import PROBES_MAX
from grid.validator.modes import BELIEVING, promise
from grid.validator.snapshot import Snapshot
from grid.validator.toss import toss

#: Times that a decided dispute is issued again.
TRAPS = 8
#: Traps go out one by one within this time: a colluder must not see them coming together.
TRAP_SPREAD_S = 60
#: Newcomers that get to know a trusted answer: each costs a copy and is worth a check.
PROBATION_COPIES = 1
#: Copies for a suspect engine, answered or left, in all.
PROBE_COPIES_MAX = 4 * PROBES_MAX
#: Share of quizzes that anybody gets: the others are for newcomers, of whom less is known.
QUIZ_FOR_ANYBODY = 0.5
#: Share of agreed work units of which a needless copy goes out.
DECOY_SHARE = 0.02


def further(unit: WorkUnit, snapshot: Snapshot, now: int) -> list[Instruction]:
    """Copies of a decided work unit that serve to know volunteers better."""
    if unit.policy.mode not in BELIEVING or not snapshot.sealed or snapshot.over:
        return []
    made = {one.purpose for one in unit.results}
    if unit.support is Support.AGREED:
        decoy = [] if snapshot.completed else _decoy(unit, snapshot, now, made)
        return [*_recheck(unit, snapshot, made), *decoy]
    if unit.support is not Support.TRUSTED:
        return []
    probes = _probes(unit, snapshot)
    if made & ({Purpose.TRAP} if unit.is_quiz else {Purpose.TRAP, Purpose.PROBATION}):
        return probes
    if snapshot.trap_room and _has_known_lie(unit):
        for place in range(TRAPS):
            ready = now + _spread(unit, snapshot, place)
            probes.append(_copy(unit, Purpose.TRAP, ready, "a known lie"))
        return probes
    if snapshot.completed:
        return probes
    if unit.is_quiz:
        asked = made & {Purpose.QUIZ, Purpose.PROBATION}
        return [*probes, *([] if asked else [_quiz(unit, snapshot, now)])]
    newcomers = [_copy(unit, Purpose.PROBATION, now, "its answer is known")] * PROBATION_COPIES
    return [*probes, *newcomers]


def wants_recheck(unit: WorkUnit, snapshot: Snapshot) -> bool:
    """Whether this work unit was chosen for a trusted run, should volunteers agree on it."""
    return toss(snapshot.seed, "recheck", unit.id) < promise(unit.policy).recheck


def proof(
    unit: WorkUnit, snapshot: Snapshot, *, ends: bool = True, provable: bool = False
) -> list[Instruction]:
    """A look of the server's at an answer that may end its job, if the unit is not decided, or that
    its input proves right or wrong, if the job's budget allows and no trusted run has decided."""
    if any(one.purpose is Purpose.TRUSTED for one in unit.results) or snapshot.busy:
        return []
    if ends and not unit.decided:
        return [trusted_copy(unit, "its answer may end the job")]
    known = unit.is_quiz or unit.error_mask or unit.support is Support.TRUSTED
    if not provable or known or not snapshot.room or snapshot.completed:
        return []
    return [trusted_copy(unit, "its answer is cheap to check")]


def trusted_copy(unit: WorkUnit, because: str) -> CreateResults:
    """A copy for the server itself."""
    return _copy(unit, Purpose.TRUSTED, 0, because)


def _probes(unit: WorkUnit, snapshot: Snapshot) -> list[Instruction]:
    """One copy at a time for each engine that this work unit made suspect."""
    steps: list[Instruction] = []
    for engine, cause in sorted(snapshot.quarantined.items()):
        probes = [
            one for one in unit.results if one.purpose is Purpose.PROBE and one.engine == engine
        ]
        out = any(one.server_state is not ServerState.OVER for one in probes)
        tried = sum(one.outcome is Outcome.SUCCESS for one in probes)
        wanted = tried < PROBES_MAX and len(probes) < PROBE_COPIES_MAX
        if cause == unit.id and wanted and not out:
            steps.append(_copy(unit, Purpose.PROBE, 0, "its engine is suspect", engine))
    return steps


def _recheck(unit: WorkUnit, snapshot: Snapshot, made: set[Purpose]) -> list[Instruction]:
    if unit.is_quiz or not wants_recheck(unit, snapshot) or Purpose.TRUSTED in made:
        return []
    return [trusted_copy(unit, "drawn for a recheck")]


def _decoy(unit: WorkUnit, snapshot: Snapshot, now: int, made: set[Purpose]) -> list[Instruction]:
    drawn = toss(snapshot.seed, "decoy", unit.id) < DECOY_SHARE
    if not drawn or Purpose.DECOY in made:
        return []
    return [_copy(unit, Purpose.DECOY, now + _spread(unit, snapshot, 0), "drawn for a decoy")]


def _quiz(unit: WorkUnit, snapshot: Snapshot, now: int) -> CreateResults:
    """The one copy of a quiz: for a newcomer, or as drawn for anybody."""
    anybody = toss(snapshot.seed, "quiz for anybody", -unit.ordinal) < QUIZ_FOR_ANYBODY
    purpose = Purpose.QUIZ if anybody else Purpose.PROBATION
    return _copy(unit, purpose, now, "its answer is known")


def _has_known_lie(unit: WorkUnit) -> bool:
    return any(
        one.outcome is Outcome.SUCCESS
        and one.validate_state is ValidateState.INVALID
        and one.server_state is ServerState.OVER
        for one in unit.results
    )


def _spread(unit: WorkUnit, snapshot: Snapshot, place: int) -> int:
    return int(toss(snapshot.seed, "spread", unit.id, place) * TRAP_SPREAD_S)


def _copy(
    unit: WorkUnit, purpose: Purpose, not_before: int, because: str, engine: str | None = None
) -> CreateResults:
    return CreateResults(
        workunit_id=unit.id,
        job_id=unit.job_id,
        count=1,
        priority=unit.policy.priority,
        purpose=purpose,
        not_before=not_before,
        engine=engine,
        because=because,
    )
