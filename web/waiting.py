"""This file is where idle hosts are kept waiting a moment, so that new work finds them at once."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from litestar.types import Receive

from grid.db import asking
from grid.db.store import Store

#: Hosts that are told of new work at a time: each of them asks the writer once more.
TOLD_MAX = 64
#: How often it is looked whether there is anything: every commit may have brought some.
LOOK_INTERVAL_S = 0.05


class Waiting:
    """The hosts that wait in one server process; they cost no transaction meanwhile."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looking = False
        self._stop = store.listen(self._heard)
        self._closed = False

    def close(self) -> None:
        """Hear of nothing any more, and let nobody wait."""
        if not self._closed:
            self._closed = True
            self._stop()
        for told in self._waiting:
            told.cancel()

    async def for_work(self, limit_s: float, receive: Receive) -> bool:
        """Wait until something waits to be sent; False when nothing did, or the host has left."""
        if self._closed:
            return False
        self._loop = asyncio.get_running_loop()
        told: asyncio.Future[bool] = self._loop.create_future()
        self._waiting.append(told)
        left = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((told, left), timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            return told.done() and not told.cancelled() and not left.done()
        finally:
            told.cancel()
            left.cancel()
            with suppress(ValueError):
                self._waiting.remove(told)

    def _heard(self, _jobs: set[int]) -> None:
        """Something was committed; called in the writer's thread."""
        if self._waiting and not self._looking and self._loop is not None:
            self._looking = True
            with suppress(RuntimeError):  # a loop that has closed waits for nothing
                self._loop.call_soon_threadsafe(self._look_soon)

    def _look_soon(self) -> None:
        assert self._loop is not None, "somebody waits"
        self._loop.call_later(LOOK_INTERVAL_S, self._look)

    def _look(self) -> None:
        self._looking = False
        if not self._waiting:
            return
        with self._store.read() as connection:
            count = asking.ready_count(connection, TOLD_MAX, self._store.now())
        while count and self._waiting:
            told = self._waiting.popleft()
            if not told.done():
                told.set_result(True)
                count -= 1
