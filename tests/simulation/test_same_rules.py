"""This file is where the crowds of the table are judged as `settle` judges, answer for answer."""

from __future__ import annotations

from random import Random

import msgspec
from crowd import NOW, answered, computed, made, step, with_answer
from hypothesis import assume, given
from hypothesis import strategies as st

from grid.items import Mode, Policy, Standing, WorkUnit
from grid.simulation.accuracy.ours import Ours
from grid.simulation.accuracy.people import (
    Behaviour,
    Crowd,
    Said,
    Setting,
    Trait,
    Unit,
    Volunteer,
)
from grid.states import Purpose, Support
from grid.validator.modes import PROMISES
from grid.validator.snapshot import Snapshot
from grid.validator.toss import toss

ENGINES = ("chromium/130", "firefox/132", "webkit/18")
HONEST = Setting(crowd=Crowd.RESIDENTS, share=0.0, behaviour=Behaviour.COLLUDING, rate=0.0)
WAIT_S = 30
#: Under it no work unit 1 is drawn for a second copy, a recheck or a decoy.
SEED = next(
    str(number)
    for number in range(1000)
    if min(toss(str(number), what, 1) for what in ("second", "recheck", "decoy")) > 0.5
)


class Never(Random):
    """Draws nothing that is seldom drawn."""

    def random(self) -> float:
        return 0.999


#: (answer, half checks, engine) of each volunteer; 0 is the truth.
ANSWERS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([0, 2, 8, 60, 400]), st.sampled_from(ENGINES)),
    min_size=1,
    max_size=6,
)


def in_plain(answers: list[tuple[int, int, str]], mode: Mode, typical2: int) -> tuple[Ours, Unit]:
    ours = Ours(HONEST, 1, 1, mode)
    ours.chance = Never(1)
    ours._typical2 = typical2
    unit = Unit(0, 0.5, second=False)
    unit.alive = 0
    for number, (answer, checks2, engine) in enumerate(answers, 1):
        who = Volunteer(number, number, Trait.HONEST, engine)
        who.checks2 = who.compared = checks2
        who.waiting[unit.number] = unit
        unit.said.append(Said(who, answer))
        unit.asked.add(number)
    ours.units.append(unit)
    return ours, unit


def in_rows(
    answers: list[tuple[int, int, str]], mode: Mode, typical2: int
) -> tuple[WorkUnit, Snapshot]:
    results = [
        answered(number, str(answer), engine=engine, received_at=NOW)
        for number, (answer, _, engine) in enumerate(answers, 1)
    ]
    unit = WorkUnit(
        id=1, job_id=1, ordinal=0, first_chunk=0, chunk_count=1, policy=Policy(mode=mode),
        results=tuple(results),
    )  # fmt: skip
    standings = {
        number: Standing(volunteer_id=number, checks2=checks2, compared=checks2)
        for number, (_, checks2, _) in enumerate(answers, 1)
    }
    return unit, Snapshot(standings=standings, typical_checks2=typical2, seed=SEED, wait_s=WAIT_S)


def standings(snapshot: Snapshot, count: int) -> list[tuple[int, int, int, bool]]:
    found = [snapshot.standing(number) for number in range(1, count + 1)]
    return [(one.checks2, one.compared, one.lies, one.banned_at is not None) for one in found]


@given(ANSWERS, st.sampled_from(sorted(PROMISES)), st.sampled_from([0, 8, 400]), st.booleans())
def test_the_same_answers_come_to_the_same(answers, mode, typical2, waited):
    ours, plain = in_plain(answers, mode, typical2)
    ours._look(plain, waited=waited)
    unit, snapshot = in_rows(answers, mode, typical2)
    now = NOW + (WAIT_S if waited else 0)
    unit, snapshot, _ = step(unit, now, snapshot)
    wants = "trusted" if made(unit, Purpose.TRUSTED) else ""
    if wants:
        run = msgspec.structs.replace(
            computed(made(unit, Purpose.TRUSTED)[0].id, "0"), received_at=now
        )
        unit, snapshot, _ = step(with_answer(unit, run), now, snapshot)
        assume(unit.decided)  # three kinds of engine against the reference: only rows know that
    assert plain.trusted == bool(wants)
    assert (plain.answer is not None) == (unit.canonical_result_id is not None)
    assert plain.below == (unit.support is Support.BELOW_TARGET)
    assert plain.alive == len(made(unit, Purpose.COPY))
    assert (plain.due is not None) == (not unit.decided and not plain.alive)
    told = [(w.checks2, w.compared, w.lies, w.banned) for w in (one.who for one in plain.said)]
    assert told == standings(snapshot, len(answers))
    assert ours._quarantined.keys() == snapshot.quarantined.keys()
    assert ours._traps == len(made(unit, Purpose.TRAP))
    assert len(ours._known) == len(made(unit, Purpose.PROBATION))
