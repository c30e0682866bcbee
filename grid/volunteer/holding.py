"""This file is where all cores of a host know together what the host holds.

Whoever tells the server what it holds is given again whatever it does not list. So that is told
only while no other core's question is on its way, whose answer nobody has heard yet.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Holding:
    """Results that the cores of one host hold, and whether some may have been lost."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._by_core: dict[int, frozenset[str]] = {}
        self._asking = 0
        self._alone = False
        #: An answer may have been lost on its way.
        self._doubt = False

    def keep(self, core: int, results: frozenset[str]) -> None:
        """What this core holds, finished and unreported results included."""
        with self._free:
            self._by_core[core] = results

    def doubt(self) -> None:
        """An exchange failed: the server may have given what never arrived."""
        with self._free:
            self._doubt = True

    @contextmanager
    def asking(self) -> Iterator[list[str] | None]:
        """Around a question: what to say the host holds, or None to say nothing."""
        with self._free:
            while self._alone:
                self._free.wait()
            self._alone = self._doubt and self._asking == 0
            self._asking += 1
            told = sorted(set().union(*self._by_core.values())) if self._alone else None
        heard = False
        try:
            yield told
            heard = True
        finally:
            with self._free:
                self._asking -= 1
                if told is not None:
                    self._alone = False
                    self._doubt = not heard
                    self._free.notify_all()
