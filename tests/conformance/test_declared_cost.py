"""This file is where it is tested that the conformance suite catches costs that are none."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import msgspec
import pytest

from grid.conformance import Faulty, cut_up, table_of
from grid.conformance.answers import check_cost
from grid.items import Json
from grid.plugins.contract import COST_MAX
from grid.plugins.loader import OWN_FOLDER, find, load

FILTER_BY = load(find(OWN_FOLDER / "filterBy"))
EXAMPLE = FILTER_BY.examples[0]
TURNS = itertools.count(1)
CUT = cut_up(table_of(EXAMPLE["table"]), 3, wide=False)


def costing(cost: Callable[..., Json]) -> None:
    own = type(FILTER_BY.job_type)
    job_type = type("Costing", (own,), {"cost": lambda self, *given: cost(*given)})()
    check_cost(msgspec.structs.replace(FILTER_BY, job_type=job_type), EXAMPLE["spec"], CUT)


def test_rows_times_columns_is_a_cost() -> None:
    check_cost(FILTER_BY, EXAMPLE["spec"], CUT)
    rows = [3, 4]
    columns = FILTER_BY.job_type.reads(EXAMPLE["spec"], CUT.columns)
    assert FILTER_BY.job_type.cost(EXAMPLE["spec"], CUT.columns, rows) == 7 * len(columns)
    assert FILTER_BY.job_type.cost(EXAMPLE["spec"], CUT.columns, []) == 1


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (lambda *_: 0, "cost says 0"),
        (lambda *_: -1, "cost says -1"),
        (lambda *_: 1.5, "cost says 1.5"),
        (lambda *_: True, "cost says True"),
        (lambda *_: COST_MAX + 1, "not an integer of 1 to"),
        (lambda *_: None, "cost says None"),
        (lambda *_: 1 // 0, "cost raised ZeroDivisionError"),
        (lambda *_: next(TURNS), "another one each time"),
    ],
)
def test_a_cost_that_credit_cannot_use_is_caught(cost: Callable[..., Json], said: str) -> None:
    with pytest.raises(Faulty, match=said):
        costing(cost)
