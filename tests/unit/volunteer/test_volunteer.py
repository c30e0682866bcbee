"""This file is where a whole headless volunteer takes part, engines and signals included."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO

import pytest
from fake_server import FakeServer, Unit, running
from headless import part
from rich.console import Console

from grid.engines.child import Limits
from grid.volunteer import volunteer
from grid.volunteer.events import Event, Said
from grid.volunteer.options import Options
from grid.volunteer.progress import Progress, Show

SQUARE = '(function (inputs, params) { "use strict"; return params * params; })'
SLOW = """(function (inputs, params) {
  "use strict";
  let x = 1;
  for (let i = 0; i < params; i += 1) x = (x * 16807) % 2147483647;
  return x;
})"""
#: The command as Windows would begin it: without what only Unix has.
ON_WINDOWS = """
import asyncio, multiprocessing, os, signal, socket, subprocess, sys, tempfile, threading
import apscheduler.schedulers.background, cryptography, httpx, litestar, msgspec, nacl.bindings
import obstore, pyarrow, rich.console, sqlalchemy, sqlmodel, typer, uvicorn
sys.platform = "win32"
for name in ("resource", "fcntl", "uvloop"):
    sys.modules[name] = None
del os.register_at_fork
from web.main import main
main()
"""
OPTIONS = Options(server="http://grid.example", cores=2, limits=Limits(duty_percent=50))
LOOP = '(function () { "use strict"; for (;;); })'


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server of its own for each test."""
    with running() as one:
        yield one


def test_two_cores_are_one_host_and_compute_what_there_is(server: FakeServer) -> None:
    units = [server.add(Unit(SQUARE, params=n)) for n in range(20)]
    assert part(server, cores=2, token="trusted") == 0
    assert [int(unit.output) for unit in units] == [n * n for n in range(20)]
    assert len(server.hosts) == 1


def test_a_volunteer_may_choose_the_small_engine_and_says_which_it_is(server: FakeServer) -> None:
    unit = server.add(Unit(SQUARE, params=7))
    asked: list[str] = []
    enrol = server.enrol
    server.enrol = lambda body, token: asked.append(body["engine"]) or enrol(body, token)  # type: ignore[func-returns-value, method-assign]
    assert part(server, engine="quickjs") == 0
    assert unit.output == b"49"
    assert [one.split("/")[0] for one in asked] == ["quickjs"]


def test_a_program_that_never_ends_is_stopped_at_its_limit_and_reported(
    server: FakeServer,
) -> None:
    stuck = server.add(Unit(LOOP, time_limit_s=0.3))
    after = server.add(Unit(SQUARE, params=3))
    assert part(server) == 0
    assert stuck.reports[0]["message"] == "stopped at the time limit of 0.3 s"
    assert after.output == b"9"


def test_a_refused_volunteer_leaves_with_1(server: FakeServer) -> None:
    assert part(server, cores=2, once=False, token="wrong") == 1


@contextmanager
def started(server: FakeServer, drain_s: float) -> Iterator[subprocess.Popen[bytes]]:
    """A volunteer in a process of its own that computes something by now."""
    code = (
        "import sys; from grid.volunteer import *; from grid.volunteer.progress import Show; "
        f"sys.exit(volunteer(Options(server={server.url!r}, drain_s={drain_s}), Show.NOTHING))"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        deadline = time.monotonic() + 60
        while all(unit.holder is None for unit in server.units) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_what_is_computed_come_to_its_end_and_takes_no_more(
    server: FakeServer, number: signal.Signals
) -> None:
    begun = server.add(Unit(SLOW, params=80_000_000, time_limit_s=100))
    more = server.add(Unit(SQUARE, params=3))
    with started(server, drain_s=60) as process:
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
    assert begun.reports[0]["outcome"] == "success"
    assert (more.holder, more.reports) == (None, [])


def test_what_does_not_end_while_it_drains_is_given_back(server: FakeServer) -> None:
    unit = server.add(Unit(LOOP, time_limit_s=100))
    with started(server, drain_s=0.5) as process:
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert unit.holder is None
    assert server.requests[-1]["reports"][0]["outcome"] == "released"


def test_a_second_signal_waits_for_nothing(server: FakeServer) -> None:
    unit = server.add(Unit(LOOP, time_limit_s=100))
    with started(server, drain_s=1000) as process:
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    assert unit.holder is None


REFUSED = """\
grid volunteer needs Linux's process limits, and this is {}. \
Open http://g.example/volunteer in a browser, or run it in a container:
  docker run --rm -it --stop-timeout 10 python:3.13-slim sh -c \
'pip install grid-compute && exec grid volunteer --server http://g.example'
0 work units accepted
"""


def test_on_windows_the_command_begins_and_names_the_container_line() -> None:
    command = [sys.executable, "-c", ON_WINDOWS, "volunteer", "--server", "http://g.example"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stderr) == (1, REFUSED.format("Windows"))


def test_on_macos_it_says_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert volunteer(Options(server="http://g.example", once=True)) == 1
    assert capsys.readouterr().err == REFUSED.format("macOS")


def done(outcome: str = "success", accepted: bool = True, text: str = "") -> Said:
    return Said(event=Event.REPORTED, outcome=outcome, accepted=accepted, text=text)


HAPPENED = [
    Said(event=Event.ENROLLED, host="host_a"),
    Said(event=Event.COMPUTING, core=1, text="computing for [bold]x[/bold]"),
    done(),
    done(),
    done("error"),
    done("released"),
    done(accepted=False, text="a report was refused: too_late"),
    Said(event=Event.COMPUTING, core=2, text="computing for y"),
]


def test_progress_is_a_line_for_each_change_where_there_is_no_terminal() -> None:
    text = StringIO()
    with Progress(Show.LINES, OPTIONS, Console(file=text, width=80)) as progress:
        for said in HAPPENED:
            progress.tell(said)
        progress.tell(HAPPENED[-1])
    assert text.getvalue().splitlines() == [
        "computing for [bold]x[/bold]",
        "a report was refused: too_late",
        "computing for y",
        "2 work units accepted",
    ]


def test_progress_on_a_terminal_shows_each_core_and_what_came_of_it() -> None:
    text = StringIO()
    console = Console(file=text, width=100, force_terminal=True, legacy_windows=False)
    with Progress(Show.LINES, OPTIONS, console) as progress:
        for said in HAPPENED:
            progress.tell(said)
        assert progress._live is not None
        progress._live.refresh()
    shown = text.getvalue()
    for words in (
        "http://grid.example · host_a · deno · 50 % of each core",
        "computing for [bold]x[/bold]", "computing for y", "core 1", "core 2",
        "2 accepted", "1 failed", "1 refused", "2 work units accepted",
    ):  # fmt: skip
        assert words in shown, words


def test_programs_read_a_json_object_a_line(server: FakeServer) -> None:
    server.add(Unit(SQUARE, params=3))
    server.add(Unit("(function () { throw new Error('no'); })"))
    out = StringIO()
    with redirect_stdout(out):
        assert volunteer(Options(server=server.url, once=True), Show.JSON) == 0
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [one["event"] for one in lines] == [
        "enrolled",
        *("computing", "computed", "reported") * 2,
        "waiting",
        "left",
    ]
    assert all(one["time"] > 1_700_000_000 for one in lines)
    assert lines[1]["job_type"] == "SUM" and lines[1]["core"] == 1
    assert lines[3]["accepted"] is True and lines[3]["outcome"] == "success"
    assert lines[5]["outcome"] == "error" and "no" in lines[5]["text"]
    assert lines[-1]["total"] == 1
