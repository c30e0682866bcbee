"""This file is where work units end without a verdict, and say what their requester can do."""

from __future__ import annotations

import msgspec
import pytest
from crowd import (
    NOW,
    answered,
    caught,
    computed,
    ended,
    known,
    made,
    sent,
    settled,
    standard,
    unit,
    waiting,
    with_answer,
)

from grid import transitioner
from grid.assimilator.giving_up import reason
from grid.items import Mode, Policy
from grid.states import AssimilateState, ErrorMask, Outcome, Purpose, ServerState
from grid.states import ValidateState as Validate
from grid.transition import CreateResults, after
from grid.transitioner import RETRY_PRIORITY, Needs

BOUNDED = Policy(
    max_error_results=3,
    max_success_results=4,
    max_total_results=5,
    max_abandoned_results=7,
    delay_bound_s=600,
    deadline_at=1_800_000_000,
)


@pytest.mark.parametrize(
    ("bit", "words"),
    [
        # it gave up for                        what failed, how often, what to change
        (ErrorMask.TOO_MANY_ERROR_RESULTS,     ("failed on 3", "what the hosts said", "smaller")),
        (ErrorMask.TOO_MANY_SUCCESS_RESULTS,   ("4 answers", "max_success_results", "standard")),
        (ErrorMask.TOO_MANY_TOTAL_RESULTS,     ("5 copies", "max_total_results")),
        (ErrorMask.TOO_MANY_ABANDONED_RESULTS, ("7 volunteers", "delay_bound_s above 600")),
        (ErrorMask.PAST_DEADLINE,              ("2027-01-15 08:00:00 UTC", "deadline_s")),
        (ErrorMask.CANCELLED,                  ("cancelled",)),
    ],
)  # fmt: skip
def test_whoever_reads_the_reason_knows_what_failed_how_often_and_what_to_change(bit, words):
    said = reason(12, bit, BOUNDED)
    name = str(bit.name).lower().replace("_", " ")
    assert said.startswith(f"work unit 12 gave up ({name}): ")
    assert all(word in said for word in words)


def test_every_bit_of_the_mask_has_its_reason():
    several = ErrorMask.PAST_DEADLINE | ErrorMask.TOO_MANY_ERROR_RESULTS
    said = reason(0, several, BOUNDED)
    assert "(too many error results, past deadline)" in said
    assert "failed on 3" in said and "deadline_s" in said
    assert all(reason(0, bit, Policy()) for bit in ErrorMask)


@pytest.mark.parametrize("mode", sorted(Mode))
def test_the_jobs_deadline_ends_whatever_is_undecided_and_nothing_else(mode):
    open_one = unit(answered(1, "a"), mode=mode, min_quorum=2, deadline_at=NOW + 60)
    waits = settled(open_one, NOW)
    assert not waits.decided
    assert waits.due_at is not None and waits.due_at <= NOW + 60
    over = settled(waits, NOW + 60)
    assert over.error_mask is ErrorMask.PAST_DEADLINE
    assert over.assimilate_state is AssimilateState.READY
    assert over.due_at is None
    decided = settled(unit(answered(1, "a"), answered(2, "a"), deadline_at=NOW + 60))
    assert settled(decided, NOW + 61).error_mask is ErrorMask.NONE


def test_a_work_unit_that_nobody_has_seen_is_looked_at_again_by_its_deadline():
    fresh = settled(unit(deadline_at=NOW + 60), NOW)
    assert (fresh.due_at, len(made(fresh, Purpose.COPY))) == (NOW + 60, 2)
    assert settled(fresh, NOW + 60).error_mask is ErrorMask.PAST_DEADLINE
    assert settled(unit(), NOW).due_at is None


