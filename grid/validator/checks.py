"""This file is where a verdict comes home: checks survived, certain lies, bans, quarantines.

A lone wrong answer sets a volunteer's checks to zero, and bans only who lies again and in more than
one compared answer of 200. The same wrong answer from two principals bans both when their engines
are of different kinds, or when an equal engine got it right; otherwise the engine is the suspect,
and gets nothing more of this job until one like it proves it innocent. While no volunteer at all
has got the work unit right, the reference may have the bug: a trap's answer will tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from grid.items import Result, WorkUnit
from grid.states import Purpose, Support, ValidateState
from grid.transition import Adjust, Entity, Instruction, Quarantine, Transition
from grid.validator.credit import granted, is_own
from grid.validator.modes import BELIEVING
from grid.validator.ruling import Keys, kind
from grid.validator.snapshot import Snapshot

#: Certain lies that may be a machine's bad day.
LIES_FORGIVEN_MAX = 1
#: Compared answers for each further lie: bans above 0.5 %.
COMPARED_PER_LIE_MIN = 200
#: Further tries of a suspect engine; all wrong, and it is convicted.
PROBES_MAX = 5
AGREEMENT2, CONFIRMATION2 = 1, 2
#: Before a verdict: nothing follows from such an answer.
WAITING = frozenset({ValidateState.INIT, ValidateState.INCONCLUSIVE})


def consequences(
    before: WorkUnit, unit: WorkUnit, keys: Keys, snapshot: Snapshot
) -> list[Instruction]:
    """What the step from `before` to `unit` means for those who answered."""
    if unit.policy.mode not in BELIEVING:
        return _granted_only(unit, snapshot)
    if all(one.validate_state in WAITING and not one.credit for one in unit.results):
        return []
    earlier = {one.id: one.validate_state for one in before.results}
    innocent = _engines_that_agree(unit)
    liars = _liars(unit)
    proves = _proves(unit, snapshot)
    adjusts: dict[int, Adjust] = {}
    steps: list[Instruction] = []
    for one in unit.results:
        if one.volunteer_id is None:
            continue
        lied = one.lied or (one in liars and (one.engine or "") in innocent)
        step = _marked(unit, one, lied, snapshot, proves)
        turned = (
            one.validate_state is ValidateState.INVALID
            and earlier.get(one.id) is not ValidateState.INVALID
            and one.engine not in snapshot.quarantined
        )
        if step is not None:
            steps.append(step)
        if turned or (step is not None and step.after.keys() != {"credit"}):
            _add(adjusts, one, step, turned)
    colluders = _colluders(unit, keys)
    _sentence(snapshot, liars, colluders - _colluders(before, keys), adjusts)
    quarantines = _quarantines(unit, keys, snapshot, liars, colluders, innocent)
    return [*steps, *adjusts.values(), *quarantines]


def colluded(
    same: Sequence[tuple[int | None, str | None]], innocent: Collection[str | None]
) -> bool:
    """Whether those who told the same certain lie, as (principal, engine), told it on purpose.

    One principal may be one broken machine, and one engine one bug, unless an equal engine is
    among the `innocent` that got it right. While nobody at all did, the reference may have the bug.
    """
    together = len({principal for principal, _ in same}) > 1
    kinds = {kind(engine) for _, engine in same}
    several = len(kinds) > 1 and bool(innocent)
    return together and (several or any(engine in innocent for _, engine in same))


def is_habit(lies: int, compared: int) -> bool:
    """Whether so many certain lies in so many compared answers are more than a bad day."""
    return lies > LIES_FORGIVEN_MAX and lies * COMPARED_PER_LIE_MIN > compared


def _granted_only(unit: WorkUnit, snapshot: Snapshot) -> list[Instruction]:
    """In the modes that count votes credit moves, and no standing.

    Their quorum is the requester's to choose: a friendly one would make a liar's rate look small.
    """
    steps: list[Instruction] = []
    for one in unit.results:
        if one.volunteer_id is None:
            continue
        credit = {"credit": granted(unit, one, snapshot)}
        step = _changed(one, credit, "compared with the canonical result")
        if step is not None:
            steps.append(step)
    return steps


def _proves(unit: WorkUnit, snapshot: Snapshot) -> bool:
    """Whether the verdict shows anything about those it is held against.

    It does when a trusted run gave it, or several principals as far as the mode asks, the job's
    owner apart; a lone answer would be compared with itself.
    """
    if unit.support is Support.TRUSTED:
        return True
    agreeing = {
        one.principal_id
        for one in unit.results
        if one.validate_state is ValidateState.VALID and not is_own(one, snapshot)
    }
    return unit.support is Support.AGREED and len(agreeing) > 1


def _is_read(one: Result, snapshot: Snapshot) -> bool:
    """Whether an answer came when the job's output could be read already."""
    return snapshot.output_at is not None and (one.received_at or 0) > snapshot.output_at


def _worth(unit: WorkUnit, one: Result, shown: bool) -> int:
    """Half checks that an answer is worth as things stand, if the verdict has `shown` anything.

    What waits to be decided anew keeps its worth: it is somebody else who was caught.
    """
    if one.validate_state is ValidateState.INCONCLUSIVE:
        return one.checks2
    if one.validate_state is not ValidateState.VALID or not shown:
        return 0
    return CONFIRMATION2 if unit.support is Support.TRUSTED else AGREEMENT2


