"""This file is where a work unit gets what it needs, and no more."""

from __future__ import annotations

import pytest
from crowd import NOW, PLAIN, answered, by_digest, ended, sent, settled, unit, waiting

from grid import transitioner
from grid.items import Mode
from grid.states import AssimilateState, ErrorMask, FileDeleteState, Outcome, ServerState
from grid.states import ValidateState as Validate
from grid.transition import after
from grid.validator import settle


def count(one, state: ServerState) -> int:
    return sum(result.server_state is state for result in one.results)


@pytest.mark.parametrize(
    ("results", "policy", "unsent"),
    [
        # copies there are                                   policy                unsent then
        ([],                                                 {},                            2),
        ([],                                                 {"target_nresults": 3},        3),
        ([],                                                 {"target_nresults": 3,
                                                              "mode": Mode.TRUSTED},        3),
        ([],                                                 {"target_nresults": 3,
                                                              "mode": Mode.STANDARD},       1),
        ([waiting(1)],                                       {},                            2),
        ([sent(1), sent(2)],                                 {},                            0),
        ([answered(1, "a"), sent(2)],                        {},                            0),
        ([answered(1, "a"), answered(2, "b")],               {},                            1),
        ([answered(1, "a"), answered(2, "b"), sent(3)],      {},                            0),
        ([answered(1, "a"), ended(2, Outcome.NO_REPLY)],     {},                            1),
        ([ended(1, Outcome.CLIENT_ERROR), sent(2)],          {},                            1),
        ([ended(1, Outcome.ABANDONED), waiting(2)],          {},                            1 + 1),
        ([answered(1, "a"), answered(2, "a")],               {},                            0),
        ([answered(1, "a"), answered(2, "b")],               {"min_quorum": 3,
                                                              "target_nresults": 3},        2),
        ([answered(1, "a"), answered(2, "a"),
          answered(3, "b"), answered(4, "b")],               {},                            1),
    ],
)  # fmt: skip
def test_a_work_unit_gets_the_copies_it_lacks(results, policy, unsent):
    assert count(settled(unit(*results, **policy)), ServerState.UNSENT) == unsent


def test_silence_past_the_deadline_is_no_reply_and_the_copy_is_made_again():
    rested = settled(unit(sent(1, deadline=NOW), sent(2)), now=NOW + 1)
    assert rested.results[0].outcome is Outcome.NO_REPLY
    assert rested.results[1].server_state is ServerState.IN_PROGRESS
    assert count(rested, ServerState.UNSENT) == 1


def test_a_deadline_that_is_now_has_not_passed():
    assert settle(unit(sent(1, deadline=NOW), sent(2)), by_digest, PLAIN, NOW) == []


@pytest.mark.parametrize(
    ("results", "policy", "mask"),
    [
        ([ended(n, Outcome.CLIENT_ERROR) for n in (1, 2, 3)], {"max_error_results": 3},
         ErrorMask.TOO_MANY_ERROR_RESULTS),
        ([ended(1, Outcome.CLIENT_ERROR), ended(2, Outcome.VALIDATE_ERROR)],
         {"max_error_results": 2}, ErrorMask.TOO_MANY_ERROR_RESULTS),
        ([answered(n, str(n)) for n in (1, 2, 3)], {"max_success_results": 3},
         ErrorMask.TOO_MANY_SUCCESS_RESULTS),
        ([answered(1, "a"), answered(2, "b"), ended(3, Outcome.CLIENT_ERROR)],
         {"max_total_results": 3}, ErrorMask.TOO_MANY_TOTAL_RESULTS),
        ([ended(n, Outcome.NO_REPLY) for n in (1, 2)], {"max_abandoned_results": 2},
         ErrorMask.TOO_MANY_ABANDONED_RESULTS),
        ([ended(n, Outcome.ABANDONED) for n in (1, 2)], {"max_abandoned_results": 2},
         ErrorMask.TOO_MANY_ABANDONED_RESULTS),
    ],
)  # fmt: skip
def test_a_work_unit_gives_up_past_its_bounds(results, policy, mask):
    rested = settled(unit(*results, **policy))
    assert rested.error_mask == mask
    assert rested.assimilate_state is AssimilateState.READY
    assert count(rested, ServerState.UNSENT) == 0
    assert not any(one.validate_state is Validate.INCONCLUSIVE for one in rested.results)


def test_one_below_a_bound_is_not_giving_up():
    results = [ended(n, Outcome.CLIENT_ERROR) for n in (1, 2)]
    assert settled(unit(*results, max_error_results=3)).error_mask is ErrorMask.NONE


def test_leaving_is_no_error_and_does_not_count_towards_the_total():
    results = [ended(n, Outcome.NO_REPLY) for n in range(1, 30)]
    rested = settled(unit(*results, max_total_results=3, max_error_results=1))
    assert rested.error_mask is ErrorMask.NONE
    assert count(rested, ServerState.UNSENT) == 2


def test_no_more_copies_than_the_total_allows():
    results = [answered(1, "a"), answered(2, "b")]
    policy = {"min_quorum": 5, "target_nresults": 5, "max_total_results": 4}
    assert count(settled(unit(*results, **policy)), ServerState.UNSENT) == 2


def test_a_verdict_calls_back_what_nobody_needs_and_leaves_what_is_out():
    rested = settled(unit(answered(1, "a"), answered(2, "a"), waiting(3), sent(4)))
    assert rested.results[2].outcome is Outcome.DIDNT_NEED
    assert rested.results[3].server_state is ServerState.IN_PROGRESS
    assert rested.assimilate_state is AssimilateState.READY


def test_leftovers_may_go_once_settled_and_nothing_is_out():
    done = {"canonical_result_id": 1, "assimilate_state": AssimilateState.DONE}
    answers = [answered(n, "a", state=Validate.VALID) for n in (1, 2)]
    assert settled(unit(*answers, **done)).file_delete_state is FileDeleteState.READY
    assert settled(unit(*answers, sent(3), **done)).file_delete_state is FileDeleteState.INIT
    overdue = unit(*answers, sent(3, deadline=NOW), **done)
    assert settled(overdue, now=NOW + 1).file_delete_state is FileDeleteState.READY


def test_cancelling_ends_an_undecided_work_unit_and_leaves_a_decided_one():
    open_unit = unit(answered(1, "a"), waiting(2), sent(3))
    ended_unit = after(open_unit, transitioner.cancel(open_unit), next_id=9)
    assert ended_unit.error_mask is ErrorMask.CANCELLED
    assert ended_unit.results[1].outcome is Outcome.DIDNT_NEED
    assert ended_unit.results[2].server_state is ServerState.IN_PROGRESS
    assert settle(ended_unit, by_digest, PLAIN, NOW) == []
    decided = settled(unit(answered(1, "a"), answered(2, "a")))
    assert transitioner.cancel(decided) == []
