"""This file is where answers are weighed by how far those behind them are believed.

Groups of equal answers with odds o_j = ∏ Cr / (1 − Cr) over their principals: group a is right with
probability o_a / (1 + Σ o_j) (Sarmenta 2002).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

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
    seen: dict[tuple[Hashable, int], int] = {}
    for vote in votes:
        key = vote.answer, vote.principal_id
        if vote.checks2 >= seen.get(key, 0):
            seen[key] = vote.checks2
    groups: dict[Hashable, Group] = {}
    for (answer, _), checks2 in seen.items():
        group = groups.get(answer)
        newcomer = checks2 < NEWCOMER_CHECKS2
        if group is None:
            groups[answer] = Group(answer, odds(checks2), 1, newcomer)
        else:
            group.odds *= odds(checks2)
            group.principals += 1
            group.newcomers &= newcomer
    ordered = sorted(groups.values(), key=lambda one: one.odds, reverse=True)
    others = 1 + sum(one.odds for one in ordered[1:])
    return Weighed(ordered, others / (others + ordered[0].odds) if ordered else 1.0)


def accepted(weighed: Weighed, promise: Promise) -> bool:
    """Whether the best group may become canonical."""
    return (
        bool(weighed.groups)
        and weighed.doubt <= promise.max_error
        and weighed.best.principals >= promise.principals_min
    )
