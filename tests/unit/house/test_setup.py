"""This file is where it is shown that a fresh machine gets exactly what was locked."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
#: One locked package: name, version, environment marker, at least one hash.
PIN = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; [^\\]+)? \\\n(?:    --hash=\S+(?: \\)?\n)+",
    re.MULTILINE,
)


def plain(name: str) -> str:
    """A distribution's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, str]:
    """Name → version of everything in requirements.lock."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not PIN.sub("", text).strip(), "something is locked without a hash"
    return {plain(pin["name"]): pin["version"] for pin in PIN.finditer(text)}


def wanted() -> list[Requirement]:
    """Everything pyproject.toml asks for: to build, to use, and to develop."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = config["project"]["optional-dependencies"].values()
    lists = [config["build-system"]["requires"], config["project"]["dependencies"], *extras]
    return [Requirement(text) for texts in lists for text in texts]


def test_everything_that_is_asked_for_is_locked_at_a_version_that_fits() -> None:
    versions = locked()
    for requirement in wanted():
        version = versions[plain(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement


def test_the_client_is_locked_too_and_names_no_host() -> None:
    folder = ROOT / "web" / "client"
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    for name, version in {**package["dependencies"], **package["devDependencies"]}.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    for name, entry in lock["packages"].items():
        assert "resolved" not in entry, name
        assert not name or entry["integrity"].startswith("sha512-"), name


def test_the_house_is_checked_by_the_command_that_the_readme_names() -> None:
    command = ROOT / ".ci" / "run"
    assert os.access(command, os.X_OK)
    assert "exec make test" in command.read_text(encoding="utf-8")
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
