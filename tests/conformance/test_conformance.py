"""This file is where it is tested that the conformance suite catches job types that do wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grid.codegen.errors import ProgramRefused
from grid.conformance import Faulty, check_job_type
from grid.engines.deno import DenoEngine
from grid.plugins.loader import OWN_FOLDER, PluginError


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


def edited(tmp_path: Path, name: str, file: str, old: str, new: str) -> Path:
    """A copy of a job type with one change."""
    folder = tmp_path / name
    shutil.copytree(OWN_FOLDER / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    return folder


@pytest.mark.parametrize(
    ("name", "file", "old", "new"),
    [
        ("SUM", "spec.schema.json", '"additionalProperties": false,\n  "required"', '"required"'),
        ("SUM", "spec.schema.json", '"type": "object"', '"type": "thing"'),
        ("SUM", "output.schema.json", '"minus_infinity"', '"minus"'),
        ("SUM", "examples/all.json", "47", "48"),
        ("SUM", "__init__.py", "found += keep;", "found += keep + 1;"),
        ("SUM", "__init__.py", "lows += keep", "lows += 1"),
        ("SUM", "__init__.py", 'str(int(state["sum"]) +', 'str(2 * int(state["sum"]) +'),
        ("SUM", "__init__.py", "special > output", "special != output"),
        ("SUM", "__init__.py", 'output["count"] > sum(rows)', 'output["count"] / output["count"]'),
        ("MIN", "__init__.py", "(found === 0) |", "(found !== found) |"),
        ("MIN", "__init__.py", "found += 1;", "found += 2;"),
        ("MIN", "examples/nan.json", '"NaN",\n   1', '"Infinity",\n   1'),
        ("filterBy", "__init__.py", 'if pick["count"]:', 'if pick["count"] > 1:'),
        ("filterBy", "__init__.py", "except ValueError as error", "except KeyError as error"),
        ("filterBy", "__init__.py", "hits[i] = {keep}", "hits[i] = 1 - {keep}"),
        ("filterBy", "__init__.py", "count);", "count); // {id(frame)}"),
    ],
)
def test_a_changed_job_type_is_caught(
    tmp_path: Path, engine: DenoEngine, name: str, file: str, old: str, new: str
) -> None:
    with pytest.raises((Faulty, ProgramRefused)):
        check_job_type(edited(tmp_path, name, file, old, new), engine)


def test_a_job_type_without_examples_is_caught(tmp_path: Path) -> None:
    folder = edited(tmp_path, "SUM", "README.md", "SUM", "SUM")
    shutil.rmtree(folder / "examples")
    with pytest.raises(Faulty, match="no example"):
        check_job_type(folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "README.md").unlink(),
        lambda folder: (folder / "spec.schema.json").write_text("{"),
        lambda folder: (folder / "__init__.py").write_text("import no_such_module"),
    ],
    ids=["README", "schema", "code"],
)
def test_a_folder_that_cannot_be_loaded_is_named(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = edited(tmp_path, "MIN", "README.md", "MIN", "MIN")
    damage(folder)
    with pytest.raises(PluginError, match="MIN"):
        check_job_type(folder)
