"""This file is where tests of the HTTP face get a server, a store and people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from litestar.testing import TestClient
from web_people import People, enable

from grid.db.store import Store
from grid.settings import Settings
from web.app import create_app


@contextmanager
def opened(folder: Path, *, run_daemons: bool) -> Iterator[People]:
    settings = Settings(
        default_mode="fixed",
        data_dir=folder,
        body_bytes_max=200_000,
        upload_bytes_max=100_000,
        daemon_interval_s=0.1,
    )
    store = Store(settings)
    enable(store, "filterBy", "SUM", "MIN")
    app = create_app(settings, store, run_daemons=run_daemons)
    with TestClient(app, base_url="http://grid.example") as http:
        yield People(http, store)
    store.close()


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
