"""This file is where dispatch is tried at its bounds: what just fits, and what just does not."""

from __future__ import annotations

import msgspec
import pytest
from crowd import NOW, sent, unit, waiting

from grid.dispatch import (
    HELD_MS_MAX,
    LEASES_PER_HOST_MAX,
    LEASES_PER_PRINCIPAL_MAX,
    RESENDS_MAX,
    Ask,
    Candidate,
    Fleet,
    Offer,
    WhyNoWork,
    Wish,
    assign,
    resend,
)
from grid.dispatch.pause import retry_after_s
from grid.dispatch.quota import MILLI, REFILL_S, Bucket, Quota, available, changed
from grid.dispatch.selectors import STOCK, grid_selectors
from grid.dispatch.shares import in_turn, interleaved
from grid.items import Host
from grid.states import Purpose, ServerState
from grid.transition import after


def host(number: int = 1, principal: int = 1) -> Host:
    return Host(
        id=number,
        account_id=None,
        principal_id=principal,
        volunteer_id=number,
        trusted=False,
        kind="headless",
        engine="test/1",
        enrolled_at=NOW,
        last_seen_at=NOW,
    )


def pool(count: int, **fields: object) -> list[Candidate]:
    base = {"job_id": 1, "account_id": 1, "job_type": "tally", "priority": 0, "delay_bound_s": 600}
    own = {name: fields.pop(name) for name in tuple(fields) if name in Candidate.__struct_fields__}
    offer = Offer(**{**base, **fields})
    return [Candidate(result_id=n, workunit_id=n, offer=offer, **own) for n in range(1, count + 1)]


def given_to(candidates: list[Candidate], want: int = 9, **fields: object) -> tuple[int, object]:
    """How many one host gets, and why no more."""
    (given,) = assign([Ask(host=host(), want=want, **fields)], candidates, NOW)
    return len(given.transitions), given.why_no_work


def test_a_lease_is_carried_out_on_the_result_it_names():
    (given,) = assign([Ask(host=host(7), want=1)], pool(1), NOW)
    held = after(unit(waiting(1)), given.transitions, next_id=9).results[0]
    assert (held.host_id, held.server_state) == (7, ServerState.IN_PROGRESS)


def test_a_copy_is_given_again_so_often_and_then_its_deadline_decides():
    copy, again = sent(1), 0
    while (step := resend(copy, 600, NOW + 1)) is not None:
        (copy,) = after(unit(copy), [step], next_id=9).results
        again += 1
    assert (again, copy.epoch, copy.report_deadline) == (RESENDS_MAX, 1 + RESENDS_MAX, NOW + 601)


@pytest.mark.parametrize("meanwhile", [{"server_state": ServerState.OVER}, {"epoch": 2}])
def test_giving_again_what_has_changed_since_is_lost(meanwhile):
    step = resend(sent(1), 600, NOW)
    with pytest.raises(ValueError, match="no longer"):
        after(unit(msgspec.structs.replace(sent(1), **meanwhile)), [step], next_id=9)


