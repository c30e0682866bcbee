"""This file is where a machine takes part without a browser: one child engine a core."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from grid.engines.asking import ChildEngine
from grid.engines.known import make
from grid.volunteer.cache import BlobCache
from grid.volunteer.client import Client
from grid.volunteer.holding import Holding
from grid.volunteer.host import Host
from grid.volunteer.machine import capabilities
from grid.volunteer.progress import Progress
from grid.volunteer.wishes import Wishes


def volunteer(
    server: str,
    cores: int,
    once: bool,
    token: str | None,
    quiet: bool,
    wishes: Wishes = Wishes(),  # noqa: B008 (frozen)
    kind: str = "deno",
) -> int:
    """Take part with `cores` cores as one host until SIGTERM or SIGINT; the exit code.

    With `once` it leaves when the server has no work, and at `wishes.until` in any case. `token`
    is a trusted-host token, `kind` one of `grid.engines.known`. 0 means that it left in order, 1
    that something made going on pointless, such as a system that is not Linux.
    """
    leaving = threading.Event()
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(quiet))
        try:
            engines = [stack.enter_context(make(kind)) for _ in range(cores)]
        except OSError as error:
            progress.tell(str(error), 0)
            return 1
        known = capabilities(cores, engines[0].compute)
        client = stack.enter_context(
            closing(Client(server, engine=engines[0].name, capabilities=known, token=token))
        )

        def leave() -> None:
            leaving.set()
            for engine in engines:
                engine.close()

        cache, holding = BlobCache(), Holding()
        failures: list[Exception] = []

        def loop(engine: ChildEngine) -> None:
            try:
                Host(
                    client, engine.compute, cache, leaving, progress.tell, wishes, holding, cores
                ).run(once)
            except Exception as error:  # whatever it was, the others must leave too
                failures.append(error)
                leaving.set()

        threads = [threading.Thread(target=loop, args=(engine,)) for engine in engines]
        with _on_signals(leave), _at(wishes.until, leave):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for failure in failures:
            progress.tell(f"stopped: {failure}", 0)
    return 1 if failures else 0


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
