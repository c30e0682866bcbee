"""This file is where the wheel is shown to be whole: what it holds is all that a server needs."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grid.plugins.loader import discover

ROOT = Path(__file__).parents[2]
LIMIT_S = 120
#: Folders of which every file is shipped, and those made by the build.
WHOLE = ("jobtypes", "web/templates", "web/static", "grid/db/migrations", "grid/kit/template")
BUNDLES = {
    "grid/engines/assets/runtime-deno.js",
    "grid/engines/assets/runtime-quickjs.js",
    "web/static/client/charts.js",
    "web/static/client/engine.js",
    "web/static/client/frame.js",
    "web/static/client/job.js",
    "web/static/client/volunteer.js",
}
#: What runs in the process that has the wheel and nothing of the checkout.
WHERE = """
import importlib.util, sys
import grid, jobtypes, web
print(grid.__file__, web.__file__)
print([name for name in ("demo", "tests", "benchmarks") if importlib.util.find_spec(name)])
"""

Python = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=LIMIT_S,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def python(site: Path, tmp_path: Path) -> Python:
    """Python with the wheel and what it depends on; the checkout is out of its reach.

    `-S` keeps Python from reading `.pth` files, which is how an editable install is found.
    """
    installed = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("GRID_")}
    environment = {
        **inherited,
        "PYTHONPATH": os.pathsep.join([str(site), *installed]),
        "GRID_DATA_DIR": str(tmp_path / "data"),
        "COLUMNS": "200",
    }

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-S", *arguments],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done

    return call


def shipped(site: Path) -> set[str]:
    return {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}


def wanted(folder: str, pattern: str = "*") -> set[str]:
    """Files of the checkout, as the wheel names them."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob(pattern)
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_the_wheel_holds_everything_that_is_used_and_nothing_to_build_it_from(site: Path) -> None:
    there = shipped(site)
    files = set().union(*map(wanted, WHOLE))
    code = wanted("grid", "*.py") | {one for one in wanted("web", "*.py") if "/client/" not in one}
    assert files | code | BUNDLES | {"grid/py.typed"} <= there
    kinds = {one.rpartition(".")[2] for one in files}
    assert kinds >= {"html", "css", "js", "json", "toml", "mako"}
    assert [one for one in there if one.endswith(".dist-info/licenses/LICENSE")]
    assert {one.split("/")[0] for one in there if ".dist-info" not in one} == {
        "grid", "jobtypes", "web",
    }  # fmt: skip
    assert not [one for one in there if one.startswith("web/client/") or one.endswith(".ts")]
    for bundle in BUNDLES:
        assert (site / bundle).stat().st_size > 1000


def test_a_server_made_from_the_wheel_alone_lists_and_loads_its_job_types(
    site: Path, python: Python
) -> None:
    where, elsewhere = python("-c", WHERE).stdout.splitlines()
    assert where == f"{site / 'grid' / '__init__.py'} {site / 'web' / '__init__.py'}"
    assert elsewhere == "[]"
    own = {found.manifest.name for found in discover()}
    said = python("-m", "web.main", "plugins", "enable", *sorted(own), "--yes", "--caution").stdout
    assert said.count(f"folder  {site}") == len(own)
    listed = [
        line.split() for line in python("-m", "web.main", "plugins", "list").stdout.splitlines()
    ]
    states = {line[0]: line[3] for line in listed[1:]}
    assert states == dict.fromkeys(own, "enabled")
