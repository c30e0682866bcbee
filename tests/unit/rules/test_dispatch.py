"""This file is where results are shared out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grid.dispatch import LEASES_PER_HOST_MAX, Ask, Candidate, WhyNoWork, assign
from grid.items import Host
from grid.states import ServerState

NOW = 1_800_000_000


def host(number: int, principal: int | None = None, trusted: bool = False) -> Host:
    return Host(
        id=number,
        account_id=None,
        principal_id=number if principal is None else principal,
        trusted=trusted,
        kind="headless",
        engine="test",
        enrolled_at=NOW,
        last_seen_at=NOW,
    )


def candidate(result: int, unit: int, held_by=(), trusted_only: bool = False) -> Candidate:
    return Candidate(
        result_id=result,
        workunit_id=unit,
        trusted_only=trusted_only,
        delay_bound_s=600,
        held_by=frozenset(held_by),
    )


def ask(number: int, want: int = 1, leases: int = 0, **fields) -> Ask:
    return Ask(host=host(number, **fields), want=want, leases=leases)


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
        candidate(n + 1, unit, held_by=held, trusted_only=private)
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
            assert one.host.trusted or not what.trusted_only
