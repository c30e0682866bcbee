"""This file is where every test gets what all tests share: how hard properties look, no skips."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import engine

from grid.db import session, store
from grid.plugins import loader
from grid.settings import Settings

pytest_plugins = ["pytester", "no_skips"]

# A busy machine is no failed property: time is pytest-timeout's business, not Hypothesis's.
# The house asks the same questions each time, so that a failure is the last change's; the thorough
# profile looks for new ones.
settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough", settings.get_profile("house"), derandomize=False, max_examples=2_000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

# Seconds for making a failing case smaller; Hypothesis's own 300 outlive pytest-timeout, whose
# signal then hides what had failed.
assert engine.MAX_SHRINKING_SECONDS
engine.MAX_SHRINKING_SECONDS = 60


@pytest.fixture(autouse=True, scope="session")
def _digested_once() -> Iterator[None]:
    """Grid's own job types do not change while tests run: no store need read all their files."""
    digest = loader.folder_digest
    once = functools.cache(digest)

    def known_or_digest(folder: Path) -> str:
        return once(folder) if folder.parent == loader.OWN_FOLDER else digest(folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "folder_digest", known_or_digest)
        yield


@pytest.fixture(autouse=True, scope="session")
def _migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new database is a copy of one that the migrations have made: their forty synced statements
    cost more than most tests do. One that is there is migrated as ever."""
    migrate = session.migrate

    @functools.cache
    def made() -> Path:
        path = tmp_path_factory.mktemp("migrated") / "grid.db"
        migrate(f"sqlite:///{path}")
        return path

    def copy_or_migrate(url: str) -> None:
        if not url.startswith("sqlite:///"):
            migrate(url)
            return
        path = Path(url.removeprefix("sqlite:///"))
        if path.exists():
            migrate(url)
        else:
            shutil.copyfile(made(), path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "migrate", copy_or_migrate)
        yield


@pytest.fixture(autouse=True, scope="session")
def _database_of_choice() -> Iterator[None]:
    """Where PostgreSQL was chosen, a store's database is one of the tests' own cluster."""
    real = store.database_url

    def of_cluster(settings: Settings) -> str:
        url = settings.database_url or postgres.shared().of_folder(settings.data_dir)
        return real(settings.model_copy(update={"database_url": url}))

    with pytest.MonkeyPatch.context() as patch:
        if postgres.chosen():
            patch.setattr(store, "database_url", of_cluster)
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is about SQLite itself is none of PostgreSQL's tests."""
    if postgres.chosen():
        about = [one for one in items if one.get_closest_marker("sqlite")]
        config.hook.pytest_deselected(items=about)
        items[:] = [one for one in items if one not in about]
