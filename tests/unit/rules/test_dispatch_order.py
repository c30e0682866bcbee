"""This file is where waiting results are put into order: selectors, fair shares, pauses."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.dispatch import Ask, Candidate, Offer, Wish, assign
from grid.dispatch.pause import HOPELESS_S, IDLE_ASKS_PER_S_MAX, JITTER, retry_after_s
from grid.dispatch.selectors import STOCK
from grid.dispatch.shares import in_turn, interleaved
from grid.items import Host
from grid.settings import Settings

NOW = 1_800_000_000


def queue(job: int, results, owner: int = 1, priority: int = 0, unit_ms: int = 0):
    offer = Offer(
        job_id=job,
        account_id=owner,
        job_type="tally",
        priority=priority,
        delay_bound_s=600,
        unit_ms=unit_ms,
    )
    return [Candidate(result_id=one, workunit_id=one, offer=offer) for one in results]


def asker(**wish) -> Ask:
    host = Host(
        id=1,
        account_id=None,
        principal_id=1,
        volunteer_id=1,
        trusted=False,
        kind="headless",
        engine="test/1",
        enrolled_at=NOW,
        last_seen_at=NOW,
    )
    return Ask(host=host, want=3, wish=Wish(**wish))


def numbers(candidates) -> list[int]:
    return [one.result_id for one in candidates]


def test_requesters_of_equal_priority_take_turns():
    long, short = queue(1, range(1, 100), owner=1), queue(2, range(100, 105), owner=2)
    order = numbers(interleaved([long, short], {}))
    assert order[:6] == [1, 100, 2, 101, 3, 102]
    assert sorted(order) == list(range(1, 105))


def test_whoever_was_served_more_waits_until_the_others_have_caught_up():
    queues = [queue(1, range(1, 9), owner=1), queue(2, range(11, 19), owner=2)]
    assert numbers(interleaved(queues, {1: 4.0, 2: 0.0}))[:5] == [11, 12, 13, 14, 1]


def test_long_work_units_weigh_more():
    queues = [
        queue(1, range(1, 9), owner=1, unit_ms=20_000),
        queue(2, range(11, 29), owner=2, unit_ms=5_000),
    ]
    first = Counter(number > 10 for number in numbers(interleaved(queues, {}))[:10])
    assert (first[False], first[True]) == (2, 8)


def test_higher_priority_goes_first_whoever_was_served():
    queues = [queue(1, [1, 2], owner=1), queue(2, [3, 4], owner=2, priority=5)]
    assert numbers(interleaved(queues, {2: 1000.0})) == [3, 4, 1, 2]


def test_what_is_asked_anew_goes_before_other_requesters_first_copies():
    again, *first = queue(1, [1, 2, 3], owner=1)
    queues = [[msgspec.structs.replace(again, raised=1), *first], queue(2, [8, 9], owner=2)]
    assert numbers(interleaved(queues, {1: 9.0})) == [1, 8, 9, 2, 3]


def test_one_requesters_jobs_go_in_the_order_they_were_submitted():
    queues = [queue(7, [1, 2]), queue(3, [8, 9])]
    assert numbers(interleaved(queues, {})) == [8, 9, 1, 2]
    offers = [queue(7, [1])[0].offer, queue(3, [2])[0].offer, queue(9, [3], 2)[0].offer]
    assert [one.job_id for one in in_turn(offers, {1: 1.0})] == [9, 3, 7]


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(-1, 1), st.integers(0, 9), st.integers(0, 9)),
        max_size=5,
    )
)
def test_interleaving_loses_nothing_and_keeps_each_jobs_order(jobs):
    queues = [
        queue(n, range(n * 100, n * 100 + size), owner, priority, ms * 1000)
        for n, (owner, priority, size, ms) in enumerate(jobs, start=1)
    ]
    order = numbers(interleaved(queues, {})) if queues else []
    assert sorted(order) == sorted(number for one in queues for number in numbers(one))
    for one in queues:
        mine = numbers(one)
        assert [number for number in order if number in mine] == mine


def test_the_shortest_job_goes_first_where_the_volunteer_wants_it():
    pool = [*queue(1, [1, 2], unit_ms=60_000), *queue(2, [3, 4], unit_ms=1_000), *queue(3, [5])]
    (given,) = assign([asker(selector="shortest_first")], pool, NOW)
    assert [one.id for one in given.transitions] == [3, 4, 1]
    (given,) = assign([asker()], pool, NOW, default="shortest_first")
    assert [one.id for one in given.transitions] == [3, 4, 1]


def test_by_owner_serves_the_dearest_requester_first():
    pool = [*queue(1, [1], owner=1), *queue(2, [2], owner=2), *queue(3, [3], owner=3)]
    (given,) = assign([asker(selector="by_owner", owners=(3, 1))], pool, NOW)
    assert [one.id for one in given.transitions] == [3, 1]


def test_random_draws_anew_for_each_exchange_and_repeats_itself_for_the_same():
    pool = queue(1, range(50))
    draws = {
        tuple(
            one.id
            for one in assign([asker(selector="random")], pool, NOW, toss=toss)[0].transitions
        )
        for toss in range(20)
    }
    assert len(draws) > 15
    first, again = (
        assign([asker(selector="random")], pool, NOW, toss=3)[0].transitions for _ in range(2)
    )
    assert first == again


@pytest.mark.parametrize("name", STOCK)
def test_every_stock_selector_keeps_all_candidates(name):
    pool = [*queue(1, [1, 2], owner=1), *queue(2, [3], owner=2, unit_ms=5)]
    assert sorted(numbers(STOCK[name](pool, asker(owners=(2,)), 7))) == [1, 2, 3]


def test_pauses_are_spread_by_host_and_time_and_repeat_themselves():
    pauses = [retry_after_s(2.0, 10, host, NOW, False) for host in range(1000)]
    assert min(pauses) >= 2 * (1 - JITTER)
    assert max(pauses) <= 2 * (1 + JITTER)
    assert max(pauses) - min(pauses) > 0.9 * 4 * JITTER
    assert retry_after_s(2.0, 10, 7, NOW, False) == retry_after_s(2.0, 10, 7, NOW, False)
    assert retry_after_s(2.0, 10, 7, NOW, False) != retry_after_s(2.0, 10, 7, NOW + 1, False)


def test_row_42_by_the_defaults_no_idle_page_pauses_for_more_than_two_seconds():
    """Held or pausing: what comes meanwhile is begun at once, or after the longest pause."""
    chosen = Settings()
    assert chosen.hold_s > 0
    assert chosen.retry_after_s * (1 + JITTER) < 2 - 0.5, "half a second is for the exchange"


def test_a_large_idle_crowd_is_told_to_ask_less_often():
    crowd = 20 * IDLE_ASKS_PER_S_MAX
    assert retry_after_s(2.0, crowd, 1, NOW, False) >= 20 * (1 - JITTER)
    assert retry_after_s(2.0, 0, 1, NOW, True) >= HOPELESS_S * (1 - JITTER)
