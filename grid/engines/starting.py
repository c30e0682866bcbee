"""This file is where children are started: by one thread that lasts as long as the process.

Linux ties a child's leash to the thread that started it, so a child of a pool's thread would be
killed when the pool is done with that thread.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

#: Runs before the child's own program; isolated, for it needs no more than the standard library.
LEASH = (sys.executable, "-I", "-S", str(Path(__file__).parent / "leash.py"))

_Wish = tuple[Sequence[str], Mapping[str, str], str, "Future[subprocess.Popen[bytes]]"]


class _Starter:
    """The thread; a daemon, which ends with the process and no sooner."""

    def __init__(self) -> None:
        self._wishes: queue.SimpleQueue[_Wish] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], folder: str
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._serve, name="starter", daemon=True)
                thread.start()
                self._thread = thread
        started: Future[subprocess.Popen[bytes]] = Future()
        self._wishes.put((command, environment, folder, started))
        return started.result()

    def _serve(self) -> None:
        while True:
            command, environment, folder, started = self._wishes.get()
            try:
                started.set_result(_popen(command, environment, folder))
            except BaseException as error:
                started.set_exception(error)


_starter = _Starter()


def _forget_thread() -> None:
    """A forked process has none of its parent's threads."""
    global _starter
    _starter = _Starter()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget_thread)


def start(
    command: Sequence[str], environment: Mapping[str, str], folder: str
) -> subprocess.Popen[bytes]:
    """A process in a session of its own, spoken to by pipes, that ends with this one at the latest.

    `command` begins with the path of its program; nothing but `environment` is handed down.
    """
    return _starter.start(command, environment, folder)


def _popen(
    command: Sequence[str], environment: Mapping[str, str], folder: str
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*LEASH, str(os.getpid()), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=dict(environment),
        start_new_session=True,
        bufsize=0,
    )
