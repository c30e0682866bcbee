"""This file is where job types give the same bytes in a browser as their references in Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from chromium import START, OpenPage, wait
from fake_server import FakeServer, Unit
from playwright.sync_api import Page

from grid import conformance
from grid.engines import Computation, ProgramFailed
from grid.plugins import loader

FOLDERS = sorted((Path(__file__).parents[3] / "jobtypes").glob("*/jobtype.toml"))


class PageEngine:
    """A volunteer page as an engine: each computation goes the whole way through the sandbox."""

    name = "chromium"

    def __init__(self, server: FakeServer, page: Page) -> None:
        self.server, self.page = server, page

    def compute(self, job: Computation) -> bytes:
        """As every engine."""
        unit = Unit(
            job.program,
            params=job.params,
            columns=job.columns,
            chunks=job.chunks,
            rows=job.rows,
            points=job.points,
            first_rows=job.first_rows,
            time_limit_s=job.time_limit_s,
        )
        self.server.add(unit)
        wait(lambda: bool(unit.reports), self.page)
        if unit.reports[0]["outcome"] != "success":
            raise ProgramFailed(unit.reports[0]["message"])
        return unit.output

    def close(self) -> None:
        """The page is closed by its fixture."""


@pytest.mark.parametrize("manifest", FOLDERS, ids=lambda path: path.parent.name)
def test_every_example_agrees_with_the_reference(
    server: FakeServer, open_page: OpenPage, manifest: Path
) -> None:
    server.retry_after_s = 0.05
    page = open_page()
    page.click(START)
    loaded = loader.load(loader.find(manifest.parent))
    for example in loaded.examples:
        conformance.check_example(loaded, example, PageEngine(server, page))
    assert server.units
