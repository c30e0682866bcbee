"""This file is where a host's quota is seen to rise on valid results and to fall on bad ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grid.dispatch.quota import (
    HOST_QUOTA,
    MILLI,
    PRINCIPAL_QUOTA,
    REFILL_S,
    Bucket,
    available,
    changed,
)

NOW = 1_800_000_000


def full(size: int = HOST_QUOTA.start) -> Bucket:
    return Bucket(size=size, left_milli=size * MILLI, at=NOW)


def test_a_quota_rises_on_valid_and_falls_on_bad_results():
    bucket = full()
    assert changed(bucket, HOST_QUOTA, NOW, valid=1).size == 10_004
    assert changed(bucket, HOST_QUOTA, NOW, bad=1).size == 5_000
    assert changed(bucket, HOST_QUOTA, NOW, bad=60).size == 1
    assert changed(bucket, HOST_QUOTA, NOW, sent=5).size == 10_000


def test_what_is_sent_is_taken_out_and_what_was_right_is_put_back():
    sent = changed(full(), HOST_QUOTA, NOW, sent=10_000)
    assert available(sent, NOW) == 0
    assert available(changed(sent, HOST_QUOTA, NOW, valid=10), NOW) == 10
    assert available(changed(sent, HOST_QUOTA, NOW, bad=10), NOW) == 0


def test_an_empty_bucket_fills_evenly_and_never_beyond_its_size():
    empty = Bucket(size=1000, left_milli=0, at=NOW)
    assert [available(empty, NOW + s) for s in (0, 1, 60, REFILL_S, 10**6)] == [
        0, 1, 100, 1000, 1000,
    ]  # fmt: skip
    assert available(empty, NOW - 5) == 0


def test_a_host_that_only_fails_is_soon_sent_one_result_in_ten_minutes_and_can_recover():
    bucket = full()
    for _ in range(14):
        bucket = changed(bucket, HOST_QUOTA, NOW, sent=1, bad=1)
    assert (bucket.size, available(bucket, NOW)) == (1, 0 if bucket.left_milli < MILLI else 1)
    spent = changed(bucket, HOST_QUOTA, NOW, sent=1)
    assert available(spent, NOW + REFILL_S - 1) == 0
    assert available(spent, NOW + REFILL_S) == 1
    for step in range(1, 60):
        spent = changed(spent, HOST_QUOTA, NOW + step * REFILL_S, sent=1, valid=1)
    assert spent.size > 200


def test_one_liar_among_a_thousand_costs_its_principal_next_to_nothing():
    liar, group = full(), full(PRINCIPAL_QUOTA.start)
    lies = 0
    for second in range(86_400 // 10):
        now = NOW + second * 10
        if available(liar, now):
            liar = changed(liar, HOST_QUOTA, now, sent=1, bad=1)
            group = changed(group, PRINCIPAL_QUOTA, now, sent=1, bad=1)
            lies += 1
    assert lies < 200
    assert group.size > PRINCIPAL_QUOTA.start * 0.9


def test_a_principal_is_sent_less_once_more_than_a_third_of_its_results_are_bad():
    group = full(PRINCIPAL_QUOTA.start)
    assert changed(group, PRINCIPAL_QUOTA, NOW, valid=2_000, bad=1_000).size == group.size
    assert changed(group, PRINCIPAL_QUOTA, NOW, valid=1_999, bad=1_000).size < group.size
    assert changed(group, PRINCIPAL_QUOTA, NOW, bad=10**6).size == PRINCIPAL_QUOTA.least > 0


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 99))
    ),
    st.sampled_from([HOST_QUOTA, PRINCIPAL_QUOTA]),
)
def test_a_bucket_never_holds_more_than_its_size_or_less_than_nothing(steps, quota):
    bucket, now = full(quota.start), NOW
    for sent, valid, bad, later in steps:
        now += later
        bucket = changed(bucket, quota, now, min(sent, available(bucket, now)), valid, bad)
        assert quota.least <= bucket.size <= quota.most
        assert 0 <= bucket.left_milli <= bucket.size * MILLI