@pytest.mark.parametrize(
    ("outcomes", "mask"),
    [
        # how copies ended                                            given up for
        ([Outcome.NO_REPLY] * 3 + [Outcome.ABANDONED] * 3,            ErrorMask.NONE),
        ([Outcome.NO_REPLY] * 4 + [Outcome.ABANDONED] * 3,
         ErrorMask.TOO_MANY_ABANDONED_RESULTS),
        ([Outcome.CLIENT_ERROR] * 2 + [Outcome.NO_REPLY] * 6,         ErrorMask.NONE),
        ([Outcome.CLIENT_ERROR] * 2 + [Outcome.VALIDATE_ERROR],
         ErrorMask.TOO_MANY_ERROR_RESULTS),
    ],
)  # fmt: skip
def test_errors_and_leaving_are_bounded_each_by_its_own(outcomes, mask):
    results = [ended(n, outcome) for n, outcome in enumerate(outcomes, 1)]
    bounds = {"max_error_results": 3, "max_abandoned_results": 7, "max_total_results": 9}
    assert settled(unit(*results, **bounds)).error_mask is mask


LOST = [
    [ended(n, Outcome.CLIENT_ERROR) for n in (1, 2)],
    [ended(n, Outcome.VALIDATE_ERROR) for n in (1, 2)],
    [ended(n, Outcome.ABANDONED) for n in (1, 2)],
    [ended(n, Outcome.NO_REPLY) for n in (1, 2)],
]
TWICE = {"max_error_results": 2, "max_abandoned_results": 2}


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("room", [True, False])
def test_strangers_who_fail_or_leave_end_no_job_that_the_server_can_compute(lost, room):
    one = settled(standard(*lost, **TWICE), snapshot=known(0, room=room))
    (run,) = made(one, Purpose.TRUSTED)
    assert not one.decided and not made(one, Purpose.COPY)
    done = settled(with_answer(one, computed(run.id, "a")), snapshot=known(0, room=room))
    assert (done.error_mask, done.canonical_result_id) == (ErrorMask.NONE, run.id)


@pytest.mark.parametrize("lost", LOST)
def test_what_fails_on_the_server_as_well_gives_up(lost):
    one = settled(standard(*lost, **TWICE), snapshot=known(0))
    (run,) = made(one, Purpose.TRUSTED)
    failed = msgspec.structs.replace(computed(run.id, ""), outcome=Outcome.CLIENT_ERROR)
    gone = settled(with_answer(one, failed), snapshot=known(0))
    assert gone.error_mask is not ErrorMask.NONE
    assert not made(gone, Purpose.TRUSTED)


def test_while_the_server_is_busy_what_volunteers_fail_at_waits_for_it():
    waits = settled(standard(*LOST[0], **TWICE), snapshot=known(0, busy=True))
    assert (waits.error_mask, len(waits.results)) == (ErrorMask.NONE, 2)
    assert waits.due_at is not None
    assert made(settled(waits, waits.due_at, known(0)), Purpose.TRUSTED)


@pytest.mark.parametrize("mode", [Mode.FIXED, Mode.TRUSTED])
@pytest.mark.parametrize("lost", LOST)
def test_in_the_modes_that_count_nobody_but_hosts_computes(mode, lost):
    gone = settled(unit(*lost, mode=mode, **TWICE))
    assert gone.error_mask is not ErrorMask.NONE


@pytest.mark.parametrize("mode", [Mode.FIXED, Mode.STANDARD])
def test_a_copy_that_is_made_again_goes_before_first_ones_of_the_same_job(mode):
    first = settled(unit(mode=mode, priority=3))
    assert {copy.priority for copy in first.results} == {3}
    again = settled(unit(ended(1, Outcome.NO_REPLY), sent(2), mode=Mode.FIXED, priority=3))
    assert [copy.priority for copy in made(again, Purpose.COPY)] == [3 + RETRY_PRIORITY]


def test_a_silent_copy_is_replaced_in_the_moment_it_is_timed_out_in_every_mode():
    for mode in sorted(Mode):
        late = unit(answered(1, "a"), sent(2, deadline=NOW - 1), mode=mode, min_quorum=2)
        rested = settled(late, snapshot=known({1: 50}, seed="seed5"))
        assert rested.results[1].outcome is Outcome.NO_REPLY
        assert len(made(rested, Purpose.COPY)) == 1, mode


def test_answers_of_the_caught_use_up_no_bound():
    snapshot = known(0)
    liars = [answered(n, "a") for n in (1, 2)]
    bounds = {"max_success_results": 3, "max_total_results": 3, "min_quorum": 2}
    one = unit(*liars, answered(3, "b"), answered(4, "c"), **bounds)
    assert settled(one, snapshot=caught(snapshot, 2)).error_mask is not ErrorMask.NONE
    rested = settled(one, snapshot=caught(snapshot, 1, 2))
    assert rested.error_mask is ErrorMask.NONE
    assert len(made(rested, Purpose.COPY)) == 1


