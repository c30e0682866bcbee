"""This file is where tests of engines share one engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from grid.engines.deno import DenoEngine


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    """A Deno engine that outlives the test: what one program leaves, the next would see."""
    with DenoEngine() as running:
        yield running
