"""This file is where the demonstration starts programs, keeps what they print, and ends them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

#: How long a process may take to leave by itself; a server answers what is in flight first.
LEAVE_S = 10
#: What is shown of the log of a process that failed.
TAIL_LINES = 25


class Failed(Exception):
    """Something of the demonstration did not work; `log` is where to look."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


class Processes:
    """Programs that run beside the demonstration and end with it, the last started first."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        logs.mkdir(parents=True, exist_ok=True)

    def log(self, name: str) -> Path:
        """Where the program of that name writes."""
        return self._logs / f"{name}.log"

    def start(self, name: str, command: Sequence[str]) -> None:
        """Run `command` in the background, out of reach of this terminal's Ctrl-C."""
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        self._running.append((name, process))

    def run(self, name: str, command: Sequence[str]) -> None:
        """Run `command` to its end. Raises Failed unless it ends well."""
        with self.log(name).open("wb") as log:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                check=False,
            )
        if done.returncode:
            raise Failed(f"{name} ended with {done.returncode}", self.log(name))

    def said(self, name: str, command: Sequence[str]) -> str:
        """What `command` prints, for the caller alone: it may be a secret. Raises as `run` does."""
        with self.log(name).open("wb") as log:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
                check=False,
            )
        if done.returncode:
            raise Failed(f"{name} ended with {done.returncode}", self.log(name))
        return done.stdout.decode()

    def check(self) -> None:
        """Raise Failed when one of the programs is no longer there."""
        for name, process in self._running:
            if process.poll() is not None:
                raise Failed(f"{name} ended with {process.returncode}", self.log(name))

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for _, process in reversed(self._running):
            process.terminate()
        deadline = time.monotonic() + LEAVE_S
        for _, process in reversed(self._running):
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def tail(log: Path) -> str:
    """The last lines of a log."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
