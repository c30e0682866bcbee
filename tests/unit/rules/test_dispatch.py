"""This file is where results are shared out."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.dispatch import (
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
from grid.items import Capabilities, Host, Needs, Result
from grid.states import Outcome, Purpose, ServerState

NOW = 1_800_000_000


def host(number: int, principal: int | None = None, trusted: bool = False, **fields) -> Host:
    return Host(
        id=number,
        account_id=None,
        principal_id=number if principal is None else principal,
        volunteer_id=number,
        trusted=trusted,
        kind="headless",
        engine=fields.pop("engine", "test"),
        capabilities=Capabilities(**fields),
        enrolled_at=NOW,
        last_seen_at=NOW,
    )


def offer(job: int = 1, **fields) -> Offer:
    base = {"job_id": job, "account_id": 1, "job_type": "tally", "priority": 0}
    return Offer(**{**base, "delay_bound_s": 600, **fields})


def candidate(
    result: int, unit: int, held_by=(), trusted_only: bool = False, purpose=Purpose.COPY, **fields
) -> Candidate:
    own = {name: fields.pop(name) for name in ("kinds", "newcomer") if name in fields}
    return Candidate(
        result_id=result,
        workunit_id=unit,
        offer=offer(trusted_only=trusted_only, **fields),
        purpose=purpose,
        held_by=frozenset(held_by),
        **own,
    )


def ask(number: int, want: int = 1, leases: int = 0, **fields) -> Ask:
    own = {name: fields.pop(name) for name in tuple(fields) if name in Ask.__struct_fields__}
    wish = {name: fields.pop(name) for name in tuple(fields) if name in Wish.__struct_fields__}
    return Ask(host=host(number, **fields), want=want, leases=leases, wish=Wish(**wish), **own)


def ids(given) -> list[int]:
    return [transition.id for transition in given.transitions]


def test_the_first_that_asks_gets_the_best_result_under_a_lease_of_its_own():
    first, second = assign([ask(1), ask(2)], [candidate(5, 50), candidate(6, 60)], NOW)
    assert (ids(first), ids(second)) == ([5], [6])
    assert first.transitions[0].before == {"server_state": ServerState.UNSENT}
    assert first.transitions[0].after == {
        "server_state": ServerState.IN_PROGRESS,
        "host_id": 1,
        "principal_id": 1,
        "volunteer_id": 1,
        "engine": "test",
        "epoch": 1,
        "sent_at": NOW,
        "report_deadline": NOW + 600,
    }
    assert first.why_no_work is None


def test_two_copies_of_a_work_unit_never_go_to_one_principal():
    pool = [candidate(5, 50), candidate(6, 50), candidate(7, 70)]
    assert [ids(one) for one in assign([ask(1, want=3)], pool, NOW)] == [[5, 7]]
    shared = assign([ask(1, principal=9), ask(2, principal=9)], pool[:2], NOW)
    assert [ids(one) for one in shared] == [[5], []]
    assert shared[1].why_no_work is WhyNoWork.NEEDS_OTHERS
    assert ids(assign([ask(1)], [candidate(5, 50, held_by={1})], NOW)[0]) == []


def test_trusted_work_goes_to_trusted_hosts_only():
    pool = [candidate(5, 50, trusted_only=True)]
    refused, given = assign([ask(1), ask(2, trusted=True)], pool, NOW)
    assert (ids(refused), refused.why_no_work) == ([], WhyNoWork.TRUSTED_ONLY)
    assert ids(given) == [5]


def test_a_host_is_told_why_it_got_nothing():
    assert assign([ask(1)], [], NOW)[0].why_no_work is WhyNoWork.NO_WORK
    full = assign([ask(1, leases=LEASES_PER_HOST_MAX)], [candidate(5, 50)], NOW)[0]
    assert (ids(full), full.why_no_work) == ([], WhyNoWork.TOO_MANY_LEASES)


def test_leases_that_the_server_counts_bound_what_a_host_gets():
    pool = [candidate(n, n) for n in range(200)]
    given = assign([ask(1, want=64, leases=LEASES_PER_HOST_MAX - 3)], pool, NOW)[0]
    assert len(given.transitions) == 3


def test_leases_are_counted_for_the_whole_principal_too():
    pool = [candidate(n, n) for n in range(20)]
    full = LEASES_PER_PRINCIPAL_MAX - 3
    first, second = assign(
        [ask(1, 2, principal=9, group_leases=full), ask(2, 2, principal=9, group_leases=full)],
        pool,
        NOW,
    )
    assert (len(ids(first)), len(ids(second))) == (2, 1)
    assert second.why_no_work is WhyNoWork.TOO_MANY_LEASES


def test_a_host_with_two_slots_holds_two_at_most():
    pool = [candidate(n, n) for n in range(20)]
    (given,) = assign([ask(1, want=5, slots=2)], pool, NOW)
    assert (len(ids(given)), given.why_no_work) == (2, WhyNoWork.TOO_MANY_LEASES)
    (none,) = assign([ask(1, want=5, slots=2, leases=2)], pool, NOW)
    assert ids(none) == []


def test_a_quota_bounds_what_is_sent_and_a_principal_shares_one():
    pool = [candidate(n, n) for n in range(20)]
    (given,) = assign([ask(1, want=5, allowed=3)], pool, NOW)
    assert (len(ids(given)), given.why_no_work) == (3, WhyNoWork.OVER_QUOTA)
    shared = [ask(n, want=3, principal=9, group_allowed=4) for n in (1, 2)]
    assert [len(ids(one)) for one in assign(shared, pool, NOW)] == [3, 1]


def test_a_banned_volunteer_gets_nothing():
    (given,) = assign([ask(1, banned=True)], [candidate(5, 50)], NOW)
    assert (ids(given), given.why_no_work) == ([], WhyNoWork.BANNED)


NEEDS = [
    ({"cores": 4}, {"cores": 2}, False),
    ({"cores": 4}, {"cores": 4}, True),
    ({"cores": 2}, {}, False),
    ({}, {}, True),
    ({"memory_mb": 1}, {}, False),
    ({"memory_mb": 2000}, {"memory_mb": 1999}, False),
    ({"memory_mb": 2000}, {"memory_mb": 2000}, True),
    ({"features": ("wasm",)}, {"features": ("simd",)}, False),
    ({"features": ("wasm",)}, {"features": ("simd", "wasm")}, True),
]


@pytest.mark.parametrize(("needs", "has", "fits"), NEEDS)
def test_a_work_unit_goes_only_to_hosts_that_have_what_it_needs(needs, has, fits):
    (given,) = assign([ask(1, **has)], [candidate(5, 50, needs=Needs(**needs))], NOW)
    assert ids(given) == ([5] if fits else [])
    assert given.why_no_work is (None if fits else WhyNoWork.NOT_CAPABLE)


WISHES = [
    ({"owners": (1,)}, True),
    ({"owners": (2,)}, False),
    ({"owners": ()}, False),
    ({"refuse_owners": {1}}, False),
    ({"refuse_owners": {2}}, True),
    ({"topics": {"stars"}}, True),
    ({"topics": {"proteins"}}, False),
    ({"topics": {"stars"}, "refuse_topics": {"demo"}}, False),
    ({"refuse_topics": {"demo"}}, False),
    ({"refuse_topics": {"proteins"}}, True),
    ({"job_types": {"tally"}}, True),
    ({"job_types": {"other"}}, False),
    ({"jobs": {1}}, True),
    ({"jobs": {2}}, False),
]


@pytest.mark.parametrize(("wish", "fits"), WISHES)
def test_a_volunteer_gets_only_work_that_it_wishes(wish, fits):
    pool = [candidate(5, 50, topics=frozenset({"stars", "demo"}))]
    (given,) = assign([ask(1, **wish)], pool, NOW)
    assert ids(given) == ([5] if fits else [])
    assert given.why_no_work is (None if fits else WhyNoWork.NOT_WISHED)


def test_no_work_unit_whose_deadline_is_past_the_hosts_end_time():
    pool = [candidate(5, 50, delay_bound_s=600), candidate(6, 60, delay_bound_s=100, job=2)]
    (given,) = assign([ask(1, want=2, until=NOW + 599)], pool, NOW)
    assert (ids(given), given.why_no_work) == ([6], WhyNoWork.LEAVING_SOON)
    assert ids(assign([ask(1, want=2, until=NOW + 600)], pool, NOW)[0]) == [5, 6]


def test_a_reserved_host_serves_its_job_alone():
    pool = [candidate(5, 50, job=1), candidate(6, 60, job=2)]
    (given,) = assign([ask(1, want=2, reserved_job_id=2)], pool, NOW)
    assert (ids(given), given.why_no_work) == ([6], WhyNoWork.RESERVED)


def test_probation_goes_to_newcomers_alone_and_before_other_work():
    pool = [candidate(5, 50), candidate(6, 60, purpose=Purpose.PROBATION)]
    assert ids(assign([ask(1, checks2=3)], pool, NOW)[0]) == [6]
    (known,) = assign([ask(1, want=2, checks2=4)], pool, NOW)
    assert (ids(known), known.why_no_work) == ([5], WhyNoWork.NO_WORK)


def test_a_trusted_run_is_never_sent_to_a_host():
    pool = [candidate(5, 50, purpose=Purpose.TRUSTED)]
    (given,) = assign([ask(1, trusted=True, checks2=99)], pool, NOW)
    assert (ids(given), given.why_no_work) == ([], WhyNoWork.NO_WORK)


def test_a_second_newcomer_waits_while_somebody_proven_is_there_for_the_work_unit():
    pool = [candidate(5, 50, newcomer=True, held_by={7})]
    here = Fleet(proven=frozenset({8}))
    refused = assign([ask(1)], pool, NOW, here)[0]
    assert (ids(refused), refused.why_no_work) == ([], WhyNoWork.NEEDS_OTHERS)
    assert ids(assign([ask(1, checks2=4)], pool, NOW, here)[0]) == [5]
    assert ids(assign([ask(1)], pool, NOW)[0]) == [5], "nobody proven is here"
    only_holder = Fleet(proven=frozenset({7}))
    assert ids(assign([ask(1)], pool, NOW, only_holder)[0]) == [5]


def test_two_newcomers_of_one_batch_do_not_share_a_work_unit_either():
    pool = [candidate(5, 50), candidate(6, 50)]
    here = Fleet(proven=frozenset({8}))
    assert [ids(one) for one in assign([ask(1), ask(2)], pool, NOW, here)] == [[5], []]
    assert [ids(one) for one in assign([ask(1), ask(2)], pool, NOW)] == [[5], [6]]


def test_traps_and_decoys_go_to_anybody_who_does_not_hold_the_work_unit():
    here = Fleet(proven=frozenset({8}), swift=frozenset({8}))
    for purpose in (Purpose.TRAP, Purpose.DECOY):
        pool = [candidate(5, 50, purpose=purpose, newcomer=True, held_by={7}, tail=True)]
        assert ids(assign([ask(1)], pool, NOW, here)[0]) == [5]
        assert ids(assign([ask(7)], pool, NOW, here)[0]) == []


def test_an_engine_in_quarantine_gets_traps_alone():
    sick = {"quarantined": frozenset({"test/1"})}
    for purpose, sent in ((Purpose.COPY, []), (Purpose.DECOY, []), (Purpose.TRAP, [5])):
        pool = [candidate(5, 50, purpose=purpose, **sick)]
        assert ids(assign([ask(1, engine="test/1")], pool, NOW)[0]) == sent
        assert ids(assign([ask(1, engine="test/2")], pool, NOW)[0]) == [5]


def test_copies_go_to_different_kinds_of_engine_until_there_are_enough():
    pool = [candidate(5, 50, kinds=frozenset({"chromium"}), min_engines=2)]
    assert ids(assign([ask(1, engine="chromium/99")], pool, NOW)[0]) == []
    assert ids(assign([ask(1, engine="firefox/99")], pool, NOW)[0]) == [5]
    pool = [candidate(5, 50, kinds=frozenset({"chromium", "deno"}), min_engines=2)]
    assert ids(assign([ask(1, engine="chromium/99")], pool, NOW)[0]) == [5]
    both = [candidate(5, 50, min_engines=2), candidate(6, 50, min_engines=2)]
    alike = [ask(n, engine="deno/2") for n in (1, 2)]
    assert [ids(one) for one in assign(alike, both, NOW)] == [[5], []]


def test_the_last_work_units_of_a_job_go_to_swift_hosts_while_there_are_any():
    pool = [candidate(5, 50, tail=True)]
    here = Fleet(swift=frozenset({8}))
    assert ids(assign([ask(1, checks2=99, speed_milli=999)], pool, NOW, here)[0]) == []
    assert ids(assign([ask(1, checks2=7, speed_milli=5000)], pool, NOW, here)[0]) == []
    assert ids(assign([ask(1, checks2=8, speed_milli=1000)], pool, NOW, here)[0]) == [5]
    assert ids(assign([ask(1)], pool, NOW)[0]) == [5], "nobody swift is here"


def test_a_slow_host_is_given_fewer_at_a_time_and_one_always():
    pool = [candidate(n, n, unit_ms=20_000) for n in range(40)]
    counts = [
        len(ids(assign([ask(1, want=40, speed_milli=speed)], pool, NOW)[0]))
        for speed in (50, 500, 1000, 2000)
    ]
    assert counts == [1, 3, 6, 12]


def test_the_more_telling_reason_is_given():
    pool = [candidate(5, 50, trusted_only=True), candidate(6, 60, held_by={1}, job=2)]
    assert assign([ask(1)], pool, NOW)[0].why_no_work is WhyNoWork.NEEDS_OTHERS


def test_a_lost_result_is_given_to_its_host_again_under_a_new_epoch():
    held = Result(
        id=5, workunit_id=50, job_id=1, server_state=ServerState.IN_PROGRESS, host_id=1, epoch=2
    )
    again = resend(held, 600, NOW)
    assert again.before == {"server_state": ServerState.IN_PROGRESS, "epoch": 2}
    assert again.after == {"epoch": 3, "report_deadline": NOW + 600}
    often = msgspec.structs.replace(held, epoch=RESENDS_MAX + 1)
    over = msgspec.structs.replace(held, server_state=ServerState.OVER, outcome=Outcome.SUCCESS)
    assert resend(often, 600, NOW) is None
    assert resend(over, 600, NOW) is None


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 5), st.booleans()), max_size=6),
    st.lists(
        st.tuples(st.integers(1, 5), st.frozensets(st.integers(1, 4)), st.booleans()), max_size=12
    ),
)
def test_whatever_is_asked_nothing_goes_out_twice_or_to_whom_it_must_not(asking, pool):
    asks = [
        ask(n + 1, want=want, principal=who, trusted=trusted)
        for n, (who, want, trusted) in enumerate(asking)
    ]
    candidates = [
        candidate(n + 1, unit, held_by=held, trusted_only=private, job=1 + private)
        for n, (unit, held, private) in enumerate(pool)
    ]
    given_out = assign(asks, candidates, NOW)
    by_id = {one.result_id: one for one in candidates}
    gone = [number for one in given_out for number in ids(one)]
    assert len(gone) == len(set(gone))
    holdings: set[tuple[int, int]] = set()
    for one, share in zip(asks, given_out, strict=True):
        assert len(share.transitions) <= one.want
        assert (share.why_no_work is None) == (len(share.transitions) == one.want)
        for number in ids(share):
            what = by_id[number]
            holding = (what.workunit_id, one.host.principal_id)
            assert holding not in holdings
            holdings.add(holding)
            assert one.host.principal_id not in what.held_by
            assert one.host.trusted or not what.offer.trusted_only
