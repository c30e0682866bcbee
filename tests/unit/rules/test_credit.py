"""This file is where it is tested what work is worth, who is granted it, and who is not."""

from __future__ import annotations

import math

import msgspec
import pytest
from crowd import (
    NOW,
    answered,
    by_digest,
    caught,
    computed,
    job,
    known,
    settled,
    standard,
    unit,
    with_answer,
)
from hypothesis import given
from hypothesis import strategies as st

from grid.auditlog import entries
from grid.auditlog.entries import About
from grid.auditlog.granted import granted as told
from grid.canonical import dumps, loads
from grid.items import Mode
from grid.states import Purpose, ServerState, Support, ValidateState
from grid.transition import Adjust, Transition, after
from grid.validator import credit, settle
from grid.validator.credit import HALF_LIFE_S, MICRO, MOST_MICRO, Timed
from grid.validator.snapshot import Snapshot

WORTH = 500
DAY_S = 86_400
ABOUT = About(job_id=1, public_id="job_x", public=True, key=b"k" * 32)


def credits_of(one):
    return {result.id: result.credit for result in one.results if result.host_id is not None}


@pytest.mark.parametrize(
    ("cost", "cost_ps", "micro"),
    [
        # One millionth of a credit is 432 µs.
        (432_000_000, 1_000, 1_000),
        (10**9, 3_000, 6_944),
        (10**9, None, 6_944),
        (1, 1, 11),  # what 5 ms are worth: shorter cannot be timed
        (1_666_667, 3_000, 11),
        (432 * 10**9, 1_000, MICRO),  # 432 s are a credit
        (10**12, 10**9, MOST_MICRO),
    ],
)
def test_a_work_unit_is_worth_its_cost_times_what_that_takes(cost, cost_ps, micro):
    assert credit.worth(cost, cost_ps) == micro


def test_the_last_work_unit_of_a_job_is_worth_what_it_costs_itself():
    three = job(unit_cost=10**9, last_cost=10**8)
    worths = [credit.of_workunit(three, ordinal, 2_000) for ordinal in range(3)]
    assert worths == [credit.worth(cost, 2_000) for cost in (10**9, 10**9, 10**8)]


def timed(cost, elapsed_ms, turnaround_ms=10**6, job_type="a"):
    return Timed(
        job_type_digest=job_type, cost=cost, elapsed_ms=elapsed_ms, turnaround_ms=turnaround_ms
    )


@pytest.mark.parametrize(
    ("samples", "found"),
    [
        ([], {}),
        ([timed(1000, 10)], {"a": 10_000_000}),
        # However large a declared cost is, a unit of it lasts something.
        ([timed(10**14, 10)], {"a": 1}),
        ([timed(1000, 10), timed(1000, 30), timed(1000, 50)], {"a": 30_000_000}),
        # Tiny work units are many and mostly overhead: they weigh as little as they cost.
        ([timed(10**6, 100), *[timed(10, 100)] * 50], {"a": 100_000}),
        # Nobody computes for longer than it took to come back.
        ([timed(1000, 9_000, turnaround_ms=1_000)], {"a": 10**9}),
        ([timed(1000, 0)], {"a": 5_000_000}),
        ([timed(1, 10), timed(1, 20, job_type="b")], {"a": 10**10, "b": 2 * 10**10}),
    ],
)
def test_a_unit_of_cost_takes_the_median_of_what_was_measured(samples, found):
    assert credit.measured(samples) == found


VALID, INVALID, VOID = ValidateState.VALID, ValidateState.INVALID, ValidateState.VOID


@pytest.mark.parametrize(
    ("result", "snapshot", "granted"),
    [
        ({"validate_state": VALID}, {}, WORTH),
        ({"validate_state": VALID, "purpose": Purpose.TRAP}, {}, WORTH),
        ({"validate_state": VALID, "purpose": Purpose.PROBATION}, {}, WORTH),
        ({"validate_state": VALID, "purpose": Purpose.DECOY}, {}, WORTH),
        ({"validate_state": VALID, "purpose": Purpose.TRUSTED, "volunteer_id": None}, {}, 0),
        ({"validate_state": INVALID}, {}, 0),
        ({"validate_state": VOID}, {}, 0),
        ({"validate_state": ValidateState.INCONCLUSIVE}, {}, 0),
        ({"validate_state": ValidateState.INIT}, {}, 0),
        # The requester's own volunteer.
        ({"validate_state": VALID}, {"owner": 1}, 0),
        ({"validate_state": VALID}, {"owner": 2}, WORTH),
        # Sent at NOW, answered at NOW + 1: by then the output could be read, or not.
        ({"validate_state": VALID}, {"opened_at": NOW}, 0),
        ({"validate_state": VALID}, {"opened_at": NOW + 1}, WORTH),
        ({"validate_state": VALID}, {"opened_at": NOW - 1}, WORTH),
    ],
)
def test_who_is_granted_what(result, snapshot, granted):
    one = answered(1, "a", **result)
    assert credit.granted(unit(one, credit=WORTH), one, Snapshot(**snapshot)) == granted


