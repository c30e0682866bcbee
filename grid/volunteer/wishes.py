"""This file is where a headless volunteer says what it chooses: for whom, of what, until when."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from grid.items import Json


class Wishes(Struct, frozen=True, kw_only=True):
    """What is empty chooses nothing."""

    owners: tuple[str, ...] = ()
    refuse_owners: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    refuse_topics: tuple[str, ...] = ()
    job_types: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    selector: str | None = None
    #: When it leaves, in seconds since 1970-01-01 UTC by its own clock; None for not foreseen.
    until: float | None = None

    def fields(self, now: float) -> dict[str, Json]:
        """The part of a request that says so."""
        said: dict[str, Json] = {
            name: list(value)
            for name in (
                "owners",
                "refuse_owners",
                "topics",
                "refuse_topics",
                "job_types",
                "jobs",
            )
            if (value := getattr(self, name))
        }
        if self.selector is not None:
            said["selector"] = self.selector
        if self.until is not None:
            said["leaves_in_s"] = max(0, int(self.until - now))
        return said


def until(text: str, now: datetime) -> datetime:
    """The moment that `text` names: a time of the day to come such as 17:30, or a date and time
    as in ISO 8601. Raises ValueError for anything else, and for what is past."""
    try:
        clock = datetime.strptime(text, "%H:%M")  # noqa: DTZ007 (the machine's own time)
    except ValueError:
        moment = datetime.fromisoformat(text).astimezone()
        if moment <= now:
            raise ValueError(f"{text} is past") from None
        return moment
    moment = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return moment if moment > now else moment + timedelta(days=1)
