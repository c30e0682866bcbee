"""This file is where a machine takes part without a browser: one child engine a core."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from grid.engines.child import engine_name
from grid.engines.deno import DenoEngine
from grid.volunteer.cache import BlobCache
from grid.volunteer.client import Client
from grid.volunteer.host import Host
from grid.volunteer.progress import Progress


def volunteer(server: str, cores: int, once: bool, token: str | None, quiet: bool) -> int:
    """Take part with `cores` cores as one host until SIGTERM or SIGINT; the exit code.

    With `once` it leaves when the server has no work. `token` is a trusted-host token. 0 means that
    it left in order, 1 that something made going on pointless, such as a system that is not Linux.
    """
    leaving = threading.Event()
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(quiet))
        client = stack.enter_context(
            closing(
                Client(server, engine=engine_name(), capabilities={"cores": cores}, token=token)
            )
        )
        try:
            engines = [stack.enter_context(DenoEngine()) for _ in range(cores)]
        except OSError as error:
            progress.tell(str(error), 0)
            return 1

        def leave() -> None:
            leaving.set()
            for engine in engines:
                engine.close()

        cache = BlobCache()
        failures: list[Exception] = []

        def loop(engine: DenoEngine) -> None:
            try:
                Host(client, engine.compute, cache, leaving, progress.tell).run(once)
            except Exception as error:  # whatever it was, the others must leave too
                failures.append(error)
                leaving.set()

        threads = [threading.Thread(target=loop, args=(engine,)) for engine in engines]
        with _on_signals(leave):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for failure in failures:
            progress.tell(f"stopped: {failure}", 0)
    return 1 if failures else 0


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
