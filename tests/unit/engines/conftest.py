"""This file is where tests of engines share one engine of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from grid.engines.asking import ChildEngine
from grid.engines.known import KNOWN, make


@pytest.fixture(scope="module", params=KNOWN)
def engine(request: pytest.FixtureRequest) -> Iterator[ChildEngine]:
    """An engine that outlives the test: what one program leaves, the next would see."""
    with make(request.param) as running:
        yield running
