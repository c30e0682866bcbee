"""This file is where quorum is held to its word."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from crowd import NOW, PLAIN, answered, by_digest, chosen, ended, sent, settled, unit, waiting
from hypothesis import given, settings
from hypothesis import strategies as st

from grid.canonical import digest
from grid.items import WorkUnit
from grid.states import AssimilateState, ErrorMask, FileDeleteState, Outcome, ValidateState
from grid.validator import quorum, settle

RIGHT, WRONG, OTHER = "right", "wrong", "other"


def decide(answers: list[str], min_quorum: int, principals: list[int] | None = None):
    names = principals or list(range(1, len(answers) + 1))
    results = [
        answered(place + 1, answer, principal)
        for place, (answer, principal) in enumerate(zip(answers, names, strict=True))
    ]
    return settled(unit(*results, min_quorum=min_quorum, max_success_results=99))


@pytest.mark.parametrize(
    ("answers", "min_quorum", "expected"),
    [
        # answers                                  quorum  chosen
        ([],                                       2,      None),
        ([RIGHT],                                  1,      RIGHT),
        ([RIGHT],                                  2,      None),
        ([RIGHT, RIGHT],                           2,      RIGHT),
        ([RIGHT, WRONG],                           2,      None),
        ([WRONG, RIGHT],                           1,      None),
        ([WRONG, RIGHT, RIGHT],                    2,      RIGHT),
        ([WRONG, OTHER, RIGHT, RIGHT],             2,      RIGHT),
        ([WRONG, WRONG, RIGHT, RIGHT],             2,      None),
        ([WRONG, WRONG, RIGHT, RIGHT, RIGHT],      2,      RIGHT),
        ([WRONG, WRONG, RIGHT, RIGHT, RIGHT],      3,      RIGHT),
        ([WRONG, WRONG, RIGHT, RIGHT],             3,      None),
    ],
)  # fmt: skip
def test_as_many_equal_answers_as_the_quorum_are_needed(answers, min_quorum, expected):
    decided = decide(answers, min_quorum)
    assert chosen(decided) == (None if expected is None else digest(expected.encode()))


def test_three_right_answers_beat_two_wrong_ones_that_came_first_at_quorum_three():
    decided = decide([WRONG, WRONG, RIGHT, RIGHT, RIGHT], 3)
    states = [result.validate_state for result in decided.results]
    assert states == [ValidateState.INVALID] * 2 + [ValidateState.VALID] * 3


def test_the_order_of_answers_never_matters():
    for answers in set(permutations([WRONG, WRONG, RIGHT, RIGHT, RIGHT])):
        assert chosen(decide(list(answers), 3)) == digest(b"right")


def test_two_answers_of_one_principal_count_once():
    assert chosen(decide([WRONG, WRONG], 2, principals=[7, 7])) is None
    assert chosen(decide([WRONG, WRONG, RIGHT, RIGHT], 2, [7, 7, 8, 9])) == digest(b"right")


def test_every_small_crowd_is_judged_as_counting_by_hand_says():
    for size in range(5):
        for answers in product("abc", repeat=size):
            for principals in product((1, 2, 3), repeat=size):
                for min_quorum in (1, 2, 3):
                    votes: dict[str, set[int]] = {}
                    for answer, principal in zip(answers, principals, strict=True):
                        votes.setdefault(answer, set()).add(principal)
                    counts = sorted((len(who) for who in votes.values()), reverse=True)
                    best = [a for a, who in votes.items() if len(who) == max(counts, default=0)]
                    wins = bool(counts) and counts[0] >= min_quorum and len(best) == 1
                    results = [
                        answered(place + 1, answer, principal)
                        for place, (answer, principal) in enumerate(
                            zip(answers, principals, strict=True)
                        )
                    ]
                    one = unit(*results, min_quorum=min_quorum)
                    keys = {each.id: each.output_digest or "" for each in results}
                    group = quorum.winner(results, keys, one.policy)
                    assert (group is not None) == wins
                    if group is not None:
                        assert group[0].output_digest == digest(best[0].encode())


def test_a_late_answer_is_measured_against_the_canonical_one():
    decided = decide([RIGHT, RIGHT], 2)
    later = [answered(8, RIGHT), answered(9, WRONG)]
    again = settled(unit(*decided.results, *later, canonical_result_id=1))
    assert [one.validate_state for one in again.results[-2:]] == [
        ValidateState.VALID,
        ValidateState.INVALID,
    ]
    assert chosen(again) == chosen(decided)


def test_a_late_crowd_of_liars_cannot_overturn_a_verdict():
    decided = decide([RIGHT, RIGHT], 2)
    liars = [answered(number, WRONG) for number in range(10, 15)]
    again = settled(unit(*decided.results, *liars, canonical_result_id=1))
    assert chosen(again) == digest(b"right")


def test_answers_without_quorum_are_inconclusive():
    decided = decide([RIGHT, WRONG], 2)
    assert {one.validate_state for one in decided.results if one.outcome is Outcome.SUCCESS} == {
        ValidateState.INCONCLUSIVE
    }


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5)), max_size=8),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_shuffling_copies_changes_no_verdict(answers, min_quorum, random):
    results = [answered(n + 1, answer, who) for n, (answer, who) in enumerate(answers)]
    shuffled = list(results)
    random.shuffle(shuffled)
    first = settled(unit(*results, min_quorum=min_quorum))
    second = settled(unit(*shuffled, min_quorum=min_quorum))
    assert chosen(first) == chosen(second)


#: What became of one copy: an answer of a principal, an end without one, held until, or waiting.
COPIES = st.one_of(
    st.builds(
        lambda output, principal, state: lambda number: answered(number, output, principal, state),
        st.sampled_from("ab"),
        st.integers(1, 4),
        st.sampled_from(ValidateState),
    ),
    st.builds(
        lambda outcome: lambda number: ended(number, outcome),
        st.sampled_from(sorted(set(Outcome) - {Outcome.INIT, Outcome.SUCCESS})),
    ),
    st.builds(
        lambda deadline: lambda number: sent(number, deadline=deadline),
        st.integers(NOW - 2, NOW + 2),
    ),
    st.just(waiting),
)
BOUND = st.integers(1, 5)


@st.composite
def histories(draw: st.DrawFn) -> WorkUnit:
    """A work unit in any state that a store can hold, and some that it cannot."""
    copies = draw(st.lists(COPIES, max_size=8))
    results = [copy(number) for number, copy in enumerate(copies, 1)]
    fields: dict[str, object] = {
        "min_quorum": draw(st.integers(1, 3)),
        "target_nresults": draw(st.integers(1, 4)),
        "max_error_results": draw(BOUND),
        "max_total_results": draw(BOUND),
        "max_success_results": draw(BOUND),
        "max_abandoned_results": draw(BOUND),
    }
    successes = [one.id for one in results if one.outcome is Outcome.SUCCESS]
    verdicts = ["open", "gave up", *(["canonical"] if successes else [])]
    verdict = draw(st.sampled_from(verdicts))
    if verdict == "canonical":
        fields["canonical_result_id"] = draw(st.sampled_from(successes))
    if verdict == "gave up":
        fields["error_mask"] = draw(st.sampled_from(list(ErrorMask)))
    if verdict != "open":
        reached = [AssimilateState.READY, AssimilateState.DONE]
        fields["assimilate_state"] = draw(st.sampled_from(reached))
        fields["file_delete_state"] = draw(st.sampled_from(FileDeleteState))
    return unit(*results, **fields)


@settings(max_examples=max(500, settings().max_examples))
@given(histories(), st.integers(NOW - 3, NOW + 3))
def test_a_settled_work_unit_stays_settled(before, now):
    rested = settled(before, now)
    assert settle(rested, by_digest, PLAIN, now) == []
