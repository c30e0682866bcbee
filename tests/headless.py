"""This file is where tests let a headless volunteer take part within their own process."""

from __future__ import annotations

from typing import Any

from fake_server import FakeServer

from grid.volunteer import volunteer
from grid.volunteer.options import Options
from grid.volunteer.progress import Show


def part(server: FakeServer, **chosen: Any) -> int:
    """Its exit code, when the server has no more work unless chosen otherwise."""
    return volunteer(Options(**{"server": server.url, "once": True, **chosen}), Show.NOTHING)
