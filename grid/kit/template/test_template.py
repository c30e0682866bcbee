"""This file is where newJobType is held to the contract."""

from __future__ import annotations

from pathlib import Path

from grid.conformance import check_job_type
from grid.engines.deno import DenoEngine


def test_it_keeps_to_the_contract() -> None:
    with DenoEngine() as engine:
        check_job_type(Path(__file__).parent / "newJobType", engine)
