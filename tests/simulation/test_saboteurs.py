"""This file is where each kind of saboteur and fault does what its name says, and no more."""

from __future__ import annotations

import pytest

from grid import simulation
from grid.simulation.answers import (
    ALONE,
    BAD_CORE,
    BAD_ENGINE,
    BAD_REFERENCE,
    FELLOWS,
    SLEEP_ANSWERS,
    Oracle,
    Question,
    Traits,
)
from grid.simulation.draws import Draws
from grid.simulation.scenario import Behaviour, Scenario

FELLOW = Traits(identity=2, saboteur=True)
HONEST = Traits(identity=3)
PLACES = [(1, ordinal) for ordinal in range(200)]


def oracle(behaviour: Behaviour = Behaviour.COLLUDING, **fields: float) -> Oracle:
    scenario = Scenario(seed=1, behaviour=behaviour, **fields)
    return Oracle(scenario, Draws(1))


def errors(source: Oracle, traits: Traits, **known: object) -> list[int]:
    """By how much a host with these traits is wrong about each work unit."""
    facts = {"accepted": 0, "others": (), "known_decided": False, "single": False, **known}
    stream = Draws(2).stream(traits.identity)
    return [
        source.answer(Question(place=place, traits=traits, **facts), stream) - source.truth(place)
        for place in PLACES
    ]


def saboteur(identity: int = 1) -> Traits:
    return Traits(identity=identity, saboteur=True)


#: Behaviour, what the saboteur knows, whether it lies about everything it may.
SITUATIONS = [
    (Behaviour.INDEPENDENT, {}, True),
    (Behaviour.COLLUDING, {}, True),
    (Behaviour.COLLUDING, {"others": (HONEST,)}, True),
    (Behaviour.OMNISCIENT, {}, False),
    (Behaviour.OMNISCIENT, {"single": True}, True),
    (Behaviour.OMNISCIENT, {"others": (FELLOW,)}, True),
    (Behaviour.OMNISCIENT, {"others": (FELLOW, HONEST)}, False),
    (Behaviour.SLEEPING, {"accepted": SLEEP_ANSWERS - 1}, False),
    (Behaviour.SLEEPING, {"accepted": SLEEP_ANSWERS}, True),
    (Behaviour.READING, {}, True),
    (Behaviour.READING, {"known_decided": True}, False),
]


@pytest.mark.parametrize(("behaviour", "known", "lies"), SITUATIONS)
def test_a_saboteur_lies_where_its_kind_does(
    behaviour: Behaviour, known: dict[str, object], lies: bool
) -> None:
    found = errors(oracle(behaviour, lying=1.0), saboteur(), **known)
    wrong = ALONE + 1 if behaviour is Behaviour.INDEPENDENT else FELLOWS
    assert found == [wrong if lies else 0] * len(PLACES)


def test_fellows_lie_about_the_same_work_units_and_others_each_about_its_own() -> None:
    together = oracle(Behaviour.COLLUDING, lying=0.3)
    assert errors(together, saboteur(1)) == errors(together, saboteur(2))
    alone = oracle(Behaviour.INDEPENDENT, lying=0.3)
    first, second = errors(alone, saboteur(1)), errors(alone, saboteur(2))
    assert not set(first) & set(second) - {0}
    assert [bool(one) for one in first] != [bool(one) for one in second]


def test_the_share_of_lies_is_the_one_that_was_asked_for() -> None:
    for behaviour in (Behaviour.INDEPENDENT, Behaviour.COLLUDING):
        found = errors(oracle(behaviour, lying=0.3), saboteur())
        assert 0.2 < sum(map(bool, found)) / len(PLACES) < 0.4


def test_a_bad_engine_is_wrong_in_the_same_way_on_every_host() -> None:
    found = errors(oracle(), Traits(identity=5, bad_engine=True))
    assert found == errors(oracle(), Traits(identity=6, bad_engine=True))
    assert set(found) == {0, BAD_ENGINE}


def test_what_a_saboteur_does_not_lie_about_its_engine_gets_wrong_all_the_same() -> None:
    """Or it would clear an engine that is wrong on every honest host."""
    saboteur = Traits(identity=5, saboteur=True, bad_engine=True)
    found = errors(oracle(lying=0.0), saboteur)
    assert found == errors(oracle(), Traits(identity=6, bad_engine=True))


def test_a_bad_core_is_wrong_now_and_then_and_never_twice_alike() -> None:
    found = [one for one in errors(oracle(), Traits(identity=5, flaky=True)) if one]
    assert 5 < len(found) < 50
    assert len(set(found)) == len(found)
    assert min(found) >= BAD_CORE


def test_a_bad_reference_is_wrong_about_its_own_work_units() -> None:
    source = oracle(bad_reference=0.1)
    found = [source.reference(place) - source.truth(place) for place in PLACES]
    assert set(found) == {0, BAD_REFERENCE}
    assert [oracle().reference(place) for place in PLACES] == list(map(source.truth, PLACES))


def test_an_honest_host_tells_the_truth() -> None:
    assert not any(errors(oracle(lying=1.0), HONEST))


def wrong(behaviour: Behaviour, **fields: float) -> tuple[int, int]:
    scenario = Scenario(
        seed=9, work_units=80, hosts=30, check_every=20, behaviour=behaviour, **fields
    )
    summary = simulation.play(scenario)
    assert summary.jobs == {"completed": 1}
    return summary.wrong, summary.copies


def test_colluders_outvote_a_quorum_of_two_loners_do_not_and_the_omniscient_waste_no_lie() -> None:
    fields = {"share": 0.4, "lying": 0.6}
    colluding, copies = wrong(Behaviour.COLLUDING, **fields)
    alone, copies_against_loners = wrong(Behaviour.INDEPENDENT, **fields)
    knowing, copies_against_the_knowing = wrong(Behaviour.OMNISCIENT, **fields)
    assert colluding > 0 and knowing > 0 and alone == 0
    assert copies_against_loners > 80 * 2.2, "each lie costs another copy"
    assert copies_against_the_knowing < copies


def test_a_bad_engine_on_a_few_hosts_makes_few_answers_wrong() -> None:
    lies, _ = wrong(Behaviour.COLLUDING, bad_engine=0.4)
    assert 0 < lies < 8
