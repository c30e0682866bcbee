"""This file is where a whole headless volunteer takes part, engines and signals included."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import StringIO

import pytest
from fake_server import FakeServer, Unit, running
from rich.console import Console

from grid.volunteer import volunteer
from grid.volunteer.progress import Progress

SQUARE = '(function (inputs, params) { "use strict"; return params * params; })'
LOOP = '(function () { "use strict"; for (;;); })'


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server of its own for each test."""
    with running() as one:
        yield one


def test_two_cores_are_one_host_and_compute_what_there_is(server: FakeServer) -> None:
    units = [server.add(Unit(SQUARE, params=n)) for n in range(20)]
    assert volunteer(server.url, cores=2, once=True, token="trusted", quiet=True) == 0
    assert [int(unit.output) for unit in units] == [n * n for n in range(20)]
    assert len(server.hosts) == 1


def test_a_volunteer_may_choose_the_small_engine_and_says_which_it_is(server: FakeServer) -> None:
    unit = server.add(Unit(SQUARE, params=7))
    asked: list[str] = []
    enrol = server.enrol
    server.enrol = lambda body, token: asked.append(body["engine"]) or enrol(body, token)  # type: ignore[func-returns-value, method-assign]
    assert volunteer(server.url, 1, once=True, token=None, quiet=True, kind="quickjs") == 0
    assert unit.output == b"49"
    assert [one.split("/")[0] for one in asked] == ["quickjs"]


def test_a_program_that_never_ends_is_stopped_at_its_limit_and_reported(
    server: FakeServer,
) -> None:
    stuck = server.add(Unit(LOOP, time_limit_s=0.3))
    after = server.add(Unit(SQUARE, params=3))
    assert volunteer(server.url, cores=1, once=True, token=None, quiet=True) == 0
    assert stuck.reports[0]["message"] == "stopped at the time limit of 0.3 s"
    assert after.output == b"9"


def test_a_refused_volunteer_leaves_with_1(server: FakeServer) -> None:
    assert volunteer(server.url, cores=2, once=False, token="wrong", quiet=True) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_gives_back_the_lease_and_ends_in_order(
    server: FakeServer, number: signal.Signals
) -> None:
    unit = server.add(Unit(LOOP, time_limit_s=100))
    call = f"volunteer({server.url!r}, cores=1, once=False, token=None, quiet=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys; from grid.volunteer import *; sys.exit({call})"]
    )
    try:
        deadline = time.monotonic() + 60
        while unit.holder is None and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        os.kill(process.pid, number)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
    assert unit.holder is None
    assert server.requests[-1]["reports"][0]["outcome"] == "released"


def test_elsewhere_than_on_linux_it_says_so_and_leaves_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert volunteer("http://127.0.0.1:9", cores=1, once=True, token=None, quiet=False) == 1
    assert "this is darwin" in capsys.readouterr().err.replace("\n", " ")


def test_progress_counts_and_escapes() -> None:
    text = StringIO()
    with Progress(False, Console(file=text, width=80)) as progress:
        progress.tell("computing for [bold]x[/bold]", 0)
        progress.tell("", 1)
        progress.tell("", 1)
        progress.tell("computing for [bold]x[/bold]", 0)
    assert text.getvalue().splitlines() == [
        "computing for [bold]x[/bold]",
        "2 work units accepted",
    ]
