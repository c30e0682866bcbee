"""This file is where requests queue and one thread commits them together (group commit).

Whoever submits gets a future that is resolved after the commit: what is answered is durable. A
command that fails is undone alone. When the exchange with hosts fails, each item is redone alone.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import structlog
from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import Connection, Engine

from grid.db import locks
from grid.db.transaction import Entropy, Transaction
from grid.db.work import WorkAnswer, WorkRequest

log = structlog.get_logger("grid.db")

#: Any other writing function.
Command = Callable[[Transaction], Any]
#: Does a batch of requests in one transaction.
Exchange = Callable[[Transaction, Sequence[WorkRequest]], list[WorkAnswer]]

#: Items taken into one transaction: beyond this, a longer batch saves no further fsync worth
#: the wait of its first item.
BATCH_MAX = 256
#: A batch waits this long for hosts that were answered just now and will be back: a commit costs
#: about as much, whoever it holds.
GATHER_S = 0.002
GATHER_STEP_S = 0.0005


#: Bounds of the counts of how long exchanges took, around the 20 and 50 ms that they may.
WAITS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Figures(Struct):
    """What the writer has done since it started."""

    commits: int = 0
    failures: int = 0
    items: int = 0
    #: Seconds in transactions.
    busy_s: float = 0.0
    #: Items in line now.
    waiting: int = 0
    #: Reports by what became of them: `accepted`, or why not.
    reports: dict[str, int] = {}
    #: Results given to hosts.
    assigned: int = 0

    #: How many exchanges took up to each of `WAITS_S`, and longer; and how long all took.
    waits: list[int] = field(default_factory=lambda: [0] * (len(WAITS_S) + 1))
    waited_s: float = 0.0

    def count(self, answer: WorkAnswer, took_s: float) -> None:
        """Count what one host was answered, so long after it stood in line."""
        self.waits[bisect_left(WAITS_S, took_s)] += 1
        self.waited_s += took_s
        for judged in answer.judged:
            said = "accepted" if judged.accepted else str(judged.reason)
            self.reports[said] = self.reports.get(said, 0) + 1
        self.assigned += len(answer.assigned)


class Closed(Exception):
    """The writer has stopped; nothing was done."""


class _Item:
    """What somebody waits for, and the future it goes to: a thread's, or an event loop's."""

    def __init__(self, what: WorkRequest | Command, future: Future[Any] | asyncio.Future[Any]):
        self.what, self.future = what, future
        self.since = time.monotonic()
        self.value: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Give the value or error to the future; in the thread that the future belongs to."""
        if self.future.done():  # whoever waited has given up
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)


