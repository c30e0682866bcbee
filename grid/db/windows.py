"""This file is where it is counted how often something happens, over all processes of a machine.

It is a file of its own beside the database: nothing in it is state, and it may be deleted. The
windows and their rules are those of the library `limits`; this is where it keeps them.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from threading import Lock

from limits.aio.storage import MovingWindowSupport, Storage

FILE_NAME = "rates.db"
#: How long a process waits for another one's count: each takes some fifty microseconds.
WAIT_S = 5.0
#: Counts between two looks for what has gone out of every window.
SWEEP_EVERY = 1_000


class SharedWindows(Storage, MovingWindowSupport):
    """Moving windows in a SQLite file that any process of this machine may share."""

    STORAGE_SCHEME = None

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._lock, self._counted = Lock(), 0
        self._file = sqlite3.connect(
            folder / FILE_NAME, timeout=WAIT_S, isolation_level=None, check_same_thread=False
        )
        self._file.executescript(
            """
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = OFF;
            CREATE TABLE IF NOT EXISTS hit (key TEXT, at REAL, ends REAL);
            CREATE INDEX IF NOT EXISTS hit_of ON hit (key, at);
            """
        )

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` more, unless there would be more than `limit` within `expiry` seconds."""
        now = time.time()
        with self._lock:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                (held,) = self._file.execute(
                    "SELECT count(*) FROM hit WHERE key = ? AND at > ?", (key, now - expiry)
                ).fetchone()
                taken = bool(held + amount <= limit)
                if taken:
                    rows = [(key, now, now + expiry)] * amount
                    self._file.executemany("INSERT INTO hit VALUES (?, ?, ?)", rows)
                    self._sweep(now)
            finally:
                self._file.execute("COMMIT")
        return taken

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest that counts came, and how many there are."""
        now = time.time()
        with self._lock:
            first, held = self._file.execute(
                "SELECT min(at), count(*) FROM hit WHERE key = ? AND at > ?", (key, now - expiry)
            ).fetchone()
        return (now if first is None else first), held

    async def clear(self, key: str) -> None:
        """Forget one window."""
        with self._lock:
            self._file.execute("DELETE FROM hit WHERE key = ?", (key,))

    async def reset(self) -> int | None:
        """Forget all of them."""
        with self._lock:
            return self._file.execute("DELETE FROM hit").rowcount

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """How many there are with `amount` more, whatever the limit."""
        await self.acquire_entry(key, 2**62, expiry, amount)
        return (await self.get_moving_window(key, 0, expiry))[1]

    async def get(self, key: str) -> int:
        """How many there are that have not run out."""
        with self._lock:
            (held,) = self._file.execute(
                "SELECT count(*) FROM hit WHERE key = ? AND ends > ?", (key, time.time())
            ).fetchone()
        return int(held)

    async def get_expiry(self, key: str) -> float:
        """When the last of them runs out."""
        with self._lock:
            (ends,) = self._file.execute(
                "SELECT max(ends) FROM hit WHERE key = ?", (key,)
            ).fetchone()
        return time.time() if ends is None else float(ends)

    async def check(self) -> bool:
        """Whether the file answers."""
        return await self.get("") >= 0

    @property
    def base_exceptions(self) -> type[Exception]:
        """What its methods raise."""
        return sqlite3.Error

    def _sweep(self, now: float) -> None:
        self._counted += 1
        if self._counted % SWEEP_EVERY == 1:
            self._file.execute("DELETE FROM hit WHERE ends < ?", (now,))
