"""This file is where it is decided whether a host may have a result, and if not, why."""

from __future__ import annotations

from collections.abc import Collection, Set

from grid.dispatch.facts import Ask, Candidate, Fleet, Offer, WhyNoWork, kind_of
from grid.items import Capabilities, Needs
from grid.states import Purpose
from grid.trust import NEWCOMER_CHECKS2

#: Half checks of a volunteer that others may lean on: twice what makes one known.
PROVEN_CHECKS2 = 2 * NEWCOMER_CHECKS2
#: Thousandths of the median speed from which a host counts as swift.
SWIFT_MILLI = 1000

_NOBODY: frozenset[int] = frozenset()

#: What a quarantined engine must not compute; traps go on, for they tell bugs from lies.
KEPT_FROM_SUSPECTS = frozenset({Purpose.COPY, Purpose.PROBATION, Purpose.QUIZ, Purpose.DECOY})


def refused_job(ask: Ask, offer: Offer, now: int) -> WhyNoWork | None:
    """Why this host gets nothing of this job, whatever the work unit; None when it may."""
    if ask.reserved_job_id is not None and ask.reserved_job_id != offer.job_id:
        return WhyNoWork.RESERVED
    if offer.trusted_only and not ask.host.trusted:
        return WhyNoWork.TRUSTED_ONLY
    if offer.owner_only and not _owned(ask, offer):
        return WhyNoWork.TRUSTED_ONLY
    if not capable(ask.host.capabilities, offer.needs):
        return WhyNoWork.NOT_CAPABLE
    if ask.wish.choosy:
        if not _wished(ask, offer):
            return WhyNoWork.NOT_WISHED
        if ask.wish.until is not None and now + offer.delay_bound_s > ask.wish.until:
            return WhyNoWork.LEAVING_SOON
    return None


def refused(
    ask: Ask, candidate: Candidate, fleet: Fleet, given: Collection[Ask]
) -> WhyNoWork | None:
    """Why this host must not have this result of a job that it may serve; None when it may.

    `given` are the hosts that got a copy of the same work unit a moment ago. All reasons read
    alike: a reason must not tell who else is asked, or why.
    """
    host, principal = ask.host, ask.host.principal_id
    purpose, offer = candidate.purpose, candidate.offer
    if principal in candidate.held_by or (given and principal in _principals(given)):
        return WhyNoWork.NEEDS_OTHERS
    if candidate.engine is not None and candidate.engine != host.engine:
        return WhyNoWork.NO_WORK
    if offer.quarantined and host.engine in offer.quarantined and purpose in KEPT_FROM_SUSPECTS:
        return WhyNoWork.NEEDS_OTHERS
    if purpose is not Purpose.COPY:
        kept = purpose is Purpose.TRUSTED
        kept |= purpose is Purpose.PROBATION and not is_newcomer(ask)
        return WhyNoWork.NO_WORK if kept else None
    if offer.trusted_only:
        return None
    others = candidate.held_by | _principals(given)
    second = candidate.newcomer or any(map(is_newcomer, given))
    if second and is_newcomer(ask) and _any_but(fleet.proven, others):
        return WhyNoWork.NEEDS_OTHERS
    if offer.min_engines > 1:
        kinds = candidate.kinds | {kind_of(one.host.engine) for one in given}
        if len(kinds) < offer.min_engines and kind_of(host.engine) in kinds:
            return WhyNoWork.NEEDS_OTHERS
    if offer.tail and not is_swift(ask) and _any_but(fleet.swift, others):
        return WhyNoWork.NEEDS_OTHERS
    return None


def is_newcomer(ask: Ask) -> bool:
    """Whether next to nothing of its volunteer's work has been checked."""
    return ask.checks2 < NEWCOMER_CHECKS2


def is_proven(ask: Ask) -> bool:
    """Whether others may lean on its volunteer."""
    return ask.checks2 >= PROVEN_CHECKS2


def is_swift(ask: Ask) -> bool:
    """Whether the last work units of a job are well placed with it."""
    return is_proven(ask) and ask.speed_milli >= SWIFT_MILLI


def capable(has: Capabilities, needs: Needs) -> bool:
    """Whether a host has what a job needs; what it does not say counts as the least."""
    return (
        (has.cores or 1) >= needs.cores
        and (has.memory_mb or 0) >= needs.memory_mb
        and set(needs.features) <= set(has.features)
    )


def _principals(given: Collection[Ask]) -> frozenset[int]:
    return frozenset([one.host.principal_id for one in given]) if given else _NOBODY


def _any_but(here: Set[int], others: Set[int]) -> bool:
    return any(principal not in others for principal in here)


def _owned(ask: Ask, offer: Offer) -> bool:
    host = ask.host
    return host.trusted and host.account_id is not None and host.account_id == offer.account_id


def _wished(ask: Ask, offer: Offer) -> bool:
    wish, owner = ask.wish, offer.account_id
    if owner in wish.refuse_owners or offer.topics & wish.refuse_topics:
        return False
    return (
        (wish.owners is None or owner in wish.owners)
        and (not wish.topics or bool(offer.topics & wish.topics))
        and (not wish.job_types or offer.job_type in wish.job_types)
        and (not wish.jobs or offer.job_id in wish.jobs)
    )
