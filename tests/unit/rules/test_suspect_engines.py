"""This file is where engines fall under suspicion, are tried, and are cleared or convicted."""

from __future__ import annotations

import msgspec
import pytest
from crowd import NOW, answered, computed, known, made, settled, standard, step, with_answer

from grid.items import WorkUnit
from grid.states import Purpose, Support
from grid.states import ValidateState as Validate
from grid.transition import Quarantine
from grid.validator.checks import PROBES_MAX
from grid.validator.snapshot import Snapshot

RIGHT, WRONG = "right", "wrong"
CHROMIUM, FIREFOX = "chromium/130", "firefox/128"


def disputed(*answers: tuple[str, str], purpose: Purpose = Purpose.COPY) -> WorkUnit:
    """A work unit with these (output, engine) answers that the server has computed: right."""
    results = [
        answered(number, output, engine=engine, purpose=purpose)
        for number, (output, engine) in enumerate(answers, 1)
    ]
    return standard(*results, computed(90, RIGHT))


def crowd(**fields: object) -> Snapshot:
    """Volunteers 1 to 9 who have survived much, in a job whose seal is open: nothing secret."""
    return known(300, sealed=False, **fields)


def banned(snapshot: Snapshot) -> set[int]:
    return {who for who, each in snapshot.standings.items() if each.banned_at is not None}


@pytest.mark.parametrize("engines", [(CHROMIUM, CHROMIUM), (CHROMIUM, CHROMIUM, FIREFOX)])
def test_no_engine_is_suspect_for_what_none_got_right(engines):
    batch = step(disputed(*((WRONG, engine) for engine in engines)), NOW, crowd())[2]
    assert not any(isinstance(each, Quarantine) for each in batch)


def test_the_same_wrong_answer_within_one_engine_makes_the_engine_suspect():
    one, after, batch = step(
        disputed((WRONG, CHROMIUM), (WRONG, CHROMIUM), (RIGHT, FIREFOX)), NOW, crowd()
    )
    (suspect,) = [each for each in batch if isinstance(each, Quarantine)]
    assert (suspect.engine, suspect.cause, suspect.lift) == (CHROMIUM, one.id, False)
    assert banned(after) == set()


def test_an_equal_engine_that_gets_it_right_lifts_the_suspicion_and_bans_the_liars():
    both = (WRONG, CHROMIUM), (WRONG, CHROMIUM), (RIGHT, FIREFOX)
    one, after, _ = step(disputed(*both), NOW, known(300))
    (probe,) = made(one, Purpose.PROBE)
    right = answered(probe.id, RIGHT, 4, engine=CHROMIUM, purpose=Purpose.PROBE)
    one, last, batch = step(with_answer(one, right), NOW, after)
    (lifted,) = [each for each in batch if isinstance(each, Quarantine)]
    assert (lifted.engine, lifted.lift) == (CHROMIUM, True)
    assert (banned(last), dict(last.quarantined)) == ({1, 2}, {})
    assert not made(one, Purpose.PROBE)


def test_a_lie_that_was_told_on_purpose_is_no_engines_bug():
    """On two kinds of engine, one of which gets it right: nobody else's engine is to blame."""
    told = (RIGHT, CHROMIUM), (WRONG, CHROMIUM), (WRONG, FIREFOX), (WRONG, FIREFOX)
    _, after, batch = step(disputed(*told), NOW, crowd())
    assert banned(after) == {2, 3, 4}
    assert not any(isinstance(each, Quarantine) for each in batch)


def test_an_engine_that_is_wrong_whenever_it_is_tried_is_convicted_and_bans_nobody():
    both = (WRONG, CHROMIUM), (WRONG, CHROMIUM), (RIGHT, FIREFOX)
    one, now_known, _ = step(disputed(*both), NOW, known(300))
    for number in range(4, 4 + PROBES_MAX):
        (probe,) = made(one, Purpose.PROBE)
        assert probe.engine == CHROMIUM
        tried = answered(probe.id, WRONG, number, engine=CHROMIUM, purpose=Purpose.PROBE)
        one, now_known, _ = step(with_answer(one, tried), NOW, now_known)
    assert now_known.convicted == {CHROMIUM}
    assert not made(one, Purpose.PROBE)
    assert banned(now_known) == set()


def test_what_only_a_convicted_engine_says_counts_for_nothing():
    snapshot = crowd(quarantined={CHROMIUM: 7}, convicted=frozenset({CHROMIUM}))
    snapshot = msgspec.structs.replace(snapshot, standings=known(3000).standings)
    alone = standard(answered(1, RIGHT), answered(2, RIGHT))
    rested = settled(alone, snapshot=snapshot)
    assert {each.validate_state for each in rested.results[:2]} == {Validate.VOID}
    assert rested.canonical_result_id is None
    backed = settled(with_answer(rested, answered(3, RIGHT, engine=FIREFOX)), snapshot=snapshot)
    assert backed.support is Support.AGREED
    assert {each.validate_state for each in backed.results[:3]} == {Validate.VALID}


def test_a_suspect_engines_hosts_keep_their_checks():
    snapshot = crowd(quarantined={FIREFOX: 7})
    _, after, _ = step(disputed((RIGHT, CHROMIUM), (WRONG, FIREFOX)), NOW, snapshot)
    assert after.standing(2).checks2 == 300


def test_only_the_work_unit_that_made_an_engine_suspect_clears_it():
    right = (RIGHT, CHROMIUM), (RIGHT, FIREFOX)
    for cause, lifted in ((1, [CHROMIUM]), (7, [])):
        batch = step(disputed(*right), NOW, crowd(quarantined={CHROMIUM: cause}))[2]
        told = [each for each in batch if isinstance(each, Quarantine)]
        assert [each.engine for each in told if each.lift] == lifted


@pytest.mark.parametrize(
    ("purpose", "is_convicted"),
    [(Purpose.PROBE, True), (Purpose.COPY, False), (Purpose.TRAP, False)],
)
def test_an_engine_is_convicted_by_its_further_tries_alone(purpose, is_convicted):
    wrong = [answered(n, WRONG, engine=CHROMIUM, purpose=purpose) for n in range(2, 2 + PROBES_MAX)]
    one = standard(answered(1, RIGHT, engine=FIREFOX), *wrong, computed(90, RIGHT))
    after = step(one, NOW, crowd(quarantined={CHROMIUM: one.id}))[1]
    assert after.convicted == (frozenset({CHROMIUM}) if is_convicted else frozenset())


def test_each_suspect_engine_is_tried_by_itself():
    """Both fell under suspicion by one work unit; a try of the one is no try of the other."""
    other = "chromium/131"
    lies = [(WRONG, CHROMIUM)] * 2 + [("other", other)] * 2
    one, now_known, _ = step(disputed(*lies, (RIGHT, FIREFOX)), NOW, known(300))
    assert sorted(now_known.quarantined) == [CHROMIUM, other]
    tries = {probe.engine: probe for probe in made(one, Purpose.PROBE)}
    assert set(tries) == {CHROMIUM, other}
    told = answered(tries[CHROMIUM].id, WRONG, 6, engine=CHROMIUM, purpose=Purpose.PROBE)
    one, now_known, _ = step(with_answer(one, told), NOW, now_known)
    assert sorted(probe.engine for probe in made(one, Purpose.PROBE)) == [CHROMIUM, other]
