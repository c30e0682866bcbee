"""This file is where simulated hosts get their answers from: the truth, faults and lies.

The truth is an oracle's: a number that belongs to the seed and the work unit. What a saboteur may
know is what its question holds, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from msgspec import Struct

from grid import canonical
from grid.simulation.draws import Draws
from grid.simulation.scenario import Behaviour, Scenario

#: A work unit: its job, and its place there.
Place = tuple[int, int]
#: Answers are below; wrong ones differ by less than 2²⁴, so all of them pass the job type's check.
TRUTH_BELOW = 2**24
#: By how much each kind of wrong answer is wrong, plus who it is where each is wrong alone.
BAD_ENGINE, BAD_REFERENCE, FELLOWS = 1, 2, 3
BAD_CORE, ALONE = 2**16, 2**20
#: A bad core gets so many of its answers wrong.
BAD_CORE_SHARE = 0.1
#: A bad engine gets so many work units wrong, always the same ones.
BAD_ENGINE_SHARE = 0.1
#: Accepted answers after which a sleeper takes itself to be trusted.
SLEEP_ANSWERS = 20


class Traits(Struct, frozen=True, kw_only=True):
    """What is the matter with a host, if anything."""

    #: A number of its own.
    identity: int
    saboteur: bool = False
    flaky: bool = False
    bad_engine: bool = False
    slow: bool = False


class Question(Struct, frozen=True, kw_only=True):
    """What a host knows when it answers."""

    place: Place
    traits: Traits
    #: Answers of its own that the server has accepted.
    accepted: int
    #: Traits of the other hosts that it knows to hold or have held a copy: all of them, for only
    #: the omniscient look.
    others: tuple[Traits, ...]
    #: Whether the public may know by now that the work unit is decided.
    known_decided: bool
    #: Whether one good answer may be enough, so that nobody else need be asked.
    single: bool


class Oracle:
    """Knows every answer, the wrong ones too."""

    def __init__(self, scenario: Scenario, draws: Draws) -> None:
        self._scenario, self._draws = scenario, draws
        self._lies = BEHAVIOURS[scenario.behaviour]
        #: Answers to quizzes.
        self._known: dict[Place, int] = {}

    def learn(self, place: Place, answer: int) -> None:
        """A quiz has gone out whose answer its job type knows."""
        self._known[place] = answer

    def truth(self, place: Place) -> int:
        """The right answer."""
        known = self._known.get(place)
        return known if known is not None else self._draws.number(TRUTH_BELOW, "truth", *place)

    def reference(self, place: Place) -> int:
        """What the server's own trusted process finds."""
        wrong = self._draws.fraction("bad reference", *place) < self._scenario.bad_reference
        return self.truth(place) + (BAD_REFERENCE if wrong else 0)

    def answer(self, question: Question, stream: Random) -> int:
        """What a host says: a lie, a fault's answer, or the truth."""
        traits, place = question.traits, question.place
        right = self.truth(place)
        lie = self._lie(question, stream) if traits.saboteur else 0
        if lie:  # what a saboteur does not lie about, its engine gets wrong like any other's
            return right + lie
        if traits.bad_engine and self._draws.fraction("bad engine", *place) < BAD_ENGINE_SHARE:
            return right + BAD_ENGINE
        if traits.flaky and stream.random() < BAD_CORE_SHARE:
            return right + BAD_CORE + stream.randrange(BAD_CORE)
        return right

    def _lie(self, question: Question, stream: Random) -> int:
        together = self._draws.fraction("lie", *question.place) < self._scenario.lying
        alone = stream.random() < self._scenario.lying
        return self._lies(question, together, alone)


def text_of(answer: int) -> str:
    """An answer as a host's output."""
    return canonical.dumps_facts({"answer": answer}).decode()


def _independent(question: Question, _together: bool, alone: bool) -> int:
    return ALONE + question.traits.identity if alone else 0


def _colluding(_question: Question, together: bool, _alone: bool) -> int:
    return FELLOWS if together else 0


def _omniscient(question: Question, together: bool, _alone: bool) -> int:
    among_fellows = all(other.saboteur for other in question.others)
    sure = among_fellows and (question.single or question.others)
    return FELLOWS if sure and together else 0


def _sleeping(question: Question, together: bool, _alone: bool) -> int:
    return FELLOWS if together and question.accepted >= SLEEP_ANSWERS else 0


def _reading(question: Question, together: bool, _alone: bool) -> int:
    return FELLOWS if together and not question.known_decided else 0


#: Question, whether the fellows' shared coin says lie, whether its own does → how far off.
Lies = Callable[[Question, bool, bool], int]

BEHAVIOURS: Mapping[Behaviour, Lies] = {
    Behaviour.INDEPENDENT: _independent,
    Behaviour.COLLUDING: _colluding,
    Behaviour.OMNISCIENT: _omniscient,
    Behaviour.SLEEPING: _sleeping,
    Behaviour.READING: _reading,
}
