"""This file is where virtual time passes: those whole seconds in which something is due."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

#: Ten minutes before a midnight, UTC: a day ends in every play that lasts.
START = 20_834 * 86_400 - 600


class Timeline:
    """What is due when."""

    def __init__(self) -> None:
        #: Seconds since 1970-01-01 UTC.
        self.now = START
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()

    def later(self, seconds: int, what: Callable[[], None]) -> None:
        """Do something so many seconds from now; what is due together happens as it was asked."""
        heapq.heappush(self._queue, (self.now + seconds, next(self._numbers), what))

    def step(self) -> bool:
        """Go to the next second in which anything is due, and do all of it; False for never."""
        if not self._queue:
            return False
        self.now = max(self.now, self._queue[0][0])
        while self._queue and self._queue[0][0] <= self.now:
            heapq.heappop(self._queue)[2]()
        return True
