"""This file is where belief and the next step are held to what planted bugs have shown to lack."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.items import Mode, Policy
from grid.trust import NEWCOMER_CHECKS2, SABOTEURS_MAX, odds
from grid.validator.credibility import Group, Vote, Weighed, accepted, weigh
from grid.validator.modes import PROMISES, Promise, promise
from grid.validator.step import LONE_DISSENT_MAX, PRINCIPALS_MAX, Moment, Step, next_step
from grid.validator.toss import commitment, toss

KNOWN = NEWCOMER_CHECKS2


def test_a_volunteer_is_believed_as_sarmenta_says():
    f = SABOTEURS_MAX
    for checks2 in range(60):
        k = checks2 / 2
        doubt = f if k == 0 else min(f, f / ((1 - f) * k * math.e))
        assert odds(checks2) == pytest.approx((1 - doubt) / doubt)
    assert odds(0) == pytest.approx(0.65 / 0.35)
    assert odds(0) == odds(1)
    assert [odds(n) for n in range(2, 60)] == sorted({odds(n) for n in range(2, 60)})


def vote(answer: str, principal: int, checks2: int = 0) -> Vote:
    return Vote(answer, principal, checks2, "test/1")


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4), st.integers(0, 40)), max_size=6)
)
def test_votes_weigh_what_the_formula_says_in_whatever_order(given_votes):
    votes = [vote(*one) for one in given_votes]
    weighed = weigh(votes)
    strongest: dict[str, dict[int, int]] = {}
    for answer, principal, checks2 in given_votes:
        known = strongest.setdefault(answer, {})
        known[principal] = max(checks2, known.get(principal, 0))
    expected = {
        answer: math.prod(Fraction(odds(checks2)) for checks2 in known.values())
        for answer, known in strongest.items()
    }
    assert {one.answer for one in weighed.groups} == set(expected)
    for one in weighed.groups:
        assert one.odds == pytest.approx(float(expected[one.answer]))
        assert one.principals == len(strongest[one.answer])
        assert one.newcomers == all(two < KNOWN for two in strongest[one.answer].values())
    assert [one.odds for one in weighed.groups] == sorted(
        (one.odds for one in weighed.groups), reverse=True
    )
    if not expected:
        assert weighed.doubt == 1
        return
    best = max(expected.values())
    assert weighed.doubt == pytest.approx(float(1 - best / (1 + sum(expected.values()))))
    assert weigh(votes[::-1]).doubt == pytest.approx(weighed.doubt)


@pytest.mark.parametrize("order", list(permutations([0, 30, 7])))
def test_a_principal_counts_by_its_most_believed_volunteer(order):
    weighed = weigh([vote("a", 1, checks2) for checks2 in order])
    assert (weighed.best.principals, weighed.best.odds) == (1, odds(30))


PROMISE = Promise(
    max_error=0.01, principals_min=2, hidden_second=0.0, recheck=0.0, trusted_share=0.16
)


def weighing(*groups: tuple[float, int, bool], doubt: float = 0.5) -> Weighed:
    """Groups by odds, principals and whether they are all newcomers."""
    made = [Group(place, one, count, new) for place, (one, count, new) in enumerate(groups)]
    return Weighed(made, doubt)


@pytest.mark.parametrize(
    ("doubt", "principals", "good"),
    [(0.01, 2, True), (0.0101, 2, False), (0.001, 3, True), (0.001, 1, False)],
)
def test_an_answer_is_accepted_at_the_promised_error_by_enough_principals(doubt, principals, good):
    weighed = weighing((50.0, principals, False), doubt=doubt)
    assert accepted(weighed, PROMISE) is good


def test_no_answers_are_never_accepted():
    anything = msgspec.structs.replace(PROMISE, max_error=1.0, principals_min=0)
    assert accepted(Weighed([], 1.0), anything) is False


def moment(**fields: object) -> Moment:
    base = Moment(alive=False, typical_checks2=KNOWN, room=True, waited=False, second=False)
    return msgspec.structs.replace(base, **fields)


SURE = weighing((1e6, 2, False), doubt=1e-6)
LONE_SURE = weighing((1e6, 1, False), doubt=1e-6)
ONE_PRINCIPAL = msgspec.structs.replace(PROMISE, principals_min=1)
#: Equal answers that lack one answer of a typical volunteer, and several.
NEARLY = weighing((99 / odds(KNOWN) * 1.01, 2, False), doubt=0.2)
FAR = weighing((1.0, 2, True), doubt=0.5)
#: A known group against a newcomer, and against more than that.
AGAINST_NEWCOMER = weighing((9.0, 2, False), (2.0, 1, True), doubt=0.3)
AGAINST_TWO = weighing((9.0, 2, False), (2.0, 2, True), doubt=0.3)
AGAINST_KNOWN = weighing((9.0, 2, False), (8.0, 1, False), doubt=0.3)
NEWCOMERS = weighing((2.0, 1, True), (2.0, 1, True), doubt=0.6)
MANY = PRINCIPALS_MAX - 1


@pytest.mark.parametrize(
    ("weighed", "promised", "now", "step"),
    [
        # nothing yet
        (weighing(),       PROMISE,       {},                                  Step.COPY),
        (weighing(),       PROMISE,       {"alive": True},                     Step.WAIT),
        (weighing(),       PROMISE,       {"waited": True, "room": False},     Step.COPY),
        # good enough
        (SURE,             PROMISE,       {},                                  Step.ACCEPT),
        (SURE,             PROMISE,       {"alive": True},                     Step.ACCEPT),
        (SURE,             PROMISE,       {"second": True},                    Step.ACCEPT),
        (SURE,             PROMISE,       {"diverse": False},                  Step.COPY),
        (SURE,             PROMISE,       {"diverse": False, "alive": True},   Step.WAIT),
        (LONE_SURE,        PROMISE,       {},                                  Step.COPY),
        (LONE_SURE,        ONE_PRINCIPAL, {},                                  Step.ACCEPT),
        (LONE_SURE,        ONE_PRINCIPAL, {"second": True},                    Step.COPY),
        # agreed, and not believed enough
        (NEARLY,           PROMISE,       {},                                  Step.COPY),
        (FAR,              PROMISE,       {},                                  Step.WAIT),
        (FAR,              PROMISE,       {"waited": True},                    Step.TRUSTED),
        (FAR,              PROMISE,       {"waited": True, "room": False,
                                           "typical_checks2": 40},             Step.COPY),
        (FAR,              PROMISE,       {"waited": True, "room": False,
                                           "typical_checks2": 0},              Step.BELOW_TARGET),
        (weighing((1.0, PRINCIPALS_MAX, False)), PROMISE,
                                          {"diverse": False, "waited": True},  Step.TRUSTED),
        # nobody has come for the copy
        (FAR,              PROMISE,       {"alive": True, "stale": True},      Step.TRUSTED),
        (FAR,              PROMISE,       {"alive": True, "stale": True,
                                           "room": False},                     Step.BELOW_TARGET),
        (LONE_SURE,        PROMISE,       {"alive": True, "stale": True,
                                           "room": False},                     Step.WAIT),
        (AGAINST_KNOWN,    PROMISE,       {"alive": True, "stale": True,
                                           "room": False},                     Step.TRUSTED),
        # disputed
        (AGAINST_KNOWN,    PROMISE,       {},                                  Step.TRUSTED),
        (AGAINST_NEWCOMER, PROMISE,       {},                                  Step.COPY),
        (AGAINST_TWO,      PROMISE,       {},                                  Step.TRUSTED),
        (NEWCOMERS,        PROMISE,       {},                                  Step.TRUSTED),
        (AGAINST_KNOWN,    PROMISE,       {"room": False},                     Step.COPY),
        (weighing((9.0, MANY, False), (8.0, 1, False)), PROMISE,
                                          {"room": False},                     Step.WAIT),
        (weighing((9.0, MANY - 1, False), (8.0, 1, False)), PROMISE,
                                          {"room": False},                     Step.COPY),
        (weighing((9.0, MANY, False), (8.0, 1, False)), PROMISE,
                                          {"room": False, "waited": True},     Step.TRUSTED),
        (weighing((9.0, LONE_DISSENT_MAX - 1, False), (2.0, 1, True)), PROMISE,
                                          {},                                  Step.TRUSTED),
        (weighing((9.0, 2, False), (2.0, 1, True), (1.0, 1, False)), PROMISE,
                                          {},                                  Step.TRUSTED),
    ],
)  # fmt: skip
def test_what_an_open_work_unit_needs_next(weighed, promised, now, step):
    assert next_step(weighed, promised, moment(**now)) is step


def test_each_mode_keeps_its_promise_unless_the_requester_names_another():
    errors = {Mode.STANDARD: 1e-4, Mode.ECONOMY: 1e-3, Mode.STRICT: 1e-6}
    assert {mode: one.max_error for mode, one in PROMISES.items()} == errors
    for mode in errors:
        assert promise(Policy(mode=mode)) == PROMISES[mode]
        named = promise(Policy(mode=mode, target_error_ppb=5_000))
        assert named == msgspec.structs.replace(PROMISES[mode], max_error=5e-6)
    assert PROMISES[Mode.STANDARD].principals_min == PROMISES[Mode.STRICT].principals_min == 2


def test_tosses_are_even_and_fixed_by_the_seed_and_what_they_are_for():
    many = [toss("seed", "recheck", number) for number in range(4_000)]
    assert all(0 <= one < 1 for one in many)
    for share in (0.02, 0.25, 0.5, 0.98):
        assert sum(one < share for one in many) / 4_000 == pytest.approx(share, abs=0.03)
    assert many[7] == toss("seed", "recheck", 7)
    others = [toss("other", "recheck", 7), toss("seed", "decoy", 7), toss("seed", "recheck", 7, 1)]
    assert len({many[7], *others}) == 4
    assert commitment("seed") != commitment("other")
