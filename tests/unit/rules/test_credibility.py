"""This file is where belief is held to Sarmenta's formula, computed again in whole fractions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.items import Mode, Policy
from grid.trust import NEWCOMER_CHECKS2, SABOTEURS_MAX, odds
from grid.validator.credibility import Vote, accepted, weigh
from grid.validator.modes import BELIEVING, PROMISES, promise

#: e to 30 digits, as a fraction.
E = sum(Fraction(1, math.factorial(n)) for n in range(30))
F = Fraction(35, 100)


def credibility(checks2: int) -> Fraction:
    """Cr = max(1 − f, 1 − f/((1−f)·k·e)) of Sarmenta 2002, with k = checks2 / 2."""
    if checks2 == 0:
        return 1 - F
    return max(1 - F, 1 - F / ((1 - F) * Fraction(checks2, 2) * E))


def right(votes: Sequence[Vote], answer: str) -> Fraction:
    """The probability that an answer is right: o_a / (1 + Σ o_j), o = ∏ Cr/(1 − Cr)."""
    of: dict[object, Fraction] = {}
    best: dict[tuple[object, int], int] = {}
    for vote in votes:
        key = vote.answer, vote.principal_id
        best[key] = max(best.get(key, 0), vote.checks2)
    for (given_answer, _), checks2 in best.items():
        cr = credibility(checks2)
        of[given_answer] = of.get(given_answer, Fraction(1)) * cr / (1 - cr)
    return of[answer] / (1 + sum(of.values()))


def vote(answer: str, principal: int, checks2: int = 0) -> Vote:
    return Vote(answer, principal, checks2, "chromium/130")


VOTES = st.lists(
    st.builds(vote, st.sampled_from("abc"), st.integers(1, 6), st.integers(0, 2000)),
    min_size=1,
    max_size=8,
)


def test_two_newcomers_reach_775_thousandths():
    weighed = weigh([vote("a", 1), vote("a", 2)])
    assert 1 - weighed.doubt == pytest.approx(0.775, abs=5e-4)
    assert not accepted(weighed, PROMISES[Mode.STANDARD])


@pytest.mark.parametrize(
    ("checks2", "count", "reached"),
    [
        # each has survived  of them  right with at least
        (0,                  1,       0.65),
        (0,                  15,      1 - 1e-4),
        (2,                  2,       0.93),
        (20,                 2,       0.9995),
        (200,                2,       1 - 1e-5),
    ],
)  # fmt: skip
def test_belief_grows_with_checks_and_with_company(checks2, count, reached):
    weighed = weigh([vote("a", who, checks2) for who in range(count)])
    assert 1 - weighed.doubt >= reached - 1e-12
    fewer = weigh([vote("a", who, checks2) for who in range(count - 1)] or [vote("a", 1)])
    assert weighed.doubt <= fewer.doubt


@given(st.integers(0, 100_000))
def test_odds_are_those_of_the_formula(checks2):
    cr = credibility(checks2)
    assert odds(checks2) == pytest.approx(float(cr / (1 - cr)), rel=1e-12)
    assert odds(checks2) <= odds(checks2 + 1)
    assert pytest.approx(float(F)) == SABOTEURS_MAX


@given(VOTES)
def test_the_weight_of_answers_is_the_one_computed_in_fractions(votes):
    weighed = weigh(votes)
    assert weighed.doubt == pytest.approx(
        float(1 - right(votes, str(weighed.best.answer))), rel=1e-6, abs=1e-15
    )
    others = {each.answer for each in votes}
    assert right(votes, str(weighed.best.answer)) >= max(
        right(votes, str(each)) for each in others
    ) * (1 - Fraction(1, 10**9))


@given(VOTES, st.sampled_from(sorted(BELIEVING)))
def test_nothing_is_accepted_above_the_promised_error_or_by_too_few(votes, mode):
    weighed = weigh(votes)
    promised = PROMISES[mode]
    behind = {each.principal_id for each in votes if each.answer == weighed.best.answer}
    good = right(votes, str(weighed.best.answer)) >= 1 - Fraction(promised.max_error)
    assert accepted(weighed, promised) == (good and len(behind) >= promised.principals_min)


@given(VOTES, st.randoms(use_true_random=False))
def test_the_order_of_votes_weighs_nothing(votes, random):
    shuffled = list(votes)
    random.shuffle(shuffled)
    one, other = weigh(votes), weigh(shuffled)
    assert other.doubt == pytest.approx(one.doubt, rel=1e-9, abs=1e-15)
    groups = [
        {(group.answer, group.principals, group.newcomers) for group in each.groups}
        for each in (one, other)
    ]
    assert groups[0] == groups[1]


def test_hosts_of_one_principal_weigh_as_its_best_known():
    alone = weigh([vote("a", 1, 20)])
    assert weigh([vote("a", 1, 20), vote("a", 1), vote("a", 1, 8)]) == alone
    assert weigh([vote("a", 1), vote("a", 1, 20)]) == alone


def test_whoever_has_had_two_trusted_confirmations_is_no_newcomer():
    assert NEWCOMER_CHECKS2 == 4
    assert weigh([vote("a", 1, 3), vote("a", 2, 0)]).best.newcomers
    assert not weigh([vote("a", 1, 4), vote("a", 2, 0)]).best.newcomers


def test_no_answers_are_no_verdict_whatever_is_promised():
    nothing = weigh([])
    assert (nothing.groups, nothing.doubt) == ([], 1.0)
    anything = msgspec.structs.replace(PROMISES[Mode.STANDARD], max_error=1.0, principals_min=0)
    assert accepted(nothing, anything) is False


def test_an_answer_is_accepted_at_the_very_error_that_is_promised():
    weighed = weigh([vote("a", 1), vote("a", 2)])
    exact = msgspec.structs.replace(PROMISES[Mode.STANDARD], max_error=weighed.doubt)
    assert accepted(weighed, exact)
    assert not accepted(weighed, msgspec.structs.replace(exact, max_error=weighed.doubt * 0.999))


@pytest.mark.parametrize(
    ("mode", "max_error", "principals", "second", "recheck"),
    [
        # mode          error  principals  second copy  recheck
        (Mode.STANDARD, 1e-4,  2,          0.00,        0.01),
        (Mode.ECONOMY,  1e-3,  1,          0.10,        0.02),
        (Mode.STRICT,   1e-6,  2,          0.00,        0.02),
    ],
)  # fmt: skip
def test_each_mode_promises_what_is_documented(mode, max_error, principals, second, recheck):
    given_promise = promise(Policy(mode=mode))
    assert given_promise.max_error == max_error
    assert given_promise.principals_min == principals
    assert (given_promise.hidden_second, given_promise.recheck) == (second, recheck)


@pytest.mark.parametrize("mode", sorted(BELIEVING))
def test_a_target_error_takes_the_place_of_the_modes_own_and_of_nothing_else(mode):
    asked = promise(Policy(mode=mode, target_error_ppb=50_000))
    own = promise(Policy(mode=mode))
    assert asked.max_error == pytest.approx(5e-5)
    assert asked.principals_min == own.principals_min
    assert (asked.hidden_second, asked.recheck) == (own.hidden_second, own.recheck)
