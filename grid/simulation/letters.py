"""This file is where hosts' messages to the server and its answers stand."""

from __future__ import annotations

from msgspec import Struct

from grid.simulation.answers import Place
from grid.states import Outcome


class Said(Struct, frozen=True, kw_only=True):
    """What a host says of one copy."""

    #: As the server gave them out: opaque.
    result_id: str
    lease: str
    outcome: Outcome
    #: Its output; only when it claims success.
    text: str | None = None


class Letter(Struct, frozen=True, kw_only=True):
    """One message of a host; the same letter may arrive several times, or never."""

    host_id: int
    said: tuple[Said, ...] = ()
    #: Copies still being computed: result id and lease.
    renew: tuple[tuple[str, str], ...] = ()
    want: int = 0
    #: Every result that it knows it holds; None when it does not say.
    holding: tuple[str, ...] | None = None


class Copy(Struct, frozen=True, kw_only=True):
    """A result that a host may compute now."""

    result_id: str
    lease: str
    #: Seconds since 1970-01-01 UTC.
    deadline: int
    #: What it computes; its inputs give that away.
    place: Place


class Reply(Struct, frozen=True, kw_only=True):
    """What the server answers; lists are as long as the letter's."""

    #: For each thing said: whether it was accepted, and why (not).
    judged: tuple[tuple[bool, str | None], ...]
    #: The later lease of each renewal, and its deadline; None where it is over.
    renewed: tuple[tuple[str, int] | None, ...]
    copies: tuple[Copy, ...]
    why_no_work: str | None
