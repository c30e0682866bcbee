"""This package is where a verdict is reached over what came back, and a unit comes to rest."""

from __future__ import annotations

from grid import transitioner
from grid.comparators import Comparator
from grid.items import WorkUnit
from grid.transition import Instruction, after
from grid.validator import quorum


def settle(unit: WorkUnit, compare: Comparator, now: int) -> list[Instruction]:
    """Everything the rules ask of one work unit now: verdict first, then what it still needs.

    Carried out, it leaves nothing to ask: `settle` of the changed unit is empty.
    """
    verdict = quorum.decide(unit, compare)
    judged = after(unit, verdict, next_id=0)
    return [*verdict, *transitioner.decide(judged, quorum.wanted(judged, compare), now)]