def _marked(
    unit: WorkUnit, one: Result, lied: bool, snapshot: Snapshot, proves: bool
) -> Transition | None:
    judged = one.validate_state in (ValidateState.VALID, ValidateState.INVALID)
    shown = proves and not is_own(one, snapshot) and not _is_read(one, snapshot)
    worth = {
        "checks2": _worth(unit, one, shown),
        "compared": one.compared or lied or (judged and shown),
        "lied": lied,
        "credit": granted(unit, one, snapshot),
    }
    return _changed(one, worth, "counted for its volunteer")


def _changed(one: Result, wanted: Mapping[str, object], because: str) -> Transition | None:
    after = {name: value for name, value in wanted.items() if getattr(one, name) != value}
    if not after:
        return None
    return Transition(
        entity=Entity.RESULT,
        id=one.id,
        before={name: getattr(one, name) for name in after},
        after=after,
        because=because,
    )


def _add(adjusts: dict[int, Adjust], one: Result, step: Transition | None, reset: bool) -> None:
    assert one.volunteer_id is not None
    known = adjusts.get(one.volunteer_id) or Adjust(volunteer_id=one.volunteer_id)
    after = {} if step is None else step.after
    gained = after.get("checks2", one.checks2) - one.checks2
    adjusts[one.volunteer_id] = msgspec.structs.replace(
        known,
        # What starts again from zero has nothing to give back.
        checks2=known.checks2 + (max(gained, 0) if reset or known.reset else gained),
        compared=known.compared + ("compared" in after),
        lies=known.lies + ("lied" in after),
        reset=known.reset or reset,
    )


def _liars(unit: WorkUnit) -> list[Result]:
    """Those whose answer a trusted run has shown to be wrong."""
    if unit.support is not Support.TRUSTED:
        return []
    return [
        one
        for one in unit.results
        if one.validate_state is ValidateState.INVALID and one.volunteer_id is not None
    ]


def _engines_that_agree(unit: WorkUnit) -> set[str]:
    """Engines that have got this work unit right."""
    return {
        one.engine or ""
        for one in unit.results
        if one.validate_state is ValidateState.VALID and one.purpose is not Purpose.TRUSTED
    }


def _colluders(unit: WorkUnit, keys: Keys) -> set[int]:
    """Results that are the same certain lie, told on purpose."""
    innocent = _engines_that_agree(unit)
    lies: dict[str, list[Result]] = {}
    for one in _liars(unit):
        lies.setdefault(keys[one.id], []).append(one)
    return {
        one.id
        for same in lies.values()
        if colluded([(one.principal_id, one.engine) for one in same], innocent)
        for one in same
    }


def _sentence(
    snapshot: Snapshot,
    liars: Iterable[Result],
    proven: Collection[int],
    adjusts: dict[int, Adjust],
) -> None:
    """Bans for what was shown just now: whoever was let off is not banned for the same again."""
    for one in liars:
        assert one.volunteer_id is not None
        known = snapshot.standing(one.volunteer_id)
        change = adjusts.get(one.volunteer_id) or Adjust(volunteer_id=one.volunteer_id)
        if known.banned_at is not None:
            continue
        told = known.lies + change.lies
        habit = bool(change.lies) and is_habit(told, known.compared + change.compared)
        if one.id in proven or habit:
            ban = "the same wrong answer as another" if one.id in proven else "wrong answers"
            adjusts[one.volunteer_id] = msgspec.structs.replace(change, ban=ban)


def _quarantines(
    unit: WorkUnit,
    keys: Keys,
    snapshot: Snapshot,
    liars: Iterable[Result],
    colluders: Collection[int],
    innocent: set[str],
) -> list[Instruction]:
    """Engines that are suspect now, or no longer; a lie that was told on purpose is no bug."""
    same: dict[tuple[str, str], set[int | None]] = {}
    for one in liars:
        if one.id in colluders:
            continue
        same.setdefault((keys[one.id], one.engine or ""), set()).add(one.principal_id)
    suspects = {
        engine
        for (_, engine), principals in same.items()
        if len(principals) > 1 and engine not in innocent and engine not in snapshot.quarantined
    }
    if not innocent:  # where no engine at all got it right, the reference may have the bug
        suspects = set()
    mine = {engine for engine, cause in snapshot.quarantined.items() if cause == unit.id}
    cleared = mine & innocent
    tried = Counter(one.engine for one in liars if one.purpose is Purpose.PROBE)
    convicted = {
        engine for engine in mine - cleared - snapshot.convicted if tried[engine] >= PROBES_MAX
    }
    return [
        Quarantine(
            job_id=unit.job_id,
            engine=engine,
            cause=unit.id,
            lift=engine in cleared,
            convict=engine in convicted,
            because=f"{engine} {said}",
        )
        for engines, said in (
            (suspects, "gives the same wrong answer on several hosts, and the right one on none"),
            (cleared, "got the work unit right after all"),
            (convicted, f"got the work unit wrong {PROBES_MAX} times more"),
        )
        for engine in sorted(engines)
    ]
