"""This file is where new job types are made, and where their check finds what is planted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_conformance import edited
from typer.testing import CliRunner

from grid.conformance import Faulty, check_job_type
from grid.engines.deno import DenoEngine
from grid.kit.making import TEMPLATE, NotMade, make
from grid.plugins.loader import discover, find, load
from web.main import app

#: As long as names may be: no line of the copy may become too long by it.
LONGEST = "a" + "B2" * 19 + "c"


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


def test_a_new_job_type_keeps_to_the_contract_as_it_is(tmp_path: Path, engine: DenoEngine) -> None:
    written = make(LONGEST, tmp_path, discover())
    assert {path.name for path in written} >= {"jobtype.toml", "README.md", f"test_{LONGEST}.py"}
    assert all(path.is_file() for path in written)
    loaded = load(find(tmp_path / LONGEST))
    assert loaded.manifest.name == LONGEST and len(loaded.examples) > 1
    check_job_type(loaded, engine, tables=5, specs=10)
    left = [path for path in written if "newJobType" in path.read_text() + path.name]
    assert not left


def test_a_new_job_type_is_written_as_this_project_writes(tmp_path: Path) -> None:
    make(LONGEST, tmp_path, ())
    ruff = [sys.executable, "-m", "ruff"]
    flags = ["--isolated", "--no-cache", "--line-length", "100"]
    for command in (["check", "--select", "E,W,F,UP,B,SIM,RET,RUF"], ["format", "--check"]):
        done = subprocess.run(
            [*ruff, *command, *flags, str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("9lives", "no name"),
        ("rainy-days", "no name"),
        ("", "no name"),
        ("../away", "no name"),
        ("x" * 41, "no name"),
        ("été", "no name"),
        ("sum", "there is a job type SUM"),
        ("filterBy", "there is a job type filterBy"),
        ("there", "is there already"),
        ("beside", "is there already"),
    ],
)
def test_a_name_that_cannot_be_had_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "test_beside.py").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(NotMade, match=said):
        make(name, tmp_path, discover())
    assert sorted(tmp_path.rglob("*")) == before


ZERO = '"let inside = 0;"'
REFUSED = 'raise SpecError("/low", "more than high")'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # What only a spec beside the examples shows.
        (REFUSED, 'raise KeyError("low")', "and no SpecError, for the spec"),
        (REFUSED, 'raise SpecError("low", "more")', "no JSON pointer: 'low'"),
        (REFUSED, "raise AssertionError", "and no SpecError, for the spec"),
        (ZERO, ZERO + ' + "//" * (spec["low"] > 18)', "makes what may not run"),
        ('spec["low"] <= value', 'min(spec["low"], 18) <= value', "disagree"),
        # What only an output that is wrong in several places shows.
        (
            'if output["inside"] > output["values"]:',
            'if 1 // (output["inside"] - output["values"] - 2) > 0:',
            "check_output raised ZeroDivisionError",
        ),
    ],
)
def test_what_is_wrong_beside_the_examples_is_found(
    tmp_path: Path, engine: DenoEngine, old: str, new: str, said: str
) -> None:
    make("rangeOf", tmp_path / "made", ())
    folder = edited(tmp_path, "rangeOf", "__init__.py", old, new, tmp_path / "made")
    with pytest.raises(Faulty, match=said):
        check_job_type(folder, engine, tables=1, specs=300, seed=1)


def test_the_check_tells_how_to_see_the_first_fault_again(tmp_path: Path) -> None:
    make("rangeOf", tmp_path, ())
    code = tmp_path / "rangeOf" / "__init__.py"
    code.write_text(code.read_text().replace("values += {value}", "values += 1"))
    asked = ["check-job-type", str(tmp_path / "rangeOf"), "--engine", "deno", "--seed", "5"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 1
    assert "program and reference disagree" in done.output
    assert done.output.rstrip().endswith("--engine deno --tables 20 --specs 50 --seed 5")


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (["--engine", "rhino"], 2, "--engine rhino: one of deno, quickjs, chromium"),
        (["--engine", "deno", "--tables", "0"], 2, "--tables"),
        (["--engine", "deno"], 1, "jobtype.toml"),
    ],
)
def test_what_cannot_be_checked_is_said(
    tmp_path: Path, asked: list[str], code: int, said: str
) -> None:
    done = CliRunner().invoke(app, ["check-job-type", str(tmp_path), *asked])
    assert (done.exit_code, said in done.output) == (code, True), done.output


def test_the_template_is_no_job_type_by_itself() -> None:
    assert not [found for found in discover() if TEMPLATE in found.folder.parents]
