"""This file is where copies that came back unsolved are neither votes nor errors, and bounded."""

from __future__ import annotations

import msgspec
import pytest
from crowd import (
    NOW,
    answered,
    chosen,
    computed,
    ended,
    known,
    made,
    settled,
    standard,
    step,
    unit,
    waiting,
)

from grid.canonical import digest
from grid.items import Mode
from grid.states import ErrorMask, Outcome, Purpose, ServerState, ValidateState
from grid.transition import Adjust


def unsolved(number: int, **fields: object) -> object:
    return msgspec.structs.replace(
        ended(number, Outcome.UNSOLVED, **fields), received_at=NOW + number
    )


@pytest.mark.parametrize("mode", [Mode.FIXED, Mode.STANDARD, Mode.ECONOMY, Mode.STRICT])
def test_an_unsolved_copy_is_made_anew_and_nobody_is_judged_for_it(mode):
    one, _, batch = step(unit(unsolved(1), mode=mode, min_quorum=2, target_nresults=1))
    assert made(one, Purpose.COPY)
    assert one.results[0].validate_state is ValidateState.INIT
    assert not [given for given in batch if isinstance(given, Adjust)]


@pytest.mark.parametrize("mode", [Mode.FIXED, Mode.STANDARD])
def test_many_that_have_not_solved_it_outvote_nobody(mode):
    votes = [unsolved(number) for number in range(3, 8)]
    one = settled(unit(answered(1, "a"), answered(2, "a"), *votes, mode=mode), NOW, known())
    assert chosen(one) == digest(b"a")
    assert {vote.validate_state for vote in one.results[2:]} == {ValidateState.INIT}


def test_a_work_unit_that_nobody_solves_gives_up_at_its_bound_and_not_before():
    few = [unsolved(number) for number in range(1, 5)]
    assert not settled(unit(*few, max_total_results=5)).error_mask
    over = settled(unit(*few, unsolved(5), max_total_results=5))
    assert over.error_mask is ErrorMask.TOO_MANY_TOTAL_RESULTS


def test_unsolved_copies_leave_the_bounds_of_answers_and_errors_alone():
    many = [unsolved(number) for number in range(1, 5)]
    one = unit(*many, answered(8, "a"), max_total_results=5, max_error_results=2)
    later = settled(one)
    assert not later.error_mask
    assert made(later, Purpose.COPY)


def test_strangers_who_solve_nothing_end_no_job_before_the_server_has_tried():
    many = [unsolved(number) for number in range(1, 6)]
    asked = settled(standard(*many, max_total_results=5))
    assert not asked.error_mask
    assert made(asked, Purpose.TRUSTED)
    assert chosen(settled(standard(*many, computed(9, "a"), max_total_results=5))) == digest(b"a")
    failed = msgspec.structs.replace(
        ended(9, Outcome.CLIENT_ERROR), purpose=Purpose.TRUSTED, volunteer_id=None
    )
    over = settled(standard(*many, failed, max_total_results=5))
    assert over.error_mask is ErrorMask.TOO_MANY_TOTAL_RESULTS


def test_where_nobody_else_comes_the_server_takes_the_copy():
    one = standard(unsolved(1), waiting(2))
    assert one.results[1].server_state is ServerState.UNSENT
    first = settled(one, NOW + 2)
    assert not made(first, Purpose.TRUSTED)
    assert first.due_at is not None
    assert made(settled(first, first.due_at + 1), Purpose.TRUSTED)
