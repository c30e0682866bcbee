"""This file is where it is decided what anyone gets to see of credit: leaderboards, one's own.

What a host was granted in a sealed job is in no figure here: whoever saw it grow could tell which
answers agreed. A host on a leaderboard has a name that nobody can tell its host id by.
"""

from __future__ import annotations

from collections.abc import Sequence

from grid.db.credits import Earned, Ranked
from grid.identifiers import Kind
from grid.validator.credit import spelled
from web.public_view import API, Names, View, link

#: What a leaderboard lists → how its lines are named.
KINDS = {"volunteer": Kind.VOLUNTEER, "host": Kind.MACHINE, "team": Kind.TEAM}


def ranked(found: Sequence[Ranked], by: str, offset: int, names: Names) -> list[View]:
    """Lines of a leaderboard, the first of them at place `offset`, from 0."""
    return [
        {
            "rank": offset + place + 1,
            "id": names.of(KINDS[by], one.id),
            "name": one.name,
            **({"team": one.team} if by == "volunteer" else {}),
            **_amounts(one.credit, one.average),
        }
        for place, one in enumerate(found)
    ]


def own(one: Earned, names: Names) -> View:
    """What a volunteer sees of itself: also the worth of what waits behind seals, all of it."""
    return {
        "id": names.of(Kind.VOLUNTEER, one.volunteer_id),
        "name": one.name,
        "team": one.team,
        **_amounts(one.credit, one.average),
        "pending_micro": one.pending,
        "_links": {
            "self": link(f"{API}/volunteers/me"),
            "leaderboard": link(f"{API}/leaderboard"),
        },
    }


def _amounts(credit: int, average: int) -> View:
    return {"credit": spelled(credit), "credit_micro": credit, "average_micro": average}
