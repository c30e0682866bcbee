"""This file is where a child is seen to live no longer than its parent, and no shorter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_jobs import body, computation

from grid.engines import starting
from grid.engines.deno import DenoEngine

#: A parent that says who its child is, and then waits for it in a thread.
PROGRAM = """
import sys, threading
sys.path.append({tests!r})
from engine_jobs import body, computation
from grid.engines.child import Child
from grid.engines.deno import DenoEngine

SPIN = "import sys\\nsys.stdout.buffer.write(bytes(5)); sys.stdout.flush()\\nwhile True: pass"

def deno():
    engine = DenoEngine()
    engine.compute(computation(body("return 1;")))
    print(engine._child._process.pid, flush=True)
    engine.compute(computation(body("for (;;) ;"), time_limit_s=600))

def python():
    child = Child(lambda folder: ([sys.executable, "-c", SPIN], {{}}))
    print(child._process.pid, flush=True)
    child.exchange([], 600, 1)

threading.Thread(target={kind}).start()
"""
GONE_WITHIN_S = 5


def is_running(pid: int) -> bool:
    """Whether such a process exists and is no corpse that nobody has buried."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


@pytest.fixture
def doomed(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process whose child runs an endless program, and that child's id."""
    program = PROGRAM.format(tests=str(Path(__file__).parent), kind=request.param)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            yield parent, child
        finally:
            parent.kill()
            if is_running(child):
                os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("doomed", ["deno", "python"], indirect=True)
def test_an_endless_program_ends_with_a_parent_that_is_killed(
    doomed: tuple[subprocess.Popen[str], int],
) -> None:
    parent, child = doomed
    assert is_running(child)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + GONE_WITHIN_S
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


def test_a_child_outlives_the_thread_that_asked_for_it() -> None:
    with DenoEngine() as engine:
        asking = threading.Thread(
            target=engine.compute, args=(computation(body("return 1;")),), daemon=True
        )
        asking.start()
        asking.join()
        assert engine._child is not None
        started = engine._child._process.pid
        assert engine.compute(computation(body("return 2;"))) == b"2"
        assert engine._child._process.pid == started


def test_a_child_of_a_parent_that_is_gone_already_does_not_begin() -> None:
    said = subprocess.run(
        [*starting.LEASH, "1", sys.executable, "-c", "print('it runs')"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == ""
