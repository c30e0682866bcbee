"""This file is where acceptance tests get a real server: one for each file, cleaned between tests.

A file may say what it needs: `SETTINGS` for its server, `ENABLED` for the job types let in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from live import LiveServer, volunteer


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


@pytest.fixture(scope="module")
def volunteers(
    module_server: LiveServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Path]]:
    """Two `grid volunteer` processes, computing in Deno; their logs."""
    folder = tmp_path_factory.mktemp("volunteers")
    logs = [folder / f"{number}.log" for number in (1, 2)]
    with ExitStack() as stack:
        processes = [stack.enter_context(volunteer(module_server, log)) for log in logs]
        yield logs
        assert [process.poll() for process in processes] == [None, None], "a volunteer left"
