"""This file is where one child lives: started under limits, spoken to in frames, killed."""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from grid.engines import starting
from grid.engines.frames import FAILED, HEAD, OUTPUT, READY

#: V8 aborts below 1 GiB; its heap limit does not count typed arrays, this does.
DATA_BYTES_MAX = 2 << 30

#: Deno opens a few dozen files at its start.
FILES_MAX = 256

#: A cold, busy machine starts a child within this; 0.1 s is usual.
START_LIMIT_S = 60.0

#: V8 compiles and collects garbage on further threads, whose time counts as well.
CPU_PER_WALL = 4
CPU_SPARE_S = 20

#: Between closing its pipe and being gone; V8 writes a trace when it is out of memory.
END_LIMIT_S = 5.0

READ_BYTES = 1 << 16


class ChildLost(Exception):
    """The child ended, or spoke out of turn."""


class ChildTimeLimit(Exception):
    """The deadline passed."""


#: The folder of a child → its command and its environment.
Start = Callable[[str], tuple[Sequence[str], Mapping[str, str]]]


class Child:
    """One process, in a session and a folder of its own; it ends with this one at the latest."""

    def __init__(self, start: Start) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="grid-child-")
        try:
            command, environment = start(self._folder.name)
            self._process = starting.start(command, environment, self._folder.name)
        except BaseException:
            self._folder.cleanup()
            raise
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdin.fileno(), False)
        try:
            self._limit(resource.RLIMIT_DATA, DATA_BYTES_MAX)
            self._limit(resource.RLIMIT_CORE, 0)
            self._limit(resource.RLIMIT_NOFILE, FILES_MAX)
            kind, _ = self._receive(time.monotonic() + START_LIMIT_S, 0)
            if kind != READY:
                raise ChildLost("the engine did not start")
        except BaseException:
            self.end()
            raise

    def exchange(
        self, frame: list[bytes], time_limit_s: float, bytes_max: int
    ) -> tuple[int, bytes]:
        """Send the parts of one frame, receive one of at most `bytes_max` bytes.

        Raises ChildTimeLimit or ChildLost, and is of no further use then.
        """
        # Whatever becomes of deadlines and leash, it ends: by its CPU limit.
        budget_s = self._cpu_s() + CPU_PER_WALL * time_limit_s + CPU_SPARE_S
        self._limit(resource.RLIMIT_CPU, int(budget_s))
        deadline = time.monotonic() + time_limit_s
        for part in frame:
            self._send(part, deadline)
        return self._receive(deadline, bytes_max)

    def end(self) -> None:
        """Kill it with everything it may have started; from any thread, any number of times."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def clear(self) -> None:
        """End it and leave nothing behind; only from the thread that speaks with it."""
        self.end()
        self._process.wait()
        self._stdin.close()
        self._stdout.close()
        self._folder.cleanup()

    def _limit(self, kind: int, most: int) -> None:
        try:
            _, hard = resource.prlimit(self._process.pid, kind)
            if hard != resource.RLIM_INFINITY:
                most = min(most, hard)
            # The CPU limit moves on with every computation, so only its soft end is set.
            resource.prlimit(
                self._process.pid, kind, (most, hard if kind == resource.RLIMIT_CPU else most)
            )
        except ProcessLookupError as error:
            raise ChildLost(self._epitaph()) from error

    def _cpu_s(self) -> float:
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        except OSError as error:
            raise ChildLost(self._epitaph()) from error
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _send(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            self._wait(self._stdin.fileno(), select.POLLOUT, deadline)
            try:
                view = view[os.write(self._stdin.fileno(), view) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise ChildLost(self._epitaph()) from error

    def _receive(self, deadline: float, bytes_max: int) -> tuple[int, bytes]:
        kind, length = HEAD.unpack(self._read(HEAD.size, deadline))
        if kind not in (READY, OUTPUT, FAILED) or length > bytes_max:
            raise ChildLost("the engine answered out of turn")
        return kind, self._read(length, deadline)

    def _read(self, length: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < length:
            self._wait(self._stdout.fileno(), select.POLLIN, deadline)
            part = os.read(self._stdout.fileno(), min(READ_BYTES, length - len(data)))
            if not part:
                raise ChildLost(self._epitaph())
            data += part
        return bytes(data)

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not poll.poll(left_s * 1000):
            raise ChildTimeLimit

    def _epitaph(self) -> str:
        try:
            code = self._process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.end()
            code = self._process.wait()
        if code >= 0:
            return f"the engine ended with code {code}"
        name = signal.Signals(-code).name
        if -code in (signal.SIGTRAP, signal.SIGABRT, signal.SIGILL, signal.SIGSEGV):
            return f"the engine ended by {name}: most likely out of memory"
        return f"the engine ended by {name}"
