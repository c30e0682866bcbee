"""This file is where a machine keeps to its hours, over midnight too."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.volunteer.hours import DAY_MIN, Hours, hours

ZONE = timezone(timedelta(hours=1))


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 20, hour, minute, second, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "now", "inside", "changes_in_s"),
    [
        ("9-17", at(9), True, 8 * 3600),
        ("9-17", at(8, 59, 30), False, 30),
        ("9-17", at(17), False, 16 * 3600),
        ("22-6", at(23), True, 7 * 3600),
        ("22-6", at(5, 59), True, 60),
        ("22-6", at(6), False, 16 * 3600),
        ("22:30-06:15", at(22, 29), False, 60),
        ("18-24", at(23, 59), True, 60),
        ("0-24", at(3), True, 0),
        ("7-7", at(3), True, 0),
    ],
)
def test_hours_begin_and_end_when_they_say(
    text: str, now: datetime, inside: bool, changes_in_s: float
) -> None:
    assert hours(text).moment_s(now) == (inside, changes_in_s)


@pytest.mark.parametrize("text", ["", "9", "9-", "25-3", "9:60-17", "9-24:30", "a-b", "9 to 17"])
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="hours"):
        hours(text)


minutes = st.integers(min_value=0, max_value=DAY_MIN - 1)


@given(minutes, minutes, minutes, st.integers(0, 59))
def test_the_next_change_is_a_change(since: int, until: int, now: int, second: int) -> None:
    one, moment = Hours(since, until), at(now // 60, now % 60, second)
    inside, changes_in_s = one.moment_s(moment)
    if since == until:
        assert (inside, changes_in_s) == (True, 0)
        return
    assert 0 < changes_in_s <= DAY_MIN * 60
    assert one.moment_s(moment + timedelta(seconds=changes_in_s))[0] is not inside
    assert one.moment_s(moment + timedelta(seconds=changes_in_s - 1))[0] is inside