@pytest.mark.parametrize("mode", [Mode.FIXED, Mode.STANDARD, Mode.ECONOMY, Mode.STRICT])
def test_each_agreeing_answer_earns_once_and_the_wrong_one_nothing(mode):
    copies = [answered(1, "lie"), answered(2, "a"), answered(3, "a"), computed(4, "a")]
    one = settled(unit(*copies, mode=mode, credit=WORTH), snapshot=known())
    assert credits_of(one) == {1: 0, 2: WORTH, 3: WORTH}
    assert [result.credit for result in one.results if result.purpose is Purpose.TRUSTED] == [0]
    again = settle(one, by_digest, known(), NOW)
    assert not [step for step in again if isinstance(step, Transition) and "credit" in step.after]


def test_a_trusted_host_earns_by_its_one_answer():
    one = settled(unit(answered(1, "a"), mode=Mode.TRUSTED, min_quorum=1, credit=WORTH))
    assert credits_of(one) == {1: WORTH}


@pytest.mark.parametrize("mode", [Mode.FIXED, Mode.STANDARD])
def test_a_late_right_answer_earns_and_a_late_wrong_one_does_not(mode):
    one = settled(unit(answered(1, "a"), answered(2, "a"), mode=mode, credit=WORTH), 0, known())
    late = with_answer(one, answered(5, "a"), answered(6, "lie"))
    assert credits_of(settled(late, NOW, known())) == {1: WORTH, 2: WORTH, 5: WORTH, 6: 0}


def test_a_ban_takes_credit_back_and_an_appeal_gives_it_again():
    crowd = known()
    one = settled(standard(answered(1, "a"), answered(2, "a"), credit=WORTH), snapshot=crowd)
    assert credits_of(one) == {1: WORTH, 2: WORTH}
    banned = settled(one, snapshot=caught(crowd, 1))
    assert credits_of(banned)[1] == 0
    assert credits_of(banned)[2] == 0, "alone it is no agreement until another copy comes"
    freed = settled(banned, snapshot=crowd)
    assert credits_of(freed) == {1: WORTH, 2: WORTH}


def test_what_a_trusted_run_proves_outlives_a_ban():
    crowd = known()
    copies = answered(1, "a"), answered(2, "b"), computed(3, "a")
    one = settled(standard(*copies, credit=WORTH), snapshot=crowd)
    assert one.support is Support.TRUSTED
    assert credits_of(settled(one, snapshot=caught(crowd, 1))) == {1: WORTH, 2: 0}


def test_a_trusted_run_that_overturns_a_verdict_moves_the_credit():
    crowd = known()
    one = settled(standard(answered(1, "lie"), answered(2, "lie"), credit=WORTH), snapshot=crowd)
    assert sum(credits_of(one).values()) == 2 * WORTH
    told_better = with_answer(one, computed(3, "truth"), answered(4, "truth"))
    assert credits_of(settled(told_better, snapshot=crowd)) == {1: 0, 2: 0, 4: WORTH}


def test_answers_after_the_seal_opened_earn_nothing_and_keep_their_verdict():
    crowd = known(sealed=False, opened_at=NOW)
    one = settled(standard(answered(1, "a"), answered(2, "a"), credit=WORTH), snapshot=crowd)
    assert [result.validate_state for result in one.results] == [VALID, VALID]
    assert sum(credits_of(one).values()) == 0


@pytest.mark.parametrize("mode", [Mode.FIXED, Mode.STANDARD])
def test_a_requesters_own_host_gains_neither_credit_nor_belief_by_its_job(mode):
    crowd = known(owner=1)
    one = unit(answered(1, "a"), answered(2, "a"), mode=mode, credit=WORTH)
    batch = settle(one, by_digest, crowd, NOW)
    assert credits_of(after(one, batch, 99)) == {1: 0, 2: WORTH}
    assert not [step for step in batch if isinstance(step, Adjust) and step.volunteer_id == 1]
    gained = [step.checks2 for step in batch if isinstance(step, Adjust)]
    assert sum(gained) == 0, "to agree with the requester is to agree with nobody"


