"""This file is where jobs are summed up for pictures, and what is sealed is left out of them."""

from __future__ import annotations

import pytest
from web_people import People, output_of, report


def test_a_sealed_job_sums_up_to_two_numbers(people: People) -> None:
    job_id = people.job()
    host = people.host()
    host.compute_all()
    view = people.get(f"/jobs/{job_id}/statistics").json()
    assert view == {
        "job": job_id,
        "sealed": True,
        "work_units": 3,
        "decided": 0,
        "_links": view["_links"],
    }
    assert people.http.get(f"/jobs/{job_id}/workunits/0").status_code == 404


def test_an_opened_job_sums_up_to_its_work_units_answers_and_engines(people: People) -> None:
    job_id = people.job()
    liar = people.host(engine="other/1")
    one, two = liar.ask(2)
    wrong = report(one, output_of(people.store, two))
    assert [said["accepted"] for said in liar.tell(wrong, liar.computed(two))] == [True, True]
    people.finish(job_id, [people.host(), people.host()])
    view = people.get(f"/jobs/{job_id}/statistics").json()
    assert not view["sealed"] and view["units"] == "aaa" and view["letters"]["a"] == "agreed"
    assert sum(count for _, count in view["minutes"]) == 7
    assert view["engines"] == [
        {"engine": "deno/2", "answers": 5, "valid": 5, "invalid": 0, "principals": 2},
        {"engine": "other/1", "answers": 2, "valid": 1, "invalid": 1, "principals": 1},
    ]
    assert view["principals"] == 3 and view["agreement"] == pytest.approx(6 / 7, abs=1e-6)


def test_a_place_in_the_map_leads_to_its_work_unit(people: People) -> None:
    job_id = people.job()
    people.finish(job_id, [people.host(), people.host()])
    units = people.get(f"/jobs/{job_id}/workunits").json()["items"]
    answer = people.http.get(f"/jobs/{job_id}/workunits/2", follow_redirects=False)
    assert (
        answer.status_code == 302
        and answer.headers["location"] == f"/audit/workunits/{units[2]['id']}"
    )
    for place in ("3", "-1", "x", "9" * 30):
        assert people.http.get(f"/jobs/{job_id}/workunits/{place}").status_code == 404, place


def test_the_first_rows_of_an_output_are_the_first_of_all(people: People) -> None:
    job_id = people.job({"where": "score > 1"})
    people.finish(job_id, [people.host(), people.host()])
    whole = people.get(f"/jobs/{job_id}/output").json()["rows"]
    assert len(whole) == 9
    for most in (0, 1, 5, 9, 99):
        found = people.get(f"/jobs/{job_id}/output?rows={most}").json()["rows"]
        assert found == whole[:most]
    for wrong in ("-1", "x", "1.5"):
        answer = people.get(f"/jobs/{job_id}/output?rows={wrong}")
        assert answer.status_code == 400 and answer.json()["errors"][0]["pointer"] == "/rows"
