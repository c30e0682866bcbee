"""This file is where one server process remembers who was here lately: hints, never the truth.

It sees those who ask it. Of those who ask other processes it looks up a few in the database.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, func, literal_column, select

from grid.db.tables import HostRow, VolunteerRow, table
from grid.dispatch.facts import Ask, Fleet
from grid.dispatch.matching import PROVEN_CHECKS2, SWIFT_MILLI, is_proven, is_swift

HOST, VOLUNTEER = table(HostRow), table(VolunteerRow)

#: A host that was silent for so long is gone: several heartbeats, or retries.
ONLINE_S = 120
#: Proven principals that are enough to know of: a work unit is never held by so many.
ENOUGH = 64
#: Hosts among which they are looked for, from the newest on.
LOOKED_MAX = 5_000


class Crowd:
    """The hosts that asked for work within `ONLINE_S`."""

    def __init__(self) -> None:
        #: Host → when it asked last, its principal, and whether it is proven, and swift; the one
        #: that has been silent longest first.
        self._seen: dict[int, tuple[int, int, bool, bool]] = {}
        self._proven: Counter[int] = Counter()
        self._swift: Counter[int] = Counter()
        #: Proven principals by the database, and whether they are swift.
        self._elsewhere: dict[int, bool] = {}

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
        if len(self._swift) >= ENOUGH or not self._elsewhere:
            return Fleet(proven=self._proven.keys(), swift=self._swift.keys())
        swift = {number for number, swift in self._elsewhere.items() if swift}
        return Fleet(
            proven=self._proven.keys() | self._elsewhere.keys(), swift=self._swift.keys() | swift
        )

    def learn(self, connection: Connection, now: int) -> None:
        """Look up who else is here (host_seen)."""
        newest = (
            select(HOST.c.principal_id, HOST.c.volunteer_id, HOST.c.speed_milli)
            .where(HOST.c.last_seen_at > now - ONLINE_S)
            .order_by(HOST.c.last_seen_at.desc())
            .limit(LOOKED_MAX)
            .subquery()
        )
        found = connection.execute(
            select(newest.c.principal_id, func.max(newest.c.speed_milli).label("speed_milli"))
            .select_from(newest.join(VOLUNTEER, VOLUNTEER.c.id == newest.c.volunteer_id))
            .where(VOLUNTEER.c.checks2 >= PROVEN_CHECKS2, VOLUNTEER.c.banned_at.is_(None))
            .group_by(newest.c.principal_id)
            .order_by(literal_column("speed_milli").desc())
            .limit(ENOUGH)
        )
        self._elsewhere = {row.principal_id: row.speed_milli >= SWIFT_MILLI for row in found}

    def _forget(self, host_id: int) -> None:
        known = self._seen.pop(host_id, None)
        if known is None:
            return
        _, principal, proven, swift = known
        for counts, counted in ((self._proven, proven), (self._swift, swift)):
            counts[principal] -= counted
            if not counts[principal]:
                del counts[principal]
