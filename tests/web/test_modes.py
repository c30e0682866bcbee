"""This file is where it is tested which mode a job gets, and what may be said beside it."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from web_people import People, enable, opened

from grid.daemons import trusted
from grid.daemons.computing import Machine
from grid.settings import Settings


def test_a_public_job_that_says_nothing_is_verified_in_the_operators_mode(people: People):
    assert Settings().default_mode == "standard"
    answer = people.submit({"where": "name = 'Suyash'"}, people.dataset())
    assert answer.json()["policy"]["mode"] == people.store.settings.default_mode


MIN = {"column": "score"}
KEY = {"algorithm": "sha256", "hash": "00" * 32, "alphabet": "ab", "length": 3}


@pytest.mark.parametrize(
    ("default", "usual", "where_one_decides"),
    [
        ("economy", "economy", "strict"),
        ("standard", "standard", "strict"),
        ("strict", "strict", "strict"),
        ("fixed", "fixed", "fixed"),
    ],
)
def test_where_one_wrong_work_unit_decides_the_mode_that_nobody_chose_is_strict(
    tmp_path, default, usual, where_one_decides
):
    with opened(tmp_path, run_daemons=False, default_mode=default) as people:
        enable(people.store, "MAX", "hashSearch")
        rows = people.dataset()
        asked = [("SUM", MIN, rows), ("MIN", MIN, rows), ("MAX", MIN, rows)]
        made = {
            name: people.submit(spec, dataset, job_type=name).json()["policy"]["mode"]
            for name, spec, dataset in [*asked, ("hashSearch", KEY, None)]
        }
        assert made == {
            "SUM": usual, "MIN": where_one_decides, "MAX": where_one_decides,
            "hashSearch": where_one_decides,
        }  # fmt: skip
        said = {name: people.get(f"/job-types/{name}").json()["default_mode"] for name in made}
        assert said == made
        chosen = people.submit(MIN, rows, job_type="MIN", policy={"mode": "economy"})
        assert chosen.json()["policy"]["mode"] == "economy"


def test_a_strict_job_ends_with_two_volunteers_and_says_what_the_server_did(tmp_path):
    settings = {"default_mode": "standard", "cold_start_wait_s": 0, "copy_delay_max_s": 0}
    settings |= {"ipv6_prefix_bits": 128}
    with opened(tmp_path, run_daemons=False, **settings) as people, closing(Machine()) as machine:
        job = people.submit(MIN, people.dataset(chunk_rows=4), job_type="MIN").json()["id"]
        hosts = [people.host(), people.host()]
        for _ in range(20):
            for host in hosts:
                host.compute_all()
            people.settle()
            trusted.do_pass(people.store, people.store.now(), machine)
            view = people.get(f"/jobs/{job}").json()
            if view["state"] != "active":
                break
            time.sleep(0.1)
        assert (view["policy"]["mode"], view["state"]) == ("strict", "completed")
        assert people.get(f"/jobs/{job}/output?format=json").json()["rows"] == [[1, 10]]
        assert view["support"]["trusted"] + view["support"]["below_target"] > 0


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
