"""This file is where answers are weighed by how far those behind them are believed.

Groups of equal answers with odds o_j = ∏ Cr / (1 − Cr) over their principals: group a is right with
probability o_a / (1 + Σ o_j) (Sarmenta 2002).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

from msgspec import Struct

from grid.trust import NEWCOMER_CHECKS2, odds
from grid.validator.modes import Promise

#: More answers than this make a work unit suspicious in itself: it goes to a trusted run.
COPIES_MAX = 6


class Vote(Struct, frozen=True, gc=False):
    """One answer that counts."""

    answer: Hashable
    principal_id: int
    #: Half checks its volunteer has survived.
    checks2: int
    #: What computed it, such as "chromium/130".
    engine: str


class Group(Struct, gc=False):
    """Equal answers."""

    answer: Hashable
    odds: float
    principals: int
    #: Whether only newcomers stand behind it.
    newcomers: bool


class Weighed(Struct, frozen=True, gc=False):
    """Groups by odds, best first, and how doubtful the best one is."""

    groups: list[Group]
    doubt: float

    @property
    def best(self) -> Group:
        """The most credible group."""
        return self.groups[0]


def weigh(votes: Sequence[Vote]) -> Weighed:
    """The votes as groups; each principal counts once a group, by its most believed volunteer."""
    known: dict[Hashable, dict[int, int]] = {}
    for vote in votes:
        behind = known.setdefault(vote.answer, {})
        if vote.checks2 >= behind.get(vote.principal_id, 0):
            behind[vote.principal_id] = vote.checks2
    groups = [_group(answer, behind.values()) for answer, behind in known.items()]
    if not groups:
        return Weighed(groups, 1.0)
    if len(groups) > 1:
        groups.sort(key=lambda one: one.odds, reverse=True)
    others = 1 + sum(one.odds for one in groups[1:])
    return Weighed(groups, others / (others + groups[0].odds))


def _group(answer: Hashable, behind: Collection[int]) -> Group:
    """Equal answers of volunteers who have survived so many half checks each."""
    product = 1.0
    for checks2 in behind:
        product *= odds(checks2)
    return Group(answer, product, len(behind), max(behind) < NEWCOMER_CHECKS2)


def accepted(weighed: Weighed, promise: Promise) -> bool:
    """Whether the best group may become canonical."""
    return (
        bool(weighed.groups)
        and weighed.doubt <= promise.max_error
        and weighed.best.principals >= promise.principals_min
    )
