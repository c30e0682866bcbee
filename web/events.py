"""This file is where changes reach whoever watches: server-sent events, one reader a subject.

However many watch a job, its view is read once a change, and at most every `PERIOD_S`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import structlog

from grid.db import listings, queries
from grid.db.store import Store
from grid.items import Json
from web import public_view
from web.presence import Presence
from web.public_view import Names

log = structlog.get_logger("web.events")

#: Shortest time between two events of one stream; a page cannot show more.
PERIOD_S = 0.25
#: The server's own view changes with time, too.
SERVER_PERIOD_S = 1.0
#: A comment goes out after so much silence, so that proxies keep the connection.
HEARTBEAT_S = 15.0
#: Open streams of one process: each holds a connection and little else.
STREAMS_MAX = 1_000

HEARTBEAT = b": still here\n\n"

#: A job's id, or None for the whole server.
Subject = int | None


class _Channel:
    """One subject's latest event, and who waits for the next."""

    def __init__(self) -> None:
        self.frame = b""
        self.number = 0
        self.final = False
        self.watchers = 0
        self.dirty = asyncio.Event()
        self.changed = asyncio.Event()
        self.dirty.set()

    def publish(self, frame: bytes, final: bool) -> None:
        if frame != self.frame:
            self.frame, self.final = frame, final
            self.number += 1
            self.wake()

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Broadcaster:
    """Every open stream of one process; lives in its event loop."""

    def __init__(self, store: Store, names: Names, presence: Presence) -> None:
        self._store, self._names, self._presence = store, names, presence
        self._channels: dict[Subject, _Channel] = {}
        self._readers: dict[Subject, asyncio.Task[None]] = {}
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether no further stream is taken."""
        return self._closed or self.streams >= STREAMS_MAX

    @property
    def streams(self) -> int:
        """How many are open."""
        return sum(channel.watchers for channel in self._channels.values())

    def start(self) -> None:
        """Hear of every commit from now on; called in the event loop."""
        loop = asyncio.get_running_loop()

        def pass_on(jobs: set[int]) -> None:
            loop.call_soon_threadsafe(self._touch, jobs)

        self._unlisten = self._store.listen(pass_on)

    def close(self) -> None:
        """End every stream."""
        if not self._closed:
            self._closed = True
            self._unlisten()
            for channel in self._channels.values():
                channel.wake()

    async def stream(self, subject: Subject) -> AsyncIterator[bytes]:
        """The subject's events, the current one first; ends when nothing will change any more."""
        channel = self._watch(subject)
        try:
            seen = 0
            while not self._closed:
                changed = channel.changed
                if channel.number != seen:
                    seen = channel.number
                    yield channel.frame
                    if channel.final:
                        return
                    continue
                try:
                    await asyncio.wait_for(changed.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield HEARTBEAT
        finally:
            self._leave(subject, channel)

    def _watch(self, subject: Subject) -> _Channel:
        channel = self._channels.get(subject)
        if channel is None:
            channel = self._channels[subject] = _Channel()
            self._readers[subject] = asyncio.create_task(self._follow(subject, channel))
        channel.watchers += 1
        return channel

    def _leave(self, subject: Subject, channel: _Channel) -> None:
        channel.watchers -= 1
        if channel.watchers == 0:
            del self._channels[subject]
            self._readers.pop(subject).cancel()

    def _touch(self, jobs: set[int]) -> None:
        for subject in (*jobs, None):
            channel = self._channels.get(subject)
            if channel is not None:
                channel.dirty.set()

    async def _follow(self, subject: Subject, channel: _Channel) -> None:
        while not channel.final:
            if subject is None:
                await asyncio.sleep(SERVER_PERIOD_S if channel.number else 0)
            else:
                await channel.dirty.wait()
            channel.dirty.clear()
            try:
                frame, final = await asyncio.to_thread(self._frame, subject)
                channel.publish(frame, final)
            except Exception:
                log.exception("an event could not be made", subject=subject)
                channel.dirty.set()
            await asyncio.sleep(PERIOD_S)

    def _frame(self, subject: Subject) -> tuple[bytes, bool]:
        now = self._store.now()
        with self._store.read() as connection:
            if subject is None:
                totals = listings.totals(connection)
                view = public_view.server(totals, self._presence.live(now))
                return _event("server", view), False
            facts = queries.job(connection, subject)
            counts = listings.counts(connection, [subject])[subject]
        assert facts is not None, "jobs stay"
        view = public_view.job_event(facts, counts, self._names, now)
        return _event("job", view), public_view.at_rest(facts, now)


def _event(name: str, view: Json) -> bytes:
    return f"event: {name}\ndata: ".encode() + msgspec.json.encode(view) + b"\n\n"
