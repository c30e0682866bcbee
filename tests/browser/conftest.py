"""This file is where a real Chromium meets a real server: one of each for each file of tests.

A file may say what it needs: `SETTINGS` for its server, `ENABLED` for the job types let in.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser_visit import Visit
from chromium import launched
from live import LiveServer
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def module_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """The server process of this file."""
    settings = getattr(request.module, "SETTINGS", {})
    with LiveServer(tmp_path_factory.mktemp("server"), **settings) as server:
        for name in getattr(request.module, "ENABLED", ("filterBy", "SUM", "MIN")):
            server.set_plugin(name)
        yield server


@pytest.fixture
def server(module_server: LiveServer) -> Iterator[LiveServer]:
    """The same, with no open job of another test."""
    yield module_server
    module_server.cancel_open_jobs()


@pytest.fixture
def visit(chromium: Browser, server: LiveServer) -> Iterator[Visit]:
    """A visit that leaves no complaint on any console and asks nobody but the server."""
    context = chromium.new_context()
    one = Visit(context, server.url)
    yield one
    context.close()
    assert one.complaints == []
    assert one.strays() == []