class Writer:
    """The one thread that writes."""

    def __init__(
        self,
        engine: Engine,
        exchange: Exchange,
        clock: Callable[[], int],
        entropy: Entropy,
        after_commit: Callable[[set[int]], None],
    ) -> None:
        self._engine, self._exchange = engine, exchange
        self._connection: Connection | None = None
        self._clock, self._entropy = clock, entropy
        self._after_commit = after_commit
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        #: Items that wait for an answer, and the most that did during the last two batches.
        self._open, self._peaks = 0, (0, 0)
        self._figures = Figures()
        self._thread = threading.Thread(target=self._run, name="grid-writer", daemon=True)
        self._thread.start()

    def submit(self, what: WorkRequest | Command) -> Future[Any]:
        """Queue an item; the future holds its value after the commit, or its exception."""
        future: Future[Any] = Future()
        self._put(_Item(what, future))
        return future

    def submit_async(self, what: WorkRequest | Command) -> asyncio.Future[Any]:
        """The same for the event loop that is running here."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._put(_Item(what, future))
        return future

    def figures(self) -> Figures:
        """What it has done so far."""
        mine = self._figures
        now = replace(mine, reports=dict(mine.reports), waits=list(mine.waits))
        now.waiting = self._open
        return now

    def close(self) -> None:
        """Finish what has queued, then stop."""
        with self._lock:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _put(self, item: _Item) -> None:
        with self._lock:
            if not self._closed:
                self._open += 1
                self._peaks = self._peaks[0], max(self._peaks[1], self._open)
                self._queue.put(item)
                return
        item.error = Closed("the server is stopping")
        item.settle()

    def _run(self) -> None:
        going = True
        while going:
            batch, going = self._next_batch()
            if batch:
                self._commit(batch)
                with self._lock:
                    self._open -= len(batch)
                _deliver(batch)
        if self._connection is not None:
            self._connection.close()

    def _next_batch(self) -> tuple[list[_Item], bool]:
        batch: list[_Item] = []
        item = self._queue.get()
        self._gather()
        while item is not None:
            batch.append(item)
            if len(batch) == BATCH_MAX or self._queue.empty():
                return batch, True
            item = self._queue.get()
        return batch, False

    def _gather(self) -> None:
        """Wait a moment while fewer have queued than were waiting at once a moment ago."""
        with self._lock:
            expected = max(self._peaks) - 1
            self._peaks = self._peaks[1], self._open
        waited = 0.0
        while self._queue.qsize() < expected and waited < GATHER_S:
            time.sleep(GATHER_STEP_S)
            waited += GATHER_STEP_S

    def _commit(self, batch: list[_Item]) -> None:
        began = time.monotonic()
        try:
            touched = self._together(batch)
        except Exception as error:
            self._figures.failures += 1
            if len(batch) == 1:
                batch[0].error = error
                return
            for item in batch:  # the whole transaction is rolled back: each one alone
                self._commit([item])
            return
        self._count(batch, time.monotonic() - began)
        if touched:
            try:
                self._after_commit(touched)
            except Exception:  # a listener's trouble is not the writer's
                log.exception("a listener failed")

    def _count(self, batch: list[_Item], took_s: float) -> None:
        self._figures.commits += 1
        self._figures.items += len(batch)
        self._figures.busy_s += took_s
        now = time.monotonic()
        for item in batch:
            if isinstance(item.value, WorkAnswer):
                self._figures.count(item.value, now - item.since)

    def _together(self, batch: list[_Item]) -> set[int]:
        if self._connection is None:
            self._connection = self._engine.connect()
        try:
            with self._connection.begin():
                return self._do(batch, self._connection)
        except BaseException:
            # Whatever is left of the transaction ends with it.
            failed, self._connection = self._connection, None
            failed.close()
            raise

    def _do(self, batch: list[_Item], connection: Connection) -> set[int]:
        locks.one_writer(connection)
        transaction = Transaction(connection, self._clock(), self._entropy)
        requests: list[WorkRequest] = []
        for item in batch:
            item.error = None
            if isinstance(item.what, WorkRequest):
                requests.append(item.what)
            else:
                _run_alone(item, item.what, transaction)
        answers = iter(self._exchange(transaction, requests) if requests else ())
        for item in batch:
            if isinstance(item.what, WorkRequest):
                item.value = next(answers)
        return transaction.touched


def _run_alone(item: _Item, command: Command, transaction: Transaction) -> None:
    """Run a command so that its failure is undone and its own, and the batch goes on."""
    try:
        with transaction.connection.begin_nested():
            item.value = command(transaction)
    except Exception as error:
        item.error = error


def _deliver(batch: list[_Item]) -> None:
    """Settle every item; one wake-up for each event loop, however many of its items there are."""
    waiting: dict[asyncio.AbstractEventLoop, list[_Item]] = {}
    for item in batch:
        if isinstance(item.future, Future):
            item.settle()
        else:
            waiting.setdefault(item.future.get_loop(), []).append(item)
    for loop, items in waiting.items():
        with suppress(RuntimeError):  # a loop that has closed waits for nothing
            loop.call_soon_threadsafe(_settle, items)


def _settle(items: list[_Item]) -> None:
    for item in items:
        item.settle()
