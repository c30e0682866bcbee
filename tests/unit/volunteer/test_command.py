"""This file is where the command's options become what is chosen, or are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from grid.cli import app
from grid.engines.child import Limits
from grid.volunteer import command
from grid.volunteer.hours import Hours
from grid.volunteer.options import Options
from grid.volunteer.progress import Show
from grid.volunteer.wishes import Wishes

SERVER = ["--server", "http://grid.example"]


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Options, Show]]:
    """What the command would have taken part with."""
    found: list[tuple[Options, Show]] = []
    monkeypatch.setattr(command, "take_part", lambda *given: found.append(given) or 0)
    for name in ("SERVER", "TOKEN", "STATE"):
        monkeypatch.delenv(f"VOLUNTEER_{name}", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    return found


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["volunteer", *arguments])
    return done.exit_code, done.stderr


def test_what_nobody_chose_is_modest(chosen: list[tuple[Options, Show]]) -> None:
    assert run(*SERVER) == (0, "")
    home = Path("/state/grid-volunteer")
    assert chosen == [(Options(server="http://grid.example", state=home), Show.LINES)]


def test_everything_that_is_chosen_arrives(chosen: list[tuple[Options, Show]]) -> None:
    text = (
        "--cores 3 --once --token t --json --duty 40 --hours 22-6 --memory-mb 256 --drain 2.5 "
        "--state /s --engine quickjs --owner ann --owner bob --refuse-owner eve --topic stars "
        "--refuse-topic war --job-type SUM --job job_a --selector random"
    )
    assert run(*SERVER, *text.split()) == (0, "")
    wishes = Wishes(
        owners=("ann", "bob"), refuse_owners=("eve",), topics=("stars",), refuse_topics=("war",),
        job_types=("SUM",), jobs=("job_a",), selector="random",
    )  # fmt: skip
    options = Options(
        server="http://grid.example", cores=3, once=True, token="t", engine="quickjs",
        limits=Limits(data_bytes_max=256 << 20, duty_percent=40), wishes=wishes,
        hours=Hours(22 * 60, 6 * 60), drain_s=2.5, state=Path("/s"),
    )  # fmt: skip
    assert chosen == [(options, Show.JSON)]


def test_a_container_says_it_by_variables(
    chosen: list[tuple[Options, Show]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOLUNTEER_SERVER", "https://grid.example")
    monkeypatch.setenv("VOLUNTEER_TOKEN", "t")
    monkeypatch.setenv("VOLUNTEER_STATE", "/s")
    assert run("--quiet") == (0, "")
    options = Options(server="https://grid.example", token="t", state=Path("/s"))
    assert chosen == [(options, Show.NOTHING)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--server", "grid.example"], "--server: grid.example begins with neither"),
        ([*SERVER, "--engine", "rhino"], "--engine: one of deno, quickjs"),
        ([*SERVER, "--memory-mb", "512"], "--memory-mb: deno needs 1024"),
        ([*SERVER, "--memory-mb", "64", "--engine", "quickjs"], "--memory-mb: quickjs needs 128"),
        ([*SERVER, "--hours", "9"], "--hours: 9: hours are spelled as"),
        ([*SERVER, "--until", "soon"], "--until: "),
        ([*SERVER, "--duty", "0"], "--duty"),
        ([*SERVER, "--duty", "101"], "--duty"),
        ([*SERVER, "--cores", "0"], "--cores"),
        ([*SERVER, "--drain", "-1"], "--drain"),
        ([], "--server"),
    ],
)
def test_nonsense_is_refused_by_name_and_takes_no_part(
    chosen: list[tuple[Options, Show]], arguments: list[str], said: str
) -> None:
    code, text = run(*arguments)
    assert code == 2
    assert said in text
    assert chosen == []
