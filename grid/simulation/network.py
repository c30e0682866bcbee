"""This file is where letters are lost, left unanswered, doubled and held up on their way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from random import Random

from grid.simulation.letters import Letter, Reply

#: A host that hears nothing says the same again after so long.
PATIENCE_S = 15
#: The longest that a letter is held up: enough to come after many later ones.
HELD_UP_MAX_S = 40

#: Does something at a later time: seconds from now, what.
Later = Callable[[int, Callable[[], None]], None]
#: Hands a letter to the server, with what becomes of its answer: None when nobody hears it.
Deliver = Callable[[Letter, Callable[[Reply | None], None]], None]


class Mishap(StrEnum):
    """What may become of a letter."""

    #: It never arrives.
    LOST = "lost"
    #: It arrives, its answer does not.
    UNANSWERED = "unanswered"
    #: It arrives twice, the second time much later.
    DOUBLED = "doubled"
    #: It arrives after letters that were sent later.
    HELD_UP = "held_up"


class Network:
    """Carries letters; whoever is not answered repeats, word for word."""

    def __init__(self, share: float, stream: Random, later: Later, deliver: Deliver) -> None:
        self._share, self._stream = share, stream
        self._later, self._deliver = later, deliver
        self.mishaps: Counter[Mishap] = Counter()
        self.sent = 0

    def send(self, letter: Letter, answered: Callable[[Reply], None]) -> None:
        """Send until it is answered, then hand over the answer, once."""
        self.sent += 1
        mishap = self._mishap()
        if mishap is not None:
            self.mishaps[mishap] += 1

        def heard(reply: Reply | None) -> None:
            if reply is None or mishap is Mishap.UNANSWERED:
                self._later(PATIENCE_S, lambda: self.send(letter, answered))
            else:
                answered(reply)

        if mishap is Mishap.LOST:
            self._later(PATIENCE_S, lambda: self.send(letter, answered))
            return
        delay = self._stream.randint(1, HELD_UP_MAX_S) if mishap is Mishap.HELD_UP else 0
        self._later(delay, lambda: self._deliver(letter, heard))
        if mishap is Mishap.DOUBLED:
            again = self._stream.randint(1, HELD_UP_MAX_S)
            self._later(again, lambda: self._deliver(letter, lambda _reply: None))

    def _mishap(self) -> Mishap | None:
        if self._stream.random() >= self._share:
            return None
        return self._stream.choice(list(Mishap))
