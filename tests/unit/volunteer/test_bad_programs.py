"""This file is where a headless volunteer outlives what a program does to its child."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_server import FakeServer, Unit, running
from headless import part

from grid.engines.child import Limits
from grid.engines.known import KNOWN, LEAST_BYTES

SQUARE = '(function (inputs, params) { "use strict"; return params * params; })'
LOOP = '(function () { "use strict"; for (;;); })'
REDOS = """(function () { "use strict"; return /^(a|a?)+$/.test("a".repeat(60) + "b") ? 1 : 0; })"""
BOMB = """(function () {
  "use strict"; const kept = [];
  for (;;) kept.push(new Float64Array(1 << 20).fill(1));
})"""
STRINGS = '(function () { "use strict"; let s = "x"; for (;;) s += s + s.length; })'
DEEP = '(function () { "use strict"; const f = (n) => f(n + 1) + 1; return f(0); })'
THROWS = '(function () { "use strict"; throw { toString() { for (;;); } }; })'
LARGE = '(function () { "use strict"; return "x".repeat(1 << 22); })'
from_here = 0
LIMIT = "stopped at the time limit of 0.5 s"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server of its own for each test."""
    with running() as one:
        yield one


@pytest.mark.parametrize("engine", KNOWN)
def test_whatever_a_program_does_is_reported_and_the_volunteer_goes_on(
    server: FakeServer, engine: str
) -> None:
    wanted = {
        LOOP: LIMIT,
        REDOS: LIMIT,
        BOMB: "memory|allocation",
        STRINGS: "memory|length|long|allocation",
        DEEP: "stack",
        THROWS: LIMIT,
        LARGE: "bytes|large|long",
    }
    units = []
    for number, program in enumerate(wanted):
        time_limit_s = 0.5 if wanted[program] == LIMIT else 60
        units.append(server.add(Unit(program, time_limit_s=time_limit_s)))
        units.append(server.add(Unit(SQUARE, params=number)))
    assert part(server, engine=engine, limits=Limits(data_bytes_max=LEAST_BYTES[engine])) == 0
    for (program, words), failed in zip(wanted.items(), units[::2], strict=True):
        (report,) = failed.reports
        assert report["outcome"] == "error", program
        assert any(word in report["message"] for word in words.split("|")), (program, report)
    assert [one.output for one in units[1::2]] == [b"%d" % (n * n) for n in range(len(wanted))]
    assert len(server.hosts) == 1


def test_a_child_that_is_killed_is_replaced_and_its_work_reported(server: FakeServer) -> None:
    lost = server.add(Unit(LOOP, time_limit_s=60))
    after = server.add(Unit(SQUARE, params=3))

    def kill() -> None:
        deadline = time.monotonic() + 60
        while lost.holder is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        for child in Path("/proc/self/task").glob("*/children"):
            for pid in child.read_text().split():
                if "runtime-deno" in Path(f"/proc/{pid}/cmdline").read_text():
                    os.kill(int(pid), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert part(server) == 0
    killer.join()
    assert lost.reports[0]["message"] == "the engine ended by SIGKILL"
    assert after.output == b"9"
