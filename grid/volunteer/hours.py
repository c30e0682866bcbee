"""This file is where it is decided in which hours of the day a machine computes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from msgspec import Struct

#: 22-6, or 22:30-06:15.
SPELLED = re.compile(r"(\d{1,2})(?::(\d\d))?-(\d{1,2})(?::(\d\d))?")
DAY_MIN = 24 * 60


class Hours(Struct, frozen=True):
    """From one time of the day until another, over midnight where that is the earlier one.

    Both are minutes since midnight by the machine's clock; two equal ones mean the whole day.
    """

    since_min: int
    until_min: int

    def moment_s(self, now: datetime) -> tuple[bool, float]:
        """Whether it may compute now, and the seconds until that changes; 0 for never."""
        length = (self.until_min - self.since_min) % DAY_MIN
        if length == 0:
            return True, 0.0
        passed = timedelta(minutes=(now.hour * 60 + now.minute - self.since_min) % DAY_MIN)
        passed += timedelta(seconds=now.second, microseconds=now.microsecond)
        inside = passed < timedelta(minutes=length)
        whole = timedelta(minutes=length if inside else DAY_MIN)
        return inside, (whole - passed).total_seconds()


def hours(text: str) -> Hours:
    """The hours that `text` spells, such as 22-6 or 8:30-17; raises ValueError for others."""
    found = SPELLED.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text}: hours are spelled as 22-6 or 8:30-17:00")
    since, until = (
        int(hour) * 60 + int(minute or 0) for hour, minute in (found.group(1, 2), found.group(3, 4))
    )
    if max(since, until) > DAY_MIN or any(int(one or 0) > 59 for one in found.group(2, 4)):
        raise ValueError(f"{text}: a day has 24 hours of 60 minutes")
    return Hours(since % DAY_MIN, until % DAY_MIN)
