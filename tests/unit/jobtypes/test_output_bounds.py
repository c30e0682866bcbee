"""This file is where a job type says how large its outputs are, and is held to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grid.plugins import loader
from grid.plugins.contract import INLINE_BYTES_MAX, OUTPUT_BYTES_LIMIT
from grid.plugins.loader import PluginError

ZEROS = Path(__file__).parents[2] / "jobtypes" / "zeros"


def loaded(folder: Path, bound: str) -> loader.Loaded:
    """The job type with another bound."""
    copy = folder / "zeros"
    shutil.copytree(ZEROS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    code = copy / "__init__.py"
    code.write_text(code.read_text().replace("output_bytes_max = 1 << 20", bound))
    return loader.load(loader.find(copy))


@pytest.mark.parametrize("bound", [1, INLINE_BYTES_MAX + 1, OUTPUT_BYTES_LIMIT])
def test_outputs_may_be_as_large_as_the_job_type_says(tmp_path: Path, bound: int) -> None:
    assert loaded(tmp_path, f"output_bytes_max = {bound}").job_type.output_bytes_max == bound


@pytest.mark.parametrize("bound", ["0", "-1", "8 << 20 | 1", "True", "1.5", "None"])
def test_a_bound_that_is_none_is_refused(tmp_path: Path, bound: str) -> None:
    with pytest.raises(PluginError, match="output_bytes_max"):
        loaded(tmp_path, f"output_bytes_max = {bound}")


def test_outputs_that_are_compared_by_what_they_say_stay_small(tmp_path: Path) -> None:
    bound = "from grid.comparators import Unordered\n    compare = Unordered('/zeros')\n"
    with pytest.raises(PluginError, match="compared"):
        loaded(tmp_path, f"{bound}    output_bytes_max = {INLINE_BYTES_MAX + 1}")
