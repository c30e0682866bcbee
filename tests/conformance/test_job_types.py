"""This file is where every folder of jobtypes/ is held to the contract, and those for tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from grid.conformance import check_job_type
from grid.engines.deno import DenoEngine
from grid.plugins.loader import Found, discover

FOUND = discover()
#: Random tables and specs for each example; many where more cases than usual are asked for.
TABLES, SPECS = (200, 50) if settings().max_examples > 200 else (8, 5)
FOR_TESTS = Path(__file__).parents[1] / "jobtypes"


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


def test_the_three_first_job_types_are_there() -> None:
    assert {"filterBy", "SUM", "MIN"} <= {found.manifest.name for found in FOUND}


@pytest.mark.parametrize("found", FOUND, ids=lambda found: found.manifest.name)
def test_a_job_type_keeps_to_the_contract(found: Found, engine: DenoEngine) -> None:
    check_job_type(found.folder, engine, tables=TABLES, specs=SPECS)


@pytest.mark.parametrize("name", ["factor", "meanAbout", "needle"])
def test_a_job_type_that_judges_answers_itself_keeps_to_it_too(
    name: str, engine: DenoEngine
) -> None:
    check_job_type(FOR_TESTS / name, engine, tables=TABLES, specs=SPECS)
