"""This file is where real browsers meet a real server: one of each for each file of tests.

A file may say what it needs: `SETTINGS` for its server, `ENABLED` for the job types let in.
"""

from __future__ import annotations

from collections.abc import Iterator

import fake_server
import pytest
from browser_visit import Visit
from chromium import launched
from fake_server import FakeServer
from live import LiveServer
from playwright.sync_api import Browser
from webdriver import NAMES, NARROW, Remote, driven


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


@pytest.fixture(scope="module", params=NAMES)
def long_lived(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Remote]:
    """One of each kind, for all of this file's tests with it, as wide as a telephone."""
    with driven(request.param, tmp_path_factory.mktemp(request.param)) as one:
        one.resize(*NARROW)
        yield one


@pytest.fixture
def browser(long_lived: Remote) -> Iterator[Remote]:
    """The same, with one tab."""
    yield long_lived
    first, *_ = long_lived.tabs()
    long_lived.close_others(first)
    long_lived.get("about:blank")


@pytest.fixture
def site() -> Iterator[FakeServer]:
    """Somebody else's server; a fresh one has an origin that nobody has answered yet."""
    with fake_server.running() as one:
        yield one
