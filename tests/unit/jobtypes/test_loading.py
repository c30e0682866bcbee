"""This file is where a job type that is not quite one fails to load, and says why."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner
from world import JOB_TYPES

from grid.cli import app
from grid.plugins.contract import JobType
from grid.plugins.loader import PluginError, find, load
from grid.plugins.manifest import ManifestError, parse

MORE = "\n\n@hookimpl\ndef {}():\n    return None\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A job type of our own to spoil."""
    return Path(shutil.copytree(JOB_TYPES / "tally", tmp_path / "tally"))


def test_a_whole_job_type_is_loaded(folder: Path) -> None:
    assert isinstance(load(find(folder)).job_type, JobType)


@pytest.mark.parametrize("misspelled", ["grid_jobtype", "grid_job_types", "job_type"])
def test_a_misspelled_hook_fails_the_load_though_the_right_one_is_there(
    folder: Path, misspelled: str
) -> None:
    with (folder / "__init__.py").open("a") as file:
        file.write(MORE.format(misspelled))
    with pytest.raises(PluginError, match=f"^tally: .*unknown hook '{misspelled}'"):
        load(find(folder))


def test_a_job_type_without_its_hook_fails_the_load(folder: Path) -> None:
    source = folder / "__init__.py"
    source.write_text(source.read_text().replace("@hookimpl\n", ""))
    with pytest.raises(PluginError, match="must return a JobType"):
        load(find(folder))


def test_a_folder_that_changed_since_it_was_listed_is_not_loaded(folder: Path) -> None:
    found = find(folder)
    (folder / "README.md").write_text("Another one.\n")
    with pytest.raises(PluginError, match="changed since it was listed"):
        load(found)


def test_a_job_type_that_warns_is_enabled_only_by_who_says_that_they_have_read_it(
    tmp_path: Path,
) -> None:
    environment = {"GRID_DATA_DIR": str(tmp_path / "data")}

    def grid(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["plugins", *arguments], env=environment)

    refused = grid("enable", "hashSearch", "--yes")
    assert refused.exit_code == 2
    assert "passwords" in refused.output and "--caution" in refused.output
    assert grid("enable", "hashSearch", "--yes", "--caution").output.endswith("enabled\n")
    assert grid("enable", "SUM", "--yes").output.endswith("enabled\n")


@pytest.mark.parametrize("line", ["caution = 1", "cautions = 'x'"])
def test_a_manifest_warns_in_words(line: str) -> None:
    text = (Path(__file__).parents[3] / "jobtypes" / "SUM" / "jobtype.toml").read_text()
    assert parse(text).caution == ""
    assert parse(text + "caution = 'mind the gap'\n").caution == "mind the gap"
    with pytest.raises(ManifestError, match="caution"):
        parse(f"{text}{line}\n")