def test_failures_of_the_servers_own_runs_are_no_errors_of_the_work_unit():
    who = {"volunteer_id": None, "principal_id": None, "purpose": Purpose.TRUSTED}
    failed = [ended(n, Outcome.CLIENT_ERROR, **who) for n in (1, 2)]
    rested = settled(standard(*failed, max_error_results=2, max_total_results=2))
    assert rested.error_mask is ErrorMask.NONE
    assert made(rested, Purpose.COPY)


def test_what_comes_late_to_a_work_unit_that_gave_up_changes_nothing():
    gone = settled(unit(*(ended(n, Outcome.CLIENT_ERROR) for n in (1, 2)), max_error_results=2))
    late = with_answer(gone, answered(3, "a"), answered(4, "a"), computed(5, "a"))
    rested = settled(late)
    assert (rested.error_mask, rested.canonical_result_id) == (gone.error_mask, None)
    assert rested.results[2].validate_state is Validate.INIT


def test_a_late_right_answer_is_as_good_as_one_in_time_until_the_output_has_it():
    decided = settled(standard(answered(1, "a"), answered(2, "a")), snapshot=known())
    silent = with_answer(decided, ended(3, Outcome.NO_REPLY, engine="firefox/128"))
    back = with_answer(silent, answered(3, "a", engine="firefox/128"))
    late = settled(back, snapshot=known())
    assert late.results[2].validate_state is Validate.VALID
    assert late.results[2].checks2 == 1


def test_a_cancelled_work_unit_asks_for_nothing_more_and_blames_nobody():
    open_one = standard(answered(1, "a"), waiting(2), sent(3), waiting(4, purpose=Purpose.TRUSTED))
    gone = after(open_one, transitioner.cancel(open_one), next_id=9)
    assert gone.error_mask is ErrorMask.CANCELLED
    assert [one.outcome for one in gone.results[1::2]] == [Outcome.DIDNT_NEED] * 2
    assert gone.results[2].server_state is ServerState.IN_PROGRESS
    assert settled(gone) == gone
    rested = settled(with_answer(gone, answered(3, "b")))
    assert all(one.validate_state is Validate.INIT for one in rested.results)


def test_when_its_job_is_over_what_was_not_sent_is_called_back_and_a_recheck_is_still_made():
    secret = [waiting(n, purpose=p) for n, p in enumerate((Purpose.TRAP, Purpose.DECOY), 3)]
    recheck = waiting(5, purpose=Purpose.TRUSTED)
    done = standard(answered(1, "a"), answered(2, "a"), *secret, recheck)
    still = settled(done, snapshot=known())
    assert {one.server_state for one in still.results[2:5]} == {ServerState.UNSENT}
    over = settled(still, snapshot=known(over=True))
    assert {one.server_state for one in over.results[2:4]} == {ServerState.OVER}
    assert over.results[4].server_state is ServerState.UNSENT
    wrong = settled(with_answer(over, computed(5, "b")), snapshot=known(over=True))
    assert wrong.canonical_result_id == 5


def test_several_copies_at_first_are_for_the_modes_that_count():
    assert len(settled(unit(target_nresults=3)).results) == 3
    assert len(settled(standard(target_nresults=3)).results) == 1


def test_no_bound_is_reached_by_what_nobody_asks_for():
    one = msgspec.structs.replace(standard(answered(1, "a"), answered(2, "b")), id=1)
    bounded = standard(*one.results, max_total_results=2, max_success_results=2)
    asked = transitioner.decide(bounded, Needs(trusted=True), NOW)
    assert [b.purpose for b in asked if isinstance(b, CreateResults)] == [Purpose.TRUSTED]
    lacking = after(bounded, transitioner.decide(bounded, Needs(copies=1), NOW), next_id=9)
    assert lacking.error_mask is (
        ErrorMask.TOO_MANY_SUCCESS_RESULTS | ErrorMask.TOO_MANY_TOTAL_RESULTS
    )
