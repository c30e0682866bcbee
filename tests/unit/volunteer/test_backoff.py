"""This file is where waiting after a failure is neither short nor endless."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grid.volunteer.backoff import FIRST_S, MOST_S, pause_s

FAILURES = st.integers(1, 10_000)
TOSS = st.floats(0, 1, exclude_max=True)


@given(failures=FAILURES, toss=TOSS, asked_s=st.floats(0, 1e9))
def test_a_pause_has_bounds(failures: int, toss: float, asked_s: float) -> None:
    assert FIRST_S / 2 <= pause_s(failures, toss, asked_s) <= MOST_S


@given(failures=FAILURES, toss=TOSS, asked_s=st.floats(0, MOST_S))
def test_what_the_server_asked_for_is_honoured(failures: int, toss: float, asked_s: float) -> None:
    assert pause_s(failures, toss, asked_s) >= asked_s


@given(failures=FAILURES, toss=TOSS)
def test_one_more_failure_never_waits_less(failures: int, toss: float) -> None:
    assert pause_s(failures + 1, toss) >= pause_s(failures, toss)
