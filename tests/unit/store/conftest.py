"""This file is where store tests get their world; its order is checked when they are done."""

from __future__ import annotations

import pytest
from world import World


@pytest.fixture
def world(tmp_path):
    one = World(tmp_path / "grid")
    yield one
    one.close()
