"""This file is where waiting results are put into the order in which a host is offered them.

A selector takes candidates in the server's order (priority, then fair shares) and returns them in
its own; what it leaves out is not offered. It may choose, and never overrule: whether a host may
have a result is decided afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from grid.dispatch.facts import Ask, Candidate
from grid.plugins.contract import hookimpl

#: Candidates in the server's order, who asks, and a number that is fresh for each exchange.
Selector = Callable[[Sequence[Candidate], Ask, int], Sequence[Candidate]]


def priority(candidates: Sequence[Candidate], ask: Ask, toss: int) -> Sequence[Candidate]:
    """The server's own order: what matters more goes first, requesters have equal shares."""
    return candidates


def random(candidates: Sequence[Candidate], ask: Ask, toss: int) -> Sequence[Candidate]:
    """Any order: hosts that come together start at different places."""

    def drawn(candidate: Candidate) -> bytes:
        text = f"{toss} {ask.host.id} {candidate.result_id}"
        return hashlib.sha256(text.encode()).digest()

    return sorted(candidates, key=drawn)


def shortest_first(candidates: Sequence[Candidate], ask: Ask, toss: int) -> Sequence[Candidate]:
    """What is done soonest goes first; work nobody knows the length of comes last."""
    return sorted(candidates, key=lambda one: (not one.offer.unit_ms, one.offer.unit_ms))


def by_owner(candidates: Sequence[Candidate], ask: Ask, toss: int) -> Sequence[Candidate]:
    """Work of the requesters that the volunteer named, in the order it named them."""
    places = {owner: place for place, owner in enumerate(ask.wish.owners or ())}
    return sorted(candidates, key=lambda one: places.get(one.offer.account_id or 0, len(places)))


STOCK: Mapping[str, Selector] = {
    "priority": priority,
    "random": random,
    "shortest_first": shortest_first,
    "by_owner": by_owner,
}


@hookimpl
def grid_selectors() -> Mapping[str, Selector]:
    """Grid's own, through the hook that everybody uses."""
    return STOCK


def ordered(
    selector: Selector, candidates: Sequence[Candidate], ask: Ask, toss: int
) -> Sequence[Candidate]:
    """What a selector makes of the candidates; the server's own order where it fails.

    Nothing that was not among the candidates comes out.
    """
    if selector is priority:
        return candidates
    known = {one.result_id: one for one in candidates}
    try:
        chosen = [known.get(one.result_id) for one in selector(candidates, ask, toss)]
    except Exception:  # a stranger's code: its trouble must not keep a batch from its work
        return candidates
    return [one for one in chosen if one is not None]
