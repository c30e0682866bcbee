"""This file is where it is decided which result goes to which host, and why none does."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from grid.items import Host
from grid.states import ServerState
from grid.transition import Entity, Transition

#: Leases one host may hold at once: what a page with many Web Workers can use, and no more than
#: one stranger may keep from others.
LEASES_PER_HOST_MAX = 64

#: Copies of one work unit that a principal may leave, by silence or by giving them back, before
#: it gets no more of them: a reload or a lost connection is forgiven, a habit is not.
LEFT_COPIES_MAX = 5


class WhyNoWork(StrEnum):
    """Why a host got less than it asked for."""

    #: Nothing waits to be sent.
    NO_WORK = "no_work"
    #: All that waits is a second copy of what this principal has computed or left already.
    NEEDS_OTHERS = "needs_others"
    #: All that waits is for hosts with a trusted-host token.
    TRUSTED_ONLY = "trusted_only"
    #: It holds as many leases as a host may.
    TOO_MANY_LEASES = "too_many_leases"


class Candidate(Struct, frozen=True, kw_only=True):
    """A result that waits for a host."""

    result_id: int
    workunit_id: int
    #: Goes to trusted hosts only.
    trusted_only: bool
    delay_bound_s: int
    #: Principals that hold or answered a copy of its work unit, or have left too many.
    held_by: frozenset[int]


class Ask(Struct, frozen=True, kw_only=True):
    """A host that wants work."""

    host: Host
    want: int
    #: Leases it holds, by the server's count.
    leases: int


class Given(Struct, frozen=True, kw_only=True):
    """What one host gets."""

    transitions: tuple[Transition, ...]
    why_no_work: WhyNoWork | None = None


def assign(asks: Sequence[Ask], candidates: Sequence[Candidate], now: int) -> list[Given]:
    """Share the candidates out, best first, asks in the order they came.

    No principal gets two copies of a work unit, no result goes out twice, and none goes to a host
    that may not have it. Promises no fairness between jobs beyond the candidates' order.
    """
    taken: set[int] = set()
    held: set[tuple[int, int]] = set()
    given = []
    for ask in asks:
        room = min(ask.want, LEASES_PER_HOST_MAX - ask.leases)
        refusals: list[WhyNoWork] = []
        mine: list[Transition] = []
        for candidate in candidates:
            if len(mine) >= room:
                break
            if candidate.result_id in taken:
                continue
            refusal = _refusal(ask.host, candidate, held)
            if refusal is not None:
                refusals.append(refusal)
                continue
            taken.add(candidate.result_id)
            held.add((candidate.workunit_id, ask.host.principal_id))
            mine.append(_lease(ask.host, candidate, now))
        why = _why(ask, room, len(mine), refusals)
        given.append(Given(transitions=tuple(mine), why_no_work=why))
    return given


def _refusal(host: Host, candidate: Candidate, held: set[tuple[int, int]]) -> WhyNoWork | None:
    if candidate.trusted_only and not host.trusted:
        return WhyNoWork.TRUSTED_ONLY
    principal = host.principal_id
    if principal in candidate.held_by or (candidate.workunit_id, principal) in held:
        return WhyNoWork.NEEDS_OTHERS
    return None


def _why(ask: Ask, room: int, got: int, refusals: list[WhyNoWork]) -> WhyNoWork | None:
    if got >= ask.want:
        return None
    if got >= room:
        return WhyNoWork.TOO_MANY_LEASES
    if WhyNoWork.NEEDS_OTHERS in refusals:
        return WhyNoWork.NEEDS_OTHERS
    return refusals[0] if refusals else WhyNoWork.NO_WORK


def _lease(host: Host, candidate: Candidate, now: int) -> Transition:
    return Transition(
        entity=Entity.RESULT,
        id=candidate.result_id,
        before={"server_state": ServerState.UNSENT},
        after={
            "server_state": ServerState.IN_PROGRESS,
            "host_id": host.id,
            "principal_id": host.principal_id,
            "epoch": 1,
            "sent_at": now,
            "report_deadline": now + candidate.delay_bound_s,
        },
        because=f"sent to host {host.id}",
    )
