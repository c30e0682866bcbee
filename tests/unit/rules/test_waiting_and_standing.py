"""This file is where it is seen how long a work unit waits, and what lets its verdict stand."""

from __future__ import annotations

import msgspec
import pytest
from crowd import (
    NOW,
    answered,
    caught,
    chosen,
    ended,
    known,
    made,
    sent,
    settled,
    standard,
    waiting,
    with_answer,
)

from grid.canonical import digest
from grid.items import Result
from grid.states import ErrorMask, Outcome, Purpose, Support
from grid.transition import after
from grid.validator import settle
from grid.validator.ruling import LOOK_AGAIN_S, STALE_WAITS, TRUSTED_ERRORS_MAX
from grid.validator.snapshot import Budget, Snapshot

RIGHT, WRONG = "right", "wrong"
WAIT = 30
#: So long nobody comes for a copy until the server takes it.
STALE = STALE_WAITS * WAIT
YOUNG = Snapshot(seed="a seed", wait_s=WAIT)
SPENT = msgspec.structs.replace(YOUNG, room=False)


def first(**fields: object) -> Result:
    """The only answer so far; it came in now."""
    return answered(1, RIGHT, **{"received_at": NOW, **fields})


def failed_runs(outcome: Outcome, count: int) -> list[Result]:
    """What came of the server's own runs."""
    who = {"volunteer_id": None, "principal_id": None, "host_id": None, "engine": None}
    return [ended(n, outcome, purpose=Purpose.TRUSTED, **who) for n in range(90, 90 + count)]


# How long it waits


@pytest.mark.parametrize(
    "alive",
    [
        [sent(8, deadline=NOW + 10**6)],
        [sent(8, deadline=NOW + 10**6), waiting(9, not_before=NOW)],
        [waiting(8, not_before=NOW), sent(9, deadline=NOW + 10**6)],
    ],
)
def test_a_copy_that_somebody_holds_is_waited_for_however_long_it_takes(alive):
    rested = settled(standard(first(), *alive), NOW + 9 * STALE, YOUNG)
    assert not made(rested, Purpose.TRUSTED)
    assert len(rested.results) == 1 + len(alive)


def test_a_copy_is_stale_only_so_long_after_the_last_answer():
    """It may be older than the answer: then nobody had a reason to come for it sooner."""
    later = NOW + 100
    one = standard(first(received_at=later), waiting(9, not_before=NOW))
    assert not made(settled(one, later + STALE, YOUNG), Purpose.TRUSTED)
    assert made(settled(one, later + STALE + 1, YOUNG), Purpose.TRUSTED)


def test_whoever_waits_for_a_busy_server_is_never_looked_at_twice_in_one_second():
    busy = msgspec.structs.replace(YOUNG, busy=True)
    one = standard(first(), answered(2, RIGHT, received_at=NOW))
    assert settled(one, NOW + WAIT - 1, busy).due_at == NOW + WAIT
    assert settled(one, NOW + WAIT, busy).due_at == NOW + WAIT + LOOK_AGAIN_S


# What the server tries


@pytest.mark.parametrize("outcome", [Outcome.CLIENT_ERROR, Outcome.NO_REPLY])
def test_a_run_that_died_with_its_server_has_failed_like_any_other(outcome):
    split = [first(), answered(2, WRONG, received_at=NOW)]
    crowd = known({1: 30, 2: 30})
    once = standard(*split, *failed_runs(outcome, TRUSTED_ERRORS_MAX - 1))
    assert made(settled(once, snapshot=crowd), Purpose.TRUSTED)
    left = settled(standard(*split, *failed_runs(outcome, TRUSTED_ERRORS_MAX)), snapshot=crowd)
    assert made(left, Purpose.COPY) and not made(left, Purpose.TRUSTED)


@pytest.mark.parametrize("outcome", [Outcome.CLIENT_ERROR, Outcome.NO_REPLY])
def test_the_server_is_a_last_resort_once(outcome):
    lost = [ended(n, Outcome.CLIENT_ERROR) for n in (1, 2)]
    tried = settled(standard(*lost, max_error_results=1), snapshot=YOUNG)
    assert (tried.error_mask, len(made(tried, Purpose.TRUSTED))) == (ErrorMask.NONE, 1)
    again = standard(*lost, *failed_runs(outcome, 1), max_error_results=1)
    given_up = settled(again, snapshot=YOUNG)
    assert given_up.error_mask is ErrorMask.TOO_MANY_ERROR_RESULTS


@pytest.mark.parametrize(("failures", "runs"), [(0, 1), (TRUSTED_ERRORS_MAX, 0)])
def test_a_late_dissent_buys_no_run_that_is_known_to_fail(failures, runs):
    one = settled(standard(first(), answered(2, RIGHT)), snapshot=known(50))
    assert one.support is Support.AGREED
    doubted = with_answer(one, answered(3, WRONG), *failed_runs(Outcome.CLIENT_ERROR, failures))
    rested = settled(doubted, snapshot=known({1: 50, 2: 50, 3: 50}))
    assert len(made(rested, Purpose.TRUSTED)) == runs
    assert chosen(rested) == chosen(one)


@pytest.mark.parametrize(
    ("spent", "floor", "work_units", "room"),
    [
        # runs, the job's floor, work units at 0.16 runs each; whether there is another
        (0.0, 0.0, 0, False),
        (0.0, 0.5, 0, True),
        (4.9, 5.0, 0, True),
        (5.0, 5.0, 0, False),
        (5.0, 5.0, 1, True),
        (20.9, 5.0, 100, True),
        (21.0, 5.0, 100, False),
    ],
)
def test_a_job_may_spend_its_floor_and_a_share_of_a_run_a_work_unit(spent, floor, work_units, room):
    assert Budget.room(spent, floor, work_units, 0.16) is room


# What lets a verdict stand


def below(*answers: Result, snapshot: Snapshot = SPENT):
    """Two newcomers agreed, and the budget was spent."""
    one = settled(standard(*answers), NOW + 2 * WAIT, snapshot)
    assert one.support is Support.BELOW_TARGET
    return one


def test_a_verdict_below_target_keeps_its_speaker_although_an_earlier_one_counts_again():
    three = [answered(n, RIGHT) for n in (1, 2, 3)]
    without = caught(SPENT, 1)
    one = below(*three, snapshot=without)
    assert one.canonical_result_id == 2
    back = settled(one, NOW + 9 * WAIT, caught(without, 1, free=True))
    assert back.canonical_result_id == 2


@pytest.mark.parametrize(("late", "stands"), [(RIGHT, True), (WRONG, False)])
def test_who_says_something_else_does_not_step_in_for_those_who_were_caught(late, stands):
    one = below(answered(1, RIGHT), answered(2, RIGHT))
    others = [answered(n, late, received_at=NOW + 8 * WAIT) for n in (3, 4)]
    young = caught(YOUNG, 1, 2)
    rested = settled(with_answer(one, *others), NOW + 9 * WAIT, young)
    assert (rested.canonical_result_id is not None) == stands
    assert bool(made(rested, Purpose.TRUSTED)) != stands


def test_whoever_gave_the_output_that_names_the_group_speaks_for_it():
    """Within a tolerance the earliest answer need not be the one in the middle."""
    one = standard(answered(1, "1.0"), answered(2, "1.1"))
    middle = digest(b"1.1")
    batch = settle(one, lambda _: {1: middle, 2: middle}, known(), NOW)
    assert after(one, batch, 9).canonical_result_id == 2
