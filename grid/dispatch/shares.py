"""This file is where requesters get their fair shares: work of equal priority in turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from grid.dispatch.facts import Candidate, Offer

#: Results of so many milliseconds count as one: unknown lengths weigh as much as a usual unit.
USUAL_UNIT_MS = 5_000


def weight(offer: Offer) -> float:
    """What one result of this job takes from its requester's share."""
    return (offer.unit_ms or USUAL_UNIT_MS) / USUAL_UNIT_MS


def in_turn(offers: Sequence[Offer], served: Mapping[int | None, float]) -> list[Offer]:
    """Jobs in the order in which to look for their work: priority, least served, oldest."""
    return sorted(
        offers, key=lambda one: (-one.priority, served.get(one.account_id, 0.0), one.job_id)
    )


def interleaved(
    waiting: Sequence[Sequence[Candidate]], served: Mapping[int | None, float]
) -> list[Candidate]:
    """The waiting results of several jobs as one queue, each job's own order kept.

    Higher priorities first. Within one, the requester that has been served least is next, and its
    oldest job; each result counts by its length.
    """
    if len(waiting) == 1:
        return list(waiting[0])
    queue: list[Candidate] = []
    levels: dict[int, dict[int | None, deque[Candidate]]] = {}
    for several in sorted(filter(None, waiting), key=lambda one: one[0].offer.job_id):
        for one in several:
            owners = levels.setdefault(one.offer.priority + one.raised, {})
            owners.setdefault(one.offer.account_id, deque()).append(one)
    for _, owners in sorted(levels.items(), reverse=True):
        had = {owner: served.get(owner, 0.0) for owner in owners}
        while owners:
            owner = min(owners, key=lambda one: (had[one], one or 0))
            candidate = owners[owner].popleft()
            had[owner] += weight(candidate.offer)
            queue.append(candidate)
            if not owners[owner]:
                del owners[owner]
    return queue
