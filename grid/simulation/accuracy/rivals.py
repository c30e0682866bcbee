"""This file is where other ways of verifying are measured beside ours.

Fixed quorum: that many equal answers, no other as many. BOINC's adaptive replication, as modelled
from its documentation: a host with more than 10 consecutive valid results is asked alone, except
with a probability of 10 divided by that number; anybody else's answers need a quorum of 2; a wrong
answer sets the count to zero, and nothing else. Both are played without retractions and bans.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from grid.simulation.accuracy.floor import Floor
from grid.simulation.accuracy.people import Said, Setting, Unit

#: Consecutive valid results after which BOINC's server begins to trust a host.
CONSECUTIVE_VALID_MIN = 10


class FixedQuorum(Floor):
    """`quorum` equal answers from different principals."""

    def __init__(self, setting: Setting, work_units: int, seed: int, quorum: int) -> None:
        super().__init__(setting, work_units, seed)
        self._quorum = quorum

    def first(self) -> int:
        return self._quorum

    def counts(self) -> dict[str, int]:
        return {}

    def answered(self, unit: Unit, said: Said) -> None:
        if unit.answer is None:
            self.count(unit, self._quorum)

    def count(self, unit: Unit, quorum: int) -> None:
        """Decide by votes, or ask for what is missing."""
        votes = Counter(
            answer for answer, _ in {(one.answer, one.who.principal) for one in unit.said}
        )
        (answer, best), *others = [*votes.most_common(2), (0, 0)]
        tied = others[0][1] == best
        if best >= quorum and not tied:
            unit.answer = answer
            self.decided += 1
            for one in unit.said:
                if one.answer == answer:  # what a sleeper waits for
                    one.who.checks2 += 2
            return
        for _ in range(max(quorum - best, 1 if tied else 0) - unit.alive):
            self.ask_again(unit)


class Adaptive(FixedQuorum):
    """BOINC's adaptive replication."""

    def __init__(self, setting: Setting, work_units: int, seed: int) -> None:
        super().__init__(setting, work_units, seed, quorum=2)
        self._valid: dict[int, int] = defaultdict(int)

    def first(self) -> int:
        return 1

    def answered(self, unit: Unit, said: Said) -> None:
        if unit.answer is not None:
            self._mark(said, unit.answer)
            return
        valid = self._valid[said.who.number]
        alone = valid > CONSECUTIVE_VALID_MIN and len(unit.said) == 1
        if alone and self.chance.random() >= CONSECUTIVE_VALID_MIN / valid:
            self.count(unit, 1)
        else:
            self.count(unit, 2)
        if unit.answer is not None:
            for one in unit.said:
                self._mark(one, unit.answer)

    def _mark(self, said: Said, answer: int) -> None:
        number = said.who.number
        self._valid[number] = self._valid[number] + 1 if said.answer == answer else 0