def test_a_requesters_own_lie_counts_all_the_same():
    one = standard(answered(1, "lie"), answered(2, "a"), answered(3, "a"), computed(4, "a"))
    batch = settle(one, by_digest, known(owner=1), NOW)
    (change,) = [s for s in batch if isinstance(s, Adjust) and s.volunteer_id == 1]
    assert (change.lies, change.compared, change.reset) == (1, 1, True)


@given(
    answers=st.lists(st.sampled_from(["a", "a", "b", "c"]), min_size=1, max_size=6),
    trusted=st.sampled_from([None, "a", "b"]),
    mode=st.sampled_from([Mode.FIXED, Mode.STANDARD, Mode.ECONOMY]),
    bans=st.lists(st.integers(1, 6), max_size=3),
    owner=st.none() | st.integers(1, 6),
)
def test_the_log_adds_up_to_what_results_were_granted(answers, trusted, mode, bans, owner):
    """Whatever the history: answers one by one, a trusted run, bans, and an appeal."""
    crowd = known(owner=owner)
    one, log = unit(mode=mode, credit=WORTH), []

    def go_on(changed, snapshot):
        batch = settle(changed, by_digest, snapshot, NOW)
        final = after(changed, batch, next_id=1_000)
        rows = tuple(r for r in final.results if r.server_state is ServerState.OVER)
        found = entries.of_unit(changed, final, batch, ABOUT, snapshot, NOW)
        log.extend((str(entry.kind), loads(dumps(dict(entry.facts)))) for entry in found)
        for result in final.results:
            assert result.credit == credit.granted(final, result, snapshot)
        return msgspec.structs.replace(final, results=rows)

    for number, output in enumerate(answers, 1):
        one = go_on(with_answer(one, answered(number, output, salt=f"{number:032x}")), crowd)
    if trusted is not None:
        one = go_on(with_answer(one, computed(50, trusted)), crowd)
    for volunteer in bans:
        one = go_on(one, caught(crowd, volunteer))
    one = go_on(one, crowd)
    owed = {
        ("job_x", entries.pseudonym(ABOUT.key, 1, result.principal_id)): result.credit
        for result in one.results
        if result.credit
    }
    assert told(log) == owed
    assert set(owed.values()) <= {WORTH}


def test_an_average_halves_in_a_half_life_and_settles_at_what_is_granted_a_day():
    recent = 1_000 * MICRO * credit.weight(NOW)
    first = credit.average(recent, NOW)
    assert credit.average(recent, NOW + HALF_LIFE_S) == pytest.approx(first / 2)
    daily = sum(3 * MICRO * credit.weight(NOW - day * DAY_S) for day in range(400))
    assert credit.average(daily, NOW) == pytest.approx(3, rel=0.06)
    hourly = sum(MICRO / 8 * credit.weight(NOW - hour * 3600) for hour in range(24 * 400))
    assert credit.average(hourly, NOW) == pytest.approx(3, rel=0.003)


@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 10**9)), min_size=1, max_size=20),
    st.randoms(),
)
def test_an_average_is_the_same_in_whatever_order_it_is_summed(grants, random):
    """The exponentially decaying average, folded grant by grant, is the sum of weights."""
    folded, at = 0.0, NOW
    for time, amount in sorted(grants):
        decay = math.exp(-math.log(2) * (NOW + time - at) / HALF_LIFE_S)
        folded = folded * decay + amount / MICRO * math.log(2) / (HALF_LIFE_S / DAY_S)
        at = NOW + time
    mixed = list(grants)
    random.shuffle(mixed)
    recent = sum(amount * credit.weight(NOW + time) for time, amount in mixed)
    assert credit.average(recent, at) == pytest.approx(folded)


@pytest.mark.parametrize("time", [1_577_836_800, 1_800_000_000, 2_700_000_000])
def test_weights_keep_their_precision_for_decades(time):
    recent = 3 * MICRO * credit.weight(time) + MICRO * credit.weight(time - HALF_LIFE_S)
    assert credit.average(recent, time) == pytest.approx(3.5 * math.log(2) / 7, rel=1e-12)


@pytest.mark.parametrize(
    ("micro", "text"),
    [(0, "0"), (1, "0.000001"), (1_500_000, "1.5"), (12_345_678_900_000, "12,345,678.9")],
)
def test_credits_are_spelled_with_the_places_they_have(micro, text):
    assert credit.spelled(micro) == text


def test_what_a_lone_answer_is_granted_makes_nobody_better_known():
    one = unit(answered(1, "a"), mode=Mode.ECONOMY, credit=WORTH)
    batch = settle(one, by_digest, known(9000, seed="seed5"), NOW)
    assert credits_of(after(one, batch, 9)) == {1: WORTH}
    assert not [each for each in batch if isinstance(each, Adjust)]
