"""This file is where a machine takes part without a browser: one child engine a core."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from functools import partial

import msgspec

from grid.engines.asking import ChildEngine
from grid.engines.known import make
from grid.volunteer.cache import BlobCache
from grid.volunteer.client import Client
from grid.volunteer.events import Event, Said
from grid.volunteer.holding import Holding
from grid.volunteer.host import Host, Leaving
from grid.volunteer.machine import capabilities, refusal
from grid.volunteer.options import Options
from grid.volunteer.progress import Progress, Show
from grid.volunteer.state import StateError, place
from grid.volunteer.wishes import Wishes


def volunteer(options: Options, show: Show = Show.LINES) -> int:
    """Take part as one host until SIGTERM or SIGINT; the exit code.

    The first signal drains: what is being computed comes to its end, within `options.drain_s`, and
    is handed in. The second one, or `options.wishes.until`, ends everything at once. 0 means that
    it left in order, 1 that something made going on pointless, such as a system that is not Linux.
    """
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(show, options))
        refused = refusal(options.server)
        if refused is not None:
            progress.tell(Said(event=Event.STOPPED, text=refused))
            return 1
        try:
            engines = [
                stack.enter_context(make(options.engine, options.limits))
                for _ in range(options.cores)
            ]
            kept = stack.enter_context(place(options.state, options.server, options.token))
        except (OSError, StateError) as error:
            progress.tell(Said(event=Event.STOPPED, text=str(error)))
            return 1
        known = capabilities(options.cores, options.limits.data_bytes_max, engines[0].compute)
        client = Client(
            options.server,
            engine=engines[0].name,
            capabilities=known,
            token=options.token,
            place=kept,
            tell=progress.tell,
        )
        return _take_part(stack.enter_context(closing(client)), engines, options, progress)


def _take_part(
    client: Client, engines: list[ChildEngine], options: Options, progress: Progress
) -> int:
    """One thread for each engine, until all have left."""
    leaving, cache, holding = Leaving(), BlobCache(), Holding()
    failures: list[Exception] = []

    def leave() -> None:
        leaving.at_once()
        for engine in engines:
            engine.close()

    def drain() -> None:
        if leaving.soon.is_set():
            leave()
            return
        leaving.soon.set()
        text = f"finishing what is being computed, within {options.drain_s:g} s"
        progress.tell(Said(event=Event.DRAINING, text=text))
        if not over.wait(options.drain_s):
            leave()

    def loop(engine: ChildEngine, core: int) -> None:
        def tell(said: Said) -> None:
            progress.tell(msgspec.structs.replace(said, core=core))

        try:
            Host(
                client,
                engine.compute,
                cache,
                leaving,
                tell,
                partial(_now, options),
                holding,
                options.cores,
            ).run(options.once)
        except Exception as error:  # whatever it was, the others must leave too
            failures.append(error)
            leave()

    over = threading.Event()
    threads = [
        threading.Thread(target=loop, args=(engine, core))
        for core, engine in enumerate(engines, start=1)
    ]
    with _on_signals(drain), _at(options.wishes.until, leave):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        over.set()
    for failure in failures:
        progress.tell(Said(event=Event.STOPPED, text=f"stopped: {failure}"))
    return 1 if failures else 0


def _now(options: Options) -> Wishes | float:
    """What is chosen now, or the seconds for which it must rest."""
    wishes = options.wishes
    if options.hours is None:
        return wishes
    inside, changes_in_s = options.hours.moment_s(datetime.now().astimezone())
    if not inside:
        return changes_in_s
    if changes_in_s == 0:
        return wishes
    end = time.time() + changes_in_s
    until = end if wishes.until is None else min(end, wishes.until)
    return msgspec.structs.replace(wishes, until=until)


@contextmanager
def _at(moment: float | None, then: Callable[[], None]) -> Iterator[None]:
    """Calls `then` in a thread at that moment, if any."""
    if moment is None:
        yield
        return
    timer = threading.Timer(max(0.0, moment - time.time()), then)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _on_signals(then: Callable[[], None]) -> Iterator[None]:
    """Calls `then` in a thread on SIGTERM or SIGINT; signals only reach the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: object) -> None:
        threading.Thread(target=then, daemon=True).start()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
