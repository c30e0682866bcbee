"""This file is where requests queue and one thread commits them together (group commit).

Whoever submits gets a future that is resolved after the commit: what is answered is durable. One
item that fails is redone alone and fails alone.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine

from grid.db.transaction import Transaction
from grid.db.work import WorkAnswer, WorkRequest

T = TypeVar("T")
#: Any other writing function.
Command = Callable[[Transaction], Any]
#: Does a batch of requests in one transaction.
Exchange = Callable[[Transaction, Sequence[WorkRequest]], list[WorkAnswer]]

#: Items taken into one transaction: beyond this, a longer batch saves no further fsync worth
#: the wait of its first item.
BATCH_MAX = 256


class Closed(Exception):
    """The writer has stopped; nothing was done."""


class _Item(Generic[T]):
    def __init__(self, what: WorkRequest | Command) -> None:
        self.what = what
        self.future: Future[Any] = Future()
        self.value: Any = None


class Writer:
    """The one thread that writes."""

    def __init__(
        self,
        engine: Engine,
        exchange: Exchange,
        clock: Callable[[], int],
        after_commit: Callable[[set[int]], None],
    ) -> None:
        self._engine, self._exchange, self._clock = engine, exchange, clock
        self._after_commit = after_commit
        self._queue: queue.SimpleQueue[_Item[Any] | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="grid-writer", daemon=True)
        self._thread.start()

    def submit(self, what: WorkRequest | Command) -> Future[Any]:
        """Queue an item; the future holds its value after the commit, or its exception."""
        item: _Item[Any] = _Item(what)
        if self._closed.is_set():
            item.future.set_exception(Closed("the server is stopping"))
        else:
            self._queue.put(item)
        return item.future

    def close(self) -> None:
        """Finish what has queued, then stop."""
        self._closed.set()
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            batch, going = self._next_batch()
            wanted = [item for item in batch if item.future.set_running_or_notify_cancel()]
            if wanted:
                self._commit(wanted)
        while not self._queue.empty():
            late = self._queue.get()
            if late is not None:
                late.future.set_exception(Closed("the server is stopping"))

    def _next_batch(self) -> tuple[list[_Item[Any]], bool]:
        batch: list[_Item[Any]] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) == BATCH_MAX or self._queue.empty():
                return batch, True
            item = self._queue.get()
        return batch, False

    def _commit(self, batch: list[_Item[Any]]) -> None:
        try:
            touched = self._together(batch)
        except Exception as error:
            if len(batch) == 1:
                batch[0].future.set_exception(error)
                return
            for item in batch:  # the whole transaction is rolled back: each one alone
                self._commit([item])
            return
        for item in batch:
            item.future.set_result(item.value)
        if touched:
            self._after_commit(touched)

    def _together(self, batch: list[_Item[Any]]) -> set[int]:
        with self._engine.begin() as connection:
            transaction = Transaction(connection, self._clock())
            requests: list[WorkRequest] = []
            for item in batch:
                if isinstance(item.what, WorkRequest):
                    requests.append(item.what)
                else:
                    item.value = item.what(transaction)
            answers = iter(self._exchange(transaction, requests) if requests else ())
            for item in batch:
                if isinstance(item.what, WorkRequest):
                    item.value = next(answers)
        return transaction.touched
