"""This file is where work units are decided by how far volunteers are believed."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from crowd import (
    NOW,
    answered,
    caught,
    chosen,
    computed,
    ended,
    known,
    made,
    sent,
    settled,
    standard,
    step,
    unit,
    waiting,
    with_answer,
)

from grid.canonical import digest
from grid.comparators import Within
from grid.items import Mode
from grid.states import AssimilateState, ErrorMask, Outcome, Purpose, ServerState, Support
from grid.states import ValidateState as Validate
from grid.transition import Adjust, CreateResults, after
from grid.transitioner import RETRY_PRIORITY
from grid.validator import grouping, settle
from grid.validator.ruling import LOOK_AGAIN_MAX_S, STALE_WAITS, TRUSTED_ERRORS_MAX
from grid.validator.snapshot import Snapshot

RIGHT, WRONG, OTHER = "right", "wrong", "other"
WAIT = 30
YOUNG = Snapshot(seed="a seed", wait_s=WAIT)
SPENT = msgspec.structs.replace(YOUNG, room=False)
MERGED = {"assimilate_state": AssimilateState.DONE}


def answer(number: int, text: str, **fields: object):
    """An answer that came in the second it is looked at."""
    return answered(number, text, **{"received_at": NOW, **fields})


def finished(one, number: int, text: str, now: int = NOW):
    """The same work unit once its trusted run `number` has given this."""
    return with_answer(one, msgspec.structs.replace(computed(number, text), received_at=now))


# Who is asked


def test_copies_go_out_one_after_another_with_a_random_wait_between_them():
    first = settled(standard(target_nresults=2), snapshot=YOUNG)
    (copy,) = made(first, Purpose.COPY)
    assert (copy.not_before, copy.priority) == (0, 0)
    later = settled(standard(answer(1, RIGHT)), snapshot=YOUNG)
    (copy,) = made(later, Purpose.COPY)
    assert NOW <= copy.not_before <= NOW + YOUNG.delay_s
    assert copy.priority == RETRY_PRIORITY
    delays = set()
    for number in range(40):
        one = msgspec.structs.replace(standard(answer(1, RIGHT)), id=number)
        (batch,) = [b for b in step(one, NOW, YOUNG)[2] if isinstance(b, CreateResults)]
        delays.add(batch.not_before - NOW)
    assert delays == set(range(YOUNG.delay_s + 1))


def test_two_well_known_volunteers_decide_and_two_newcomers_do_not():
    one = standard(answer(1, RIGHT), answer(2, RIGHT))
    decided = settled(one, snapshot=known())
    assert (chosen(decided), decided.support) == (digest(b"right"), Support.AGREED)
    assert settled(one, snapshot=YOUNG).canonical_result_id is None


@pytest.mark.parametrize(
    ("mode", "checks2", "answers", "decided"),
    [
        # mode          survived  answers  decided
        (Mode.STANDARD, 400,      2,       True),
        (Mode.STANDARD, 400,      1,       False),
        (Mode.STANDARD, 20,       2,       False),
        (Mode.STANDARD, 20,       3,       True),
        (Mode.STRICT,   300,      2,       False),
        (Mode.STRICT,   300,      3,       True),
        (Mode.ECONOMY,  400,      1,       True),
        (Mode.ECONOMY,  200,      1,       False),
        (Mode.ECONOMY,  20,       2,       True),
    ],
)  # fmt: skip
def test_each_mode_takes_as_many_answers_as_its_promise_needs(mode, checks2, answers, decided):
    one = unit(*(answer(n + 1, RIGHT) for n in range(answers)), mode=mode)
    snapshot = known(checks2, seed="seed5")
    assert (settled(one, snapshot=snapshot).canonical_result_id is not None) == decided


@pytest.mark.parametrize(("ppb", "decided"), [(1_000_000, True), (100_000, False)])
def test_a_target_error_decides_when_answers_are_enough(ppb, decided):
    one = standard(answer(1, RIGHT), answer(2, RIGHT), target_error_ppb=ppb)
    assert (settled(one, snapshot=known(20)).canonical_result_id is not None) == decided


@pytest.mark.parametrize(
    ("engines", "asked"),
    [
        (["chromium/130", "chromium/130"], True),
        (["chromium/130", "chromium/131"], True),
        (["chromium/130", "firefox/128"], False),
    ],
)
def test_where_kinds_of_engine_are_wanted_versions_of_one_kind_do_not_count(engines, asked):
    answers = [answer(n, RIGHT, engine=engine) for n, engine in enumerate(engines, 1)]
    rested = settled(standard(*answers, min_engines=2), snapshot=known())
    assert (len(made(rested, Purpose.COPY)) == 1) == asked
    assert (rested.support is Support.AGREED) == (not asked)


def test_a_newcomers_lone_disagreement_buys_a_copy_and_a_known_volunteers_a_trusted_run():
    one = standard(answer(1, RIGHT), answer(2, WRONG))
    by_newcomer = settled(one, snapshot=known({1: 30, 2: 0}))
    assert made(by_newcomer, Purpose.COPY) and not made(by_newcomer, Purpose.TRUSTED)
    by_known = settled(one, snapshot=known({1: 30, 2: 30}))
    assert made(by_known, Purpose.TRUSTED) and not made(by_known, Purpose.COPY)


@pytest.mark.parametrize("held", ["by a host", "by nobody"])
def test_while_a_copy_is_out_nobody_else_is_asked(held):
    copy = sent(9) if held == "by a host" else waiting(9, not_before=NOW)
    one = standard(answer(1, RIGHT), answer(2, WRONG), copy)
    rested = settled(one, snapshot=known({1: 30, 2: 30}))
    assert len(rested.results) == 3


# A young grid


def test_newcomers_wait_to_become_better_known_and_then_the_server_computes():
    one = standard(answer(1, RIGHT), answer(2, RIGHT))
    waits = settled(one, snapshot=YOUNG)
    assert (waits.due_at, len(waits.results)) == (NOW + WAIT, 2)
    asked = settled(waits, NOW + WAIT, YOUNG)
    (run,) = made(asked, Purpose.TRUSTED)
    assert asked.due_at is None
    rested = settled(finished(asked, run.id, RIGHT), NOW + WAIT, YOUNG)
    assert (chosen(rested), rested.support) == (digest(b"right"), Support.TRUSTED)


def test_newcomers_who_became_well_known_meanwhile_need_no_server():
    waits = settled(standard(answer(1, RIGHT), answer(2, RIGHT)), snapshot=YOUNG)
    rested = settled(waits, NOW + 5, known())
    assert (rested.support, rested.due_at) == (Support.AGREED, None)


def test_past_the_budget_an_agreement_is_labelled_below_target_and_never_silently():
    one = standard(answer(1, RIGHT), answer(2, RIGHT))
    waits = settled(one, snapshot=SPENT)
    assert waits.canonical_result_id is None
    rested = settled(waits, NOW + WAIT, SPENT)
    assert (chosen(rested), rested.support) == (digest(b"right"), Support.BELOW_TARGET)
    assert not made(rested, Purpose.TRUSTED)


def test_a_dispute_past_the_budget_asks_more_volunteers_and_in_the_end_the_server():
    one = standard(answer(1, RIGHT), answer(2, WRONG))
    asked = settled(one, snapshot=SPENT)
    assert made(asked, Purpose.COPY) and not made(asked, Purpose.TRUSTED)
    split = [answer(n, RIGHT if n % 2 else WRONG) for n in range(1, 7)]
    waits = settled(standard(*split), snapshot=SPENT)
    assert (len(waits.results), waits.due_at) == (6, NOW + WAIT)
    assert made(settled(waits, NOW + WAIT, SPENT), Purpose.TRUSTED)


def test_a_copy_that_nobody_comes_for_is_taken_by_the_server():
    asked = settled(standard(answer(1, RIGHT)), snapshot=YOUNG)
    (copy,) = made(asked, Purpose.COPY)
    late = copy.not_before + STALE_WAITS * WAIT
    assert asked.due_at == late
    assert not made(settled(asked, late, YOUNG), Purpose.TRUSTED)
    rested = settled(asked, late + 1, YOUNG)
    (run,) = made(rested, Purpose.TRUSTED)
    done = settled(finished(rested, run.id, RIGHT), late + 2, YOUNG)
    assert done.support is Support.TRUSTED
    assert not made(done, Purpose.COPY)


def test_without_a_budget_a_copy_that_nobody_comes_for_is_still_looked_after():
    asked = settled(standard(answer(1, RIGHT)), snapshot=SPENT)
    late = asked.due_at or 0
    for waited, next_look in (
        (1, 10),
        (19, 20),
        (20, 40),
        (39, 40),
        (40, 80),
        (80, 160),
        (250, 320),
    ):
        rested = settled(asked, late + waited, SPENT)
        assert (rested.decided, rested.due_at) == (False, late + next_look), waited
    assert settled(asked, late + 10**6, SPENT).due_at <= late + 10**6 + LOOK_AGAIN_MAX_S
    alone = settled(unit(answer(1, RIGHT), mode=Mode.ECONOMY), snapshot=SPENT)
    assert settled(alone, NOW + 9 * WAIT, SPENT).support is Support.BELOW_TARGET


@pytest.mark.parametrize("volunteers", [1, 2])
@pytest.mark.parametrize("snapshot", [YOUNG, SPENT])
@pytest.mark.parametrize("mode", [Mode.STANDARD, Mode.STRICT, Mode.ECONOMY])
def test_with_two_volunteers_every_work_unit_ends_and_with_one_where_there_is_budget(
    mode, snapshot, volunteers
):
    one, now, crowd = unit(mode=mode), NOW, snapshot
    free = list(range(1, volunteers + 1))
    for _ in range(300):
        one, crowd, _ = step(one, now, crowd)
        if one.decided:
            break
        ready = [copy for copy in made(one, Purpose.COPY) if copy.not_before <= now]
        runs = made(one, Purpose.TRUSTED)
        if ready and free:
            who = free.pop(0)
            one = with_answer(one, answered(ready[0].id, RIGHT, volunteer_id=who, received_at=now))
        elif runs:
            one = finished(one, runs[0].id, RIGHT, now)
        else:
            now += 1
    helpless = volunteers == 1 and snapshot is SPENT and mode is not Mode.ECONOMY
    assert one.decided != helpless
    assert helpless or chosen(one) == digest(b"right")


def test_what_the_server_cannot_compute_either_is_left_to_volunteers():
    who = {"volunteer_id": None, "principal_id": None, "purpose": Purpose.TRUSTED}
    failed = [ended(n, Outcome.CLIENT_ERROR, **who) for n in range(5, 5 + TRUSTED_ERRORS_MAX)]
    split = [answer(1, RIGHT), answer(2, WRONG)]
    crowd = known({1: 30, 2: 30})
    again = settled(standard(*split, *failed[1:]), snapshot=crowd)
    assert made(again, Purpose.TRUSTED)
    left = settled(standard(*split, *failed), snapshot=crowd)
    assert made(left, Purpose.COPY) and not made(left, Purpose.TRUSTED)
    agreed = settled(standard(answer(1, RIGHT), answer(2, RIGHT), *failed), NOW + WAIT, YOUNG)
    assert agreed.support is Support.BELOW_TARGET
    many = [answer(n, RIGHT if n % 2 else WRONG) for n in range(1, 5)]
    hopeless = standard(*many, *(f for f in failed), max_success_results=4)
    assert settled(hopeless, snapshot=YOUNG).error_mask is ErrorMask.TOO_MANY_SUCCESS_RESULTS


def test_answers_enough_are_not_too_many_while_the_server_may_decide():
    split = [answer(n, RIGHT if n % 2 else WRONG) for n in range(1, 5)]
    bounds = {"max_success_results": 2, "max_total_results": 3}
    rested = settled(standard(*split, **bounds), snapshot=YOUNG)
    assert rested.error_mask is ErrorMask.NONE
    assert made(rested, Purpose.TRUSTED)


# Verdicts that are looked at again


def agreed(snapshot: Snapshot = known(), **fields: object):  # noqa: B008
    """Two well-known volunteers agreed, and it is in the output."""
    one = settled(standard(answer(1, RIGHT), answer(2, RIGHT), **fields), snapshot=snapshot)
    assert one.support is Support.AGREED
    return msgspec.structs.replace(one, **MERGED)


def test_a_late_dissent_that_casts_doubt_buys_a_trusted_run():
    one = with_answer(agreed(known(50)), answer(3, WRONG))
    rested, _, _ = step(one, NOW, known({1: 50, 2: 50, 3: 50}))
    assert made(rested, Purpose.TRUSTED)
    assert (chosen(rested), rested.support) == (digest(b"right"), Support.AGREED)
    assert rested.results[2].validate_state is Validate.INVALID


def test_a_late_dissent_that_casts_no_doubt_is_just_wrong():
    one = with_answer(agreed(known(9000)), answer(3, WRONG))
    rested = settled(one, snapshot=known({1: 9000, 2: 9000}))
    assert len(rested.results) == 3
    assert rested.results[2].validate_state is Validate.INVALID


@pytest.mark.parametrize("fields", [{"room": False}, {"over": True}])
def test_a_late_dissent_buys_nothing_where_nothing_is_left_to_spend(fields):
    one = with_answer(agreed(known(50)), answer(3, WRONG))
    assert len(settled(one, snapshot=known({1: 50, 2: 50, 3: 50}, **fields)).results) == 3


@pytest.mark.parametrize("fields", [{}, MERGED])
def test_a_trusted_run_overturns_what_volunteers_agreed_on_merged_or_not(fields):
    one = settled(standard(answer(1, WRONG), answer(2, WRONG)), snapshot=known())
    one = msgspec.structs.replace(with_answer(one, answer(3, RIGHT)), **fields)
    rested = settled(finished(one, 9, RIGHT), snapshot=known())
    assert (chosen(rested), rested.support) == (digest(b"right"), Support.TRUSTED)
    assert rested.canonical_result_id == 3
    assert rested.assimilate_state is AssimilateState.READY
    assert [each.validate_state for each in rested.results[:3]] == [
        Validate.INVALID,
        Validate.INVALID,
        Validate.VALID,
    ]


def test_a_trusted_run_that_agrees_changes_what_a_verdict_rests_on_and_nothing_else():
    one = finished(agreed(), 9, RIGHT)
    rested = settled(one, snapshot=known())
    assert (rested.support, rested.canonical_result_id) == (Support.TRUSTED, 1)
    assert rested.assimilate_state is AssimilateState.DONE


def test_a_lone_source_is_asked_about_again_when_its_checks_fall_to_nothing():
    one = settled(unit(answer(1, RIGHT), mode=Mode.ECONOMY), snapshot=known(9000, seed="seed5"))
    assert one.support is Support.AGREED
    fallen = settled(msgspec.structs.replace(one, **MERGED), snapshot=known({1: 0, 2: 30, 3: 30}))
    assert (fallen.canonical_result_id, fallen.support) == (None, Support.NONE)
    assert fallen.assimilate_state is AssimilateState.INIT
    assert made(settled(fallen, NOW + WAIT, known({1: 0})), Purpose.TRUSTED)
    assert fallen.results[0].validate_state is Validate.INCONCLUSIVE


def test_two_sources_stand_when_their_checks_fall():
    fallen = settled(agreed(), snapshot=known({1: 0, 2: 0}))
    assert fallen.support is Support.AGREED
    assert len(fallen.results) == 2


def test_a_verdict_below_target_is_not_asked_about_again_when_others_become_known():
    below = settled(unit(answer(1, RIGHT), mode=Mode.ECONOMY), NOW + WAIT, SPENT)
    assert below.support is Support.BELOW_TARGET
    rested = settled(below, NOW + WAIT, known({1: 0, 2: 400, 3: 400}, room=False))
    assert rested.support is Support.BELOW_TARGET


def test_a_verdict_below_target_stands_on_two_whoever_else_said_the_same():
    """Else it is taken back and reached again for ever, each time for one more copy."""
    three = (answer(1, RIGHT), answer(2, RIGHT), answer(3, RIGHT))
    for who in (1, 2, 3):
        snapshot = caught(SPENT, who)
        one = settled(standard(*three), NOW + WAIT, snapshot)
        assert one.support is Support.BELOW_TARGET
        better = msgspec.structs.replace(snapshot, typical_checks2=400)
        assert settled(one, NOW + 9 * WAIT, better) == one
    before = settled(standard(*three), NOW + WAIT, SPENT)
    better = caught(msgspec.structs.replace(SPENT, typical_checks2=400), 1)
    rested = settled(before, NOW + 9 * WAIT, better)
    assert (rested.canonical_result_id, rested.support) == (2, Support.BELOW_TARGET)
    assert chosen(rested) == digest(b"right")
    assert not made(rested, Purpose.COPY)


# The modes that count


@pytest.mark.parametrize("output", [RIGHT, WRONG])
def test_a_trusted_host_is_enough_in_its_mode(output):
    one = unit(answer(1, output), mode=Mode.TRUSTED, min_quorum=1, target_nresults=1)
    rested = settled(one)
    assert (chosen(rested), rested.support) == (digest(output.encode()), Support.TRUSTED)
    assert len(rested.results) == 1


def test_in_fixed_mode_two_that_differ_get_a_third_copy_and_no_trusted_run():
    rested = settled(unit(answer(1, RIGHT), answer(2, WRONG)), snapshot=known())
    assert len(made(rested, Purpose.COPY)) == 1
    assert not made(rested, Purpose.TRUSTED)
    decided = settled(with_answer(rested, answer(3, RIGHT)), snapshot=known())
    assert (chosen(decided), decided.support) == (digest(b"right"), Support.AGREED)


@pytest.mark.parametrize("mode", [Mode.FIXED, Mode.TRUSTED])
def test_counting_makes_nobody_better_known_and_no_liars_rate_smaller(mode):
    quorum = {Mode.FIXED: 2, Mode.TRUSTED: 1}[mode]
    one = unit(answer(1, RIGHT), answer(2, RIGHT), answer(3, WRONG), mode=mode, min_quorum=quorum)
    before = known(8)
    rested, crowd, batch = step(one, NOW, before)
    assert rested.canonical_result_id is not None
    assert not any(each.compared for each in rested.results)
    assert crowd.standings == before.standings
    assert not [each for each in batch if isinstance(each, Adjust)]


def test_nothing_secret_is_made_for_work_that_is_only_counted():
    for number in range(200):
        one = msgspec.structs.replace(unit(answer(1, RIGHT), answer(2, RIGHT)), id=number)
        rested = settled(one, snapshot=Snapshot(seed="a seed"))
        assert all(each.purpose is Purpose.COPY for each in rested.results)
        assert all(each.server_state is ServerState.OVER for each in rested.results)


def test_an_answer_that_agrees_with_the_canonical_one_is_right_whichever_group_it_was_in():
    outputs = dict(enumerate(['{"x":"1.0"}'] * 2 + ['{"x":"1.1"}'] + ['{"x":"1.2"}'] * 2, 1))
    group = grouping(Within("/x", absolute="0.15"), outputs.get)
    one = standard(*(answered(number, text) for number, text in outputs.items()))
    assert Counter(group(one).values())[group(one)[3]] == 1
    rested = after(one, settle(one, group, known({1: 40_000, 2: 40_000}), NOW), 9)
    assert rested.canonical_result_id == 1
    said = [each.validate_state for each in rested.results]
    assert said == [Validate.VALID] * 3 + [Validate.INVALID] * 2