@pytest.mark.parametrize(
    ("unit_ms", "speed_milli", "slots", "count"),
    [
        # a work unit, thousandths of the usual speed, slots, results at a time
        (HELD_MS_MAX // 2,     1000, None, 2),
        (HELD_MS_MAX // 2 + 1, 1000, None, 1),
        (HELD_MS_MAX // 2,     1000, 1,    1),
        (HELD_MS_MAX,          1000, 3,    3),
        (HELD_MS_MAX,           500, 8,    4),
        (HELD_MS_MAX // 2,     2000, None, 4),
        (HELD_MS_MAX * 9,      1000, None, 1),
        (1,                       0, None, 9),
        (HELD_MS_MAX // 1000,     1, None, 1),
        (HELD_MS_MAX,             0, None, 1),
    ],
)  # fmt: skip
def test_a_host_is_given_as_much_as_it_can_do_in_the_set_time(unit_ms, speed_milli, slots, count):
    got, why = given_to(pool(9, unit_ms=unit_ms), speed_milli=speed_milli, wish=Wish(slots=slots))
    assert got == count
    assert why is (None if count == 9 else WhyNoWork.TOO_MANY_LEASES)


def test_a_millisecond_too_much_is_too_much():
    half = HELD_MS_MAX // 2
    mixed = [pool(1, unit_ms=half)[0], pool(2, job_id=2, unit_ms=half + 1)[1]]
    assert given_to(mixed) == (1, WhyNoWork.TOO_MANY_LEASES)
    even = [pool(1, unit_ms=half)[0], pool(2, job_id=2, unit_ms=half)[1]]
    assert given_to(even, want=2) == (2, None)


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        ({"leases": LEASES_PER_HOST_MAX}, WhyNoWork.TOO_MANY_LEASES),
        ({"leases": LEASES_PER_HOST_MAX + 1}, WhyNoWork.TOO_MANY_LEASES),
        ({"group_leases": LEASES_PER_PRINCIPAL_MAX + 5}, WhyNoWork.TOO_MANY_LEASES),
        ({"leases": 3, "wish": Wish(slots=2)}, WhyNoWork.TOO_MANY_LEASES),
        ({"leases": LEASES_PER_HOST_MAX, "wish": Wish(slots=999)}, WhyNoWork.TOO_MANY_LEASES),
        ({"leases": LEASES_PER_HOST_MAX, "allowed": 0}, WhyNoWork.TOO_MANY_LEASES),
        ({"allowed": 0}, WhyNoWork.OVER_QUOTA),
        ({"allowed": -1}, WhyNoWork.OVER_QUOTA),
        ({"group_allowed": -1}, WhyNoWork.OVER_QUOTA),
        ({"banned": True}, WhyNoWork.BANNED),
    ],
)
def test_whoever_is_at_or_beyond_a_bound_gets_nothing_and_hears_why(ask, why):
    assert given_to(pool(9), **ask) == (0, why)


def test_a_host_that_asks_twice_in_one_batch_has_one_allowance():
    asks = [Ask(host=host(), want=3, allowed=4), Ask(host=host(), want=3, allowed=4)]
    assert [len(one.transitions) for one in assign(asks, pool(9), NOW)] == [3, 1]
    asks = [Ask(host=host(), want=2, leases=LEASES_PER_HOST_MAX - 3) for _ in range(2)]
    assert [len(one.transitions) for one in assign(asks, pool(9), NOW)] == [2, 1]


#: Proven and swift hosts are here, and hold nothing.
OTHERS = Fleet(proven=frozenset({8}), swift=frozenset({8}))


@pytest.mark.parametrize(
    ("candidate", "given"),
    [
        ({}, 1),
        ({"held_by": frozenset({1})}, 0),
        ({"newcomer": True}, 0),
        ({"newcomer": True, "purpose": Purpose.TRAP}, 1),
        ({"newcomer": True, "trusted_only": True}, 1),
        ({"quarantined": frozenset({"test/1"})}, 0),
        ({"quarantined": frozenset({"test/2"})}, 1),
        ({"quarantined": frozenset({"test/1"}), "purpose": Purpose.PROBATION}, 0),
        ({"quarantined": frozenset({"test/1"}), "purpose": Purpose.DECOY}, 0),
        ({"quarantined": frozenset({"test/1"}), "purpose": Purpose.TRAP}, 1),
        ({"min_engines": 2, "kinds": frozenset({"test"})}, 0),
        ({"min_engines": 2, "kinds": frozenset({"other"})}, 1),
        ({"min_engines": 1, "kinds": frozenset({"test"})}, 1),
        ({"tail": True}, 0),
        ({"tail": True, "purpose": Purpose.DECOY}, 1),
    ],
)
def test_no_reason_tells_who_else_is_asked_or_why(candidate, given):
    ask = Ask(host=msgspec.structs.replace(host(), trusted=True), want=1)
    (answer,) = assign([ask], pool(1, **candidate), NOW, OTHERS)
    assert len(answer.transitions) == given
    assert answer.why_no_work is (None if given else WhyNoWork.NEEDS_OTHERS)


def test_pauses_are_whole_milliseconds_and_long_for_whom_waiting_does_not_help():
    pauses = [retry_after_s(5.0, 0, number, NOW, hopeless=False) for number in range(50)]
    assert all(round(pause * 1000) == pytest.approx(pause * 1000, abs=1e-9) for pause in pauses)
    assert any(round(pause * 100) != pytest.approx(pause * 100) for pause in pauses)
    assert retry_after_s(5.0, 0, 1, NOW, hopeless=True) > 30


SMALL = Quota(start=100, least=3, most=120, rise=4, halvings=0, fall=8)


@pytest.mark.parametrize(
    ("happened", "size"),
    [
        ({"valid": 2}, 108),
        ({"valid": 6}, 120),
        ({"bad": 2}, 84),
        ({"bad": 13}, 3),
        ({"valid": 5, "bad": 1}, 112),
    ],
)
def test_a_quota_moves_by_its_own_steps_between_its_own_bounds(happened, size):
    bucket = changed(Bucket(size=100, left_milli=0, at=NOW), SMALL, NOW, **happened)
    assert bucket.size == size
    twice = msgspec.structs.replace(SMALL, halvings=2, fall=0)
    assert changed(Bucket(size=100, left_milli=0, at=NOW), twice, NOW, bad=1).size == 25


def test_a_bucket_is_neither_filled_twice_nor_above_its_rim_nor_below_nothing():
    empty = changed(Bucket(size=10, left_milli=0, at=NOW), SMALL, NOW, sent=1)
    assert (empty.left_milli, available(empty, NOW)) == (0, 0)
    kept = Bucket(size=10, left_milli=8 * MILLI, at=NOW)
    assert available(kept, NOW + REFILL_S) == 10
    assert available(kept, NOW + 9 * REFILL_S) == 10
    assert changed(kept, SMALL, NOW + 9 * REFILL_S, sent=4).left_milli == 6 * MILLI
    assert changed(kept, SMALL, NOW, valid=50).left_milli == 58 * MILLI


def selected(selector: object, count: int = 3) -> list[int]:
    ask = Ask(host=host(), want=9, wish=Wish(selector="odd"))
    (given,) = assign([ask], pool(count), NOW, selectors={"odd": selector})
    return [one.id for one in given.transitions]


def test_a_selector_chooses_and_orders_what_is_there_and_nothing_else():
    stranger = msgspec.structs.replace(pool(1)[0], result_id=77)
    assert selected(lambda candidates, ask, toss: candidates[::-1]) == [3, 2, 1]
    assert selected(lambda candidates, ask, toss: candidates[1:2]) == [2]
    assert selected(lambda candidates, ask, toss: [stranger, *candidates[:1]]) == [1]


def test_a_selector_that_fails_leaves_the_servers_own_order():
    def broken(candidates: object, ask: object, toss: object) -> object:
        raise RuntimeError("a stranger's mistake")

    assert selected(broken) == [1, 2, 3]


def test_grids_own_selectors_come_through_the_hook_that_everybody_uses():
    assert set(grid_selectors()) == {"priority", "random", "shortest_first", "by_owner"}


def test_the_servers_order_is_the_one_it_was_told():
    ask = Ask(host=host(), want=1)
    last_first = {"backwards": lambda candidates, ask, toss: candidates[::-1]}
    (given,) = assign([ask], pool(3), NOW, selectors={**STOCK, **last_first}, default="backwards")
    assert [one.id for one in given.transitions] == [3]
    (given,) = assign([ask], pool(3), NOW, default="unheard of")
    assert [one.id for one in given.transitions] == [1]


def test_work_without_an_owner_is_nobodys_favourite():
    candidates = [*pool(1, account_id=None), *pool(2, account_id=1)[1:]]
    order = STOCK["by_owner"](candidates, Ask(host=host(), want=1, wish=Wish(owners=(1,))), 0)
    assert [one.result_id for one in order] == [2, 1]
    no_wish = STOCK["by_owner"](candidates, Ask(host=host(), want=1), 0)
    assert [one.result_id for one in no_wish] == [1, 2]


def test_jobs_are_looked_at_by_priority_then_by_what_their_owners_were_served_then_by_age():
    jobs = [(1, 1, 0), (2, 2, 0), (3, 2, 0), (4, 3, 5), (5, 4, -5)]
    offers = [
        pool(1, job_id=job, account_id=owner, priority=priority)[0].offer
        for job, owner, priority in jobs
    ]
    for shuffled in (offers, offers[::-1]):
        order = in_turn(shuffled, {1: 2.0, 2: 1.0, 3: 9.0})
        assert [one.job_id for one in order] == [4, 2, 3, 1, 5]


def test_of_requesters_served_alike_the_first_comes_first_and_then_they_take_turns():
    owners = [(1, 2), (2, 1), (3, None)]
    queues = [pool(2, job_id=job, account_id=owner) for job, owner in owners]
    order = [one.offer.account_id for one in interleaved(queues, {})]
    assert order == [None, 1, 2, None, 1, 2]
    assert interleaved([], {}) == interleaved([[], []], {}) == []


@pytest.mark.parametrize(
    ("trusted", "account", "count"),
    [
        # a host of the job's own account, a stranger's, nobody's, and one that nobody vouches for
        (True, 1, 3),
        (True, 2, 0),
        (True, None, 0),
        (False, 1, 0),
    ],
)
@pytest.mark.parametrize("owner", [1, None])
def test_work_with_secrets_goes_to_trusted_hosts_of_its_own_account_alone(
    trusted, account, count, owner
):
    one = msgspec.structs.replace(host(), trusted=trusted, account_id=account)
    offered = pool(3, owner_only=True, account_id=owner)
    (given,) = assign([Ask(host=one, want=9)], offered, NOW)
    assert len(given.transitions) == (count if owner else 0)


@pytest.mark.parametrize(("engine", "count"), [("test/1", 1), ("test/2", 0), (None, 1)])
def test_a_try_of_one_engine_goes_to_no_other_version_of_it(engine, count):
    assert given_to(pool(1, engine=engine, purpose=Purpose.PROBE))[0] == count
