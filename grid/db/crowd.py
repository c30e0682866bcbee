"""This file is where one server process remembers who was here lately: hints, never the truth."""

from __future__ import annotations

from collections import Counter

from grid.dispatch.facts import Ask, Fleet
from grid.dispatch.matching import is_proven, is_swift

#: A host that was silent for so long is gone: several heartbeats, or retries.
ONLINE_S = 120


class Crowd:
    """The hosts that asked for work within `ONLINE_S`."""

    def __init__(self) -> None:
        #: Host → when it asked last, its principal, and whether it is proven, and swift; the one
        #: that has been silent longest first.
        self._seen: dict[int, tuple[int, int, bool, bool]] = {}
        self._proven: Counter[int] = Counter()
        self._swift: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._seen)

    def saw(self, ask: Ask, now: int) -> None:
        """A host asks."""
        self._forget(ask.host.id)
        principal, proven, swift = ask.host.principal_id, is_proven(ask), is_swift(ask)
        self._seen[ask.host.id] = now, principal, proven, swift
        for counts, counted in ((self._proven, proven), (self._swift, swift)):
            if counted:
                counts[principal] += 1

    def fleet(self, now: int) -> Fleet:
        """Who may be counted on, at this moment."""
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest][0] > now - ONLINE_S:
                break
            self._forget(oldest)
        return Fleet(proven=self._proven.keys(), swift=self._swift.keys())

    def _forget(self, host_id: int) -> None:
        known = self._seen.pop(host_id, None)
        if known is None:
            return
        _, principal, proven, swift = known
        for counts, counted in ((self._proven, proven), (self._swift, swift)):
            counts[principal] -= counted
            if not counts[principal]:
                del counts[principal]
