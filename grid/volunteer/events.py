"""This file is where it stands what a headless volunteer tells of what it does."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct


class Event(StrEnum):
    """What happened."""

    #: The server knows this host from here on, or again.
    ENROLLED = "enrolled"
    COMPUTING = "computing"
    #: A program came to its end, or failed.
    COMPUTED = "computed"
    #: The server has taken a report, or refused it.
    REPORTED = "reported"
    WAITING = "waiting"
    #: Outside the hours it may compute in.
    RESTING = "resting"
    #: Something went wrong; it goes on.
    TROUBLE = "trouble"
    #: It takes no more work and finishes what it has.
    DRAINING = "draining"
    #: It cannot go on.
    STOPPED = "stopped"
    LEFT = "left"


class Said(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened, for people and for programs."""

    event: Event
    #: The core it happened to, from 1.
    core: int | None = None
    #: In a line, for people.
    text: str = ""
    host: str | None = None
    job: str | None = None
    job_name: str | None = None
    job_type: str | None = None
    result: str | None = None
    #: "success", "error" or "released".
    outcome: str | None = None
    elapsed_ms: int | None = None
    accepted: bool | None = None
    #: Why a report was refused, or why there is no work, in the protocol's words.
    reason: str | None = None
    #: Seconds until it tries again, or may compute again.
    again_in_s: float | None = None
    #: Reports that the server took with an answer in them, over all; when it leaves.
    total: int | None = None


#: Told what happens, from any thread.
Tell = Callable[[Said], None]
