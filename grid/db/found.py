"""This file is where it stands what is found out about a host that asks, and what waits for it."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from grid import transitioner
from grid.dispatch.facts import LEFT_COPIES_MAX, kind_of
from grid.items import Result
from grid.states import Outcome, Purpose
from grid.trust import NEWCOMER_CHECKS2


class Facts(Struct, frozen=True, kw_only=True):
    """What the server knows of a host that asks."""

    host_id: int
    leases: int
    group_leases: int
    quota: int
    left_milli: int
    left_at: int
    group_quota: int
    group_left_milli: int
    group_left_at: int
    speed_milli: int
    checks2: int
    #: Why its volunteer is banned; None while it is not.
    ban_reason: str | None
    #: The open job that it is reserved for.
    reserved: int | None


class Ready(Struct, frozen=True, kw_only=True):
    """An active job of which results wait."""

    job_id: int
    #: Whether all its work units exist.
    made: bool
    #: Engines suspected of computing it wrongly.
    quarantined: list[str]
    #: Given by hand in place of its policy's; None for none. Read anew, for jobs are kept at hand.
    priority: int | None


class Other(Struct, frozen=True, array_like=True):
    """Another copy of the same work unit that was sent."""

    principal_id: int | None
    outcome: Outcome
    purpose: Purpose
    engine: str | None
    checks2: int | None


class Waiting(Struct, frozen=True, kw_only=True):
    """A result that waits for a host, and what its work unit computes."""

    result_id: int
    workunit_id: int
    job_id: int
    purpose: Purpose
    priority: int
    #: The only engine it is for; None for any.
    engine: str | None
    #: Below 0 for a quiz.
    ordinal: int
    first_chunk: int
    chunk_count: int
    others: list[Other]

    @property
    def quiz(self) -> int | None:
        """The work unit whose made-up rows it computes, if they are."""
        return self.workunit_id if self.ordinal < 0 else None

    @property
    def held_by(self) -> frozenset[int]:
        """Principals that hold or answered a copy, or have left too many."""
        left: Counter[int] = Counter()
        held = set()
        for one in self.others:
            if one.principal_id is None:
                continue
            if one.outcome not in transitioner.LEFT:
                held.add(one.principal_id)
            left[one.principal_id] += 1
        return frozenset(held | {who for who, count in left.items() if count >= LEFT_COPIES_MAX})

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of engine behind it."""
        return frozenset(
            kind_of(one.engine)
            for one in self.others
            if one.engine is not None and _stands(one, Purpose.COPY, Purpose.TRUSTED)
        )

    @property
    def newcomer(self) -> bool:
        """Whether a newcomer holds or answered a copy."""
        return any(
            one.principal_id is not None
            and (one.checks2 or 0) < NEWCOMER_CHECKS2
            and _stands(one, Purpose.COPY)
            for one in self.others
        )


class Unheard(Struct, frozen=True, kw_only=True):
    """A result that a host holds, and what its work unit computes; undecided, so never a quiz."""

    result: Result
    first_chunk: int
    chunk_count: int
    quiz: int | None = None


def _stands(one: Other, *purposes: Purpose) -> bool:
    return one.purpose in purposes and one.outcome in (Outcome.INIT, Outcome.SUCCESS)
