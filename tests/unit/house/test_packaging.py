"""This file is where what is packaged for machines is held against the command it runs."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import typer.main

from grid import cli

PACKAGING = Path(__file__).parents[3] / "packaging" / "volunteer"
COMMAND = typer.main.get_command(cli.app).commands["volunteer"]  # type: ignore[attr-defined]
OPTIONS = {name for one in COMMAND.params for name in one.opts}
VARIABLES = {one.envvar for one in COMMAND.params if one.envvar}


def unit() -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None, strict=False)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read_string((PACKAGING / "grid-volunteer.service").read_text())
    return found


def options_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def test_the_unit_runs_the_command_with_options_that_it_has() -> None:
    program, command, *rest = shlex.split(unit()["Service"]["ExecStart"])
    assert (Path(program).name, command) == ("grid", "volunteer")
    assert options_in(" ".join(rest)) <= OPTIONS


def test_it_is_killed_only_after_it_has_drained() -> None:
    words = shlex.split(unit()["Service"]["ExecStart"])
    drain_s = float(words[words.index("--drain") + 1])
    assert float(unit()["Service"]["TimeoutStopSec"]) > drain_s + 10
    assert unit()["Service"]["KillMode"] == "mixed"


def test_the_container_runs_the_command_with_options_that_it_has() -> None:
    text = (PACKAGING / "Containerfile").read_text()
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)
    assert eval(entry)[:2] == ["grid", "volunteer"]
    assert options_in(entry) <= OPTIONS
    (stop_s,) = re.findall(r"--stop-timeout (\d+)", text)
    assert float(stop_s) > float(eval(entry)[eval(entry).index("--drain") + 1]) + 10


def test_variables_that_are_named_are_those_it_reads() -> None:
    for file in PACKAGING.iterdir():
        named = set(re.findall(r"\bVOLUNTEER_[A-Z]+", file.read_text())) - {"VOLUNTEER_OPTIONS"}
        assert named <= VARIABLES, file
