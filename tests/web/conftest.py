"""This file is where tests of the HTTP face get a server, a store and people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from web_people import People, opened


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    """An app without daemons: what they would do, a test does when it wants it done."""
    with opened(tmp_path / "data", run_daemons=False) as found:
        yield found


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """The same, shared by a file's tests: for those that change nothing, or mind nothing."""
    with opened(tmp_path_factory.mktemp("crowd"), run_daemons=False) as found:
        yield found


@pytest.fixture
def lively(tmp_path: Path) -> Iterator[People]:
    """The same with every daemon running."""
    with opened(tmp_path / "data", run_daemons=True) as found:
        yield found
