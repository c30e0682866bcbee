"""This file is where one child lives: started under limits, spoken to in frames, killed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from grid.engines import starting
from grid.engines.frames import FAILED, HEAD, OUTPUT, READY

if sys.platform != "win32":  # elsewhere no child is ever started, and the rest may be imported
    import resource

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


#: A child that may not have a whole core runs and rests in turns of so many seconds together.
TURN_S = 0.1
#: However late a turn's end was noticed, the rest for it is no longer.
REST_MAX_S = 1.0


class Limits(Struct, frozen=True, kw_only=True):
    """What a child may take."""

    #: Bytes of its data segment and private mappings (RLIMIT_DATA).
    data_bytes_max: int = DATA_BYTES_MAX
    #: The share of a core it may have while it computes, 1 to 100.
    duty_percent: int = 100


class ChildLost(Exception):
    """The child ended, or spoke out of turn."""


class ChildTimeLimit(Exception):
    """The deadline passed."""


#: The folder of a child → its command and its environment.
Start = Callable[[str], tuple[Sequence[str], Mapping[str, str]]]


class Child:
    """One process, in a session and a folder of its own; it ends with this one at the latest."""

    def __init__(self, start: Start, limits: Limits = Limits()) -> None:  # noqa: B008 (frozen)
        self._duty_percent = 100  # while it starts
        #: How long it has run since it last rested.
        self._ran_s = 0.0
        self._deadline = time.monotonic() + START_LIMIT_S
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
            self._limit(resource.RLIMIT_DATA, limits.data_bytes_max)
            self._limit(resource.RLIMIT_CORE, 0)
            self._limit(resource.RLIMIT_NOFILE, FILES_MAX)
            kind, _ = self._receive(0)
            self._ran_s, self._duty_percent = 0.0, limits.duty_percent
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
        self._deadline = time.monotonic() + time_limit_s
        for part in frame:
            self._send(part)
        return self._receive(bytes_max)

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

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._wait(self._stdin.fileno(), select.POLLOUT)
            try:
                view = view[os.write(self._stdin.fileno(), view) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise ChildLost(self._epitaph()) from error

    def _receive(self, bytes_max: int) -> tuple[int, bytes]:
        kind, length = HEAD.unpack(self._read(HEAD.size))
        if kind not in (READY, OUTPUT, FAILED) or length > bytes_max:
            raise ChildLost("the engine answered out of turn")
        return kind, self._read(length)

    def _read(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            self._wait(self._stdout.fileno(), select.POLLIN)
            part = os.read(self._stdout.fileno(), min(READ_BYTES, length - len(data)))
            if not part:
                raise ChildLost(self._epitaph())
            data += part
        return bytes(data)

    def _wait(self, descriptor: int, event: int) -> None:
        """Until it is ready, while the child runs and rests in turns."""
        poll = select.poll()
        poll.register(descriptor, event)
        turn_s = TURN_S * self._duty_percent / 100
        while True:
            left_s = self._deadline - time.monotonic()
            if left_s <= 0:
                raise ChildTimeLimit
            if self._duty_percent < 100:
                left_s = min(left_s, max(turn_s - self._ran_s, 0))
            begun = time.monotonic()
            ready = poll.poll(left_s * 1000)
            self._ran_s += time.monotonic() - begun
            if ready:
                return
            if self._duty_percent < 100 and self._ran_s >= turn_s:
                self._rest()

    def _rest(self) -> None:
        """Stop it for as long as its duty asks; its deadline moves on by that."""
        rest_s = min(self._ran_s * (100 / self._duty_percent - 1), REST_MAX_S)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGSTOP)
        begun = time.monotonic()
        time.sleep(rest_s)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGCONT)
        self._deadline += time.monotonic() - begun
        self._ran_s = 0.0

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
