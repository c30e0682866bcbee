"""This file is where it is tested which mode a job gets, and what may be said beside it."""

from __future__ import annotations

import pytest
from web_people import People

from grid.settings import Settings


def test_a_public_job_that_says_nothing_is_verified_in_the_operators_mode(people: People):
    assert Settings().default_mode == "standard"
    answer = people.submit({"where": "name = 'Suyash'"}, people.dataset())
    assert answer.json()["policy"]["mode"] == people.store.settings.default_mode


@pytest.mark.parametrize(
    ("policy", "mode", "principals", "at_first"),
    [
        ({"mode": "standard"}, "standard", 2, 1),
        ({"mode": "economy"}, "economy", 1, 1),
        ({"mode": "strict"}, "strict", 2, 1),
        ({"target_error": 0.001}, "standard", 2, 1),
        ({"min_quorum": 3}, "fixed", 3, 3),
        ({"target_nresults": 4}, "fixed", 2, 4),
        ({"mode": "fixed"}, "fixed", 2, 2),
    ],
)
def test_what_is_said_decides_the_mode(people: People, policy, mode, principals, at_first):
    view = people.submit({"where": "name = 'Suyash'"}, people.dataset(), policy=policy).json()
    made = view["policy"]
    found = made["mode"], made["min_quorum"], made["target_nresults"]
    assert found == (mode, principals, at_first)


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"mode": "standard", "min_quorum": 2}, "min_quorum"),
        ({"mode": "strict", "target_nresults": 2}, "target_nresults"),
        ({"mode": "fixed", "target_error": 0.01}, "target_error"),
        ({"min_quorum": 2, "target_error": 0.01}, "target_error"),
        ({"mode": "often"}, "mode"),
        ({"target_error": 0}, "target_error"),
        ({"target_error": 1.5}, "target_error"),
    ],
)
def test_what_contradicts_itself_names_its_field(people: People, policy, field):
    answer = people.submit({"where": "name = 'Suyash'"}, people.dataset(), policy=policy)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"/policy/{field}"
