"""This file is where it is known which hosts are here now, and how many answers they bring."""

from __future__ import annotations

import threading
from collections import deque

from grid.db import apply as writes
from grid.db.store import Store
from web.public_view import Live

#: A host that was silent for so long is gone: several heartbeats, or retries.
ONLINE_S = 120
#: How exactly the database knows when a host was last seen.
NOTE_INTERVAL_S = 60


class Presence:
    """Counts of one server process; they begin at nothing when it starts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[int, int] = {}
        self._noted: dict[int, int] = {}
        self._to_note: set[int] = set()
        self._answers: deque[tuple[int, int]] = deque()
        #: Pages are made in threads; the event loop counts meanwhile.
        self._lock = threading.Lock()

    def seen(self, host_id: int, now: int) -> None:
        """A host has asked for something."""
        with self._lock:
            self._seen[host_id] = now
            if self._noted.get(host_id, 0) + NOTE_INTERVAL_S <= now:
                self._noted[host_id] = now
                self._to_note.add(host_id)

    def accepted(self, count: int, now: int) -> None:
        """So many answers were taken."""
        if not count:
            return
        with self._lock:
            if self._answers and self._answers[-1][0] == now:
                count += self._answers.pop()[1]
            self._answers.append((now, count))

    def live(self, now: int) -> Live:
        """What is so at this moment."""
        with self._lock:
            while self._answers and self._answers[0][0] <= now - 60:
                self._answers.popleft()
            online = sum(last > now - ONLINE_S for last in self._seen.values())
            answers = sum(count for _, count in self._answers)
        return Live(hosts_online=online, results_per_min=answers)

    async def note(self) -> None:
        """Write down who was here; forget who has left."""
        now = self._store.now()
        with self._lock:
            gone = [host_id for host_id, last in self._seen.items() if last <= now - ONLINE_S]
            for host_id in gone:
                del self._seen[host_id]
                self._noted.pop(host_id, None)
            hosts, self._to_note = sorted(self._to_note), set()
        if hosts:
            await self._store.awrite(lambda tx: writes.set_last_seen(tx.connection, hosts, tx.now))
