"""This file is where it is seen what an open work unit needs next, one line a case."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.items import Mode
from grid.validator.credibility import Vote, accepted, weigh
from grid.validator.modes import PROMISES
from grid.validator.step import LONE_DISSENT_MAX, PRINCIPALS_MAX, Moment, Step, next_step

S, E, X = Mode.STANDARD, Mode.ECONOMY, Mode.STRICT
A, W, C, T, B = Step.ACCEPT, Step.WAIT, Step.COPY, Step.TRUSTED, Step.BELOW_TARGET

#: Nothing is out, the usual volunteer is a newcomer, there is budget, and the wait is over.
QUIET = Moment(alive=False, typical_checks2=0, room=True, waited=True, second=False)


def weighed(text: str):
    """Answers with half checks survived, such as "a400 a400 b0"; each of its own principal."""
    return weigh(
        [
            Vote(word[0], who, int(word[1:]), "chromium/130")
            for who, word in enumerate(text.split(), 1)
        ]
    )


@pytest.mark.parametrize(
    ("mode", "answers", "moment", "step"),
    [
        # mode answers              the moment                                       step
        # Nothing has come yet.
        (S, "",                     {},                                              C),
        (S, "",                     {"alive": True},                                 W),
        (S, "",                     {"room": False, "waited": False},                C),
        # Enough has.
        (S, "a400 a400",            {},                                              A),
        (S, "a400 a400",            {"alive": True},                                 A),
        (X, "a4000 a4000",          {},                                              A),
        (E, "a9000",                {},                                              A),
        # One answer is never two, however well it is believed.
        (S, "a900000",              {},                                              C),
        (S, "a900000",              {"alive": True},                                 W),
        (X, "a900000",              {"waited": False},                               C),
        # Economy's hidden second copy.
        (E, "a9000",                {"second": True},                                C),
        (E, "a9000",                {"second": True, "alive": True},                 W),
        (E, "a9000 a0",             {"second": True},                                A),
        # One more usual volunteer would do.
        (S, "a30 a30",              {"typical_checks2": 30},                         C),
        (S, "a30 a30",              {"typical_checks2": 30, "room": False},          C),
        (S, "a30 a30",              {"typical_checks2": 30, "alive": True},          W),
        # It would take many: those behind it may become better known; then the server computes.
        (S, "a0 a0",                {"waited": False},                               W),
        (S, "a0 a0",                {},                                              T),
        (E, "a0",                   {"waited": False},                               W),
        (E, "a0",                   {},                                              T),
        # Its budget is spent: as many copies as may help, else the truth on the label.
        (S, "a0 a0",                {"room": False, "waited": False},                W),
        (S, "a0 a0",                {"room": False},                                 B),
        (X, "a30 a30",              {"room": False, "typical_checks2": 4},           C),
        (S, "a0 a0 a0 a0 a0 a0",    {"room": False},                                 B),
        (S, "a0 a0",                {"able": False},                                 B),
        # A newcomer's lone disagreement buys a copy; a known volunteer's a trusted run.
        (S, "a400 b0",              {},                                              C),
        (S, "a400 b400",            {},                                              T),
        (S, "a0 b0",                {},                                              T),
        (S, "a30 b0 b0",            {},                                              T),
        (S, "a30 b0 c0",            {},                                              C),
        (S, "a30 a0 b0 c0",         {},                                              T),
        (S, "a400 b400",            {"alive": True},                                 W),
        (S, "a30 b0",               {"waited": False, "room": False},                C),
        # A dispute without a budget: more copies, and past that the server all the same.
        (S, "a0 b0",                {"room": False},                                 C),
        (S, "a30 b30",              {"room": False, "waited": False},                C),
        (S, "a0 a0 a0 b0 b0 b0",    {"room": False, "waited": False},                W),
        (S, "a0 a0 a0 b0 b0 b0",    {"room": False},                                 T),
        # What the server cannot compute, volunteers must settle.
        (S, "a400 b400",            {"able": False},                                 C),
        (S, "a0 a0 a0 b0 b0 b0",    {"able": False},                                 C),
        # Too few kinds of engine behind it.
        (S, "a400 a400",            {"diverse": False},                              C),
        (S, "a400 a400",            {"diverse": False, "alive": True},               W),
        (S, "a90 a90 a90 a90 a90 a90", {"diverse": False},                           T),
        (S, "a90 a90 a90 a90 a90 a90", {"diverse": False, "room": False},            B),
        # Nobody comes for the copy.
        (S, "a0",                   {"alive": True, "stale": True},                  T),
        (S, "a0 a0",                {"alive": True, "stale": True},                  T),
        (S, "a0",                   {"alive": True, "stale": True, "room": False},   W),
        (S, "a0 a0",                {"alive": True, "stale": True, "room": False},   B),
        (E, "a0",                   {"alive": True, "stale": True, "room": False},   B),
        (S, "a0 b0",                {"alive": True, "stale": True, "room": False},   T),
        (S, "a0 b0",                {"alive": True, "stale": True, "able": False},   W),
        (S, "a0 a0",                {"alive": True, "stale": True, "able": False},   B),
        (S, "a400 a400",            {"alive": True, "stale": True},                  A),
    ],
)  # fmt: skip
def test_the_next_step_is(mode, answers, moment, step):
    given_moment = msgspec.structs.replace(QUIET, **moment)
    assert next_step(weighed(answers), PROMISES[mode], given_moment) is step


MOMENTS = st.builds(
    Moment,
    alive=st.booleans(),
    typical_checks2=st.sampled_from([0, 4, 30, 400]),
    room=st.booleans(),
    waited=st.booleans(),
    second=st.booleans(),
    stale=st.booleans(),
    diverse=st.booleans(),
    able=st.booleans(),
)
ANSWERS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from([0, 4, 30, 400, 9000])), max_size=8
).map(lambda pairs: weighed(" ".join(f"{answer}{checks2}" for answer, checks2 in pairs)))


@given(ANSWERS, st.sampled_from(sorted(PROMISES)), MOMENTS)
def test_no_step_breaks_what_a_mode_promises(answers, mode, moment):
    promised = PROMISES[mode]
    step = next_step(answers, promised, moment)
    if step is A:
        assert accepted(answers, promised) and moment.diverse
    if step is B:
        assert len(answers.groups) == 1
        assert answers.best.principals >= promised.principals_min
        assert not (moment.room and moment.able)
        assert moment.waited or moment.stale
    if step is C:
        assert not moment.alive
    if step is T:
        assert moment.able
        assert not moment.alive or moment.stale


@given(ANSWERS, st.sampled_from(sorted(PROMISES)), MOMENTS)
def test_whoever_waits_waits_for_something(answers, mode, moment):
    waits = next_step(answers, PROMISES[mode], moment) is W
    assert not (waits and not moment.alive and moment.waited)


def test_the_bounds_on_who_is_asked_are_those_of_the_design():
    assert (PRINCIPALS_MAX, LONE_DISSENT_MAX) == (6, 4)
