"""This file is where a job goes the whole way over HTTP: upload, submit, compute, read."""

from __future__ import annotations

import csv
import io

import pytest
from web_people import ROWS_CSV, People

from grid import canonical


def test_a_job_goes_from_upload_to_output(people: People) -> None:
    job_id = people.job({"where": "id <= 9 AND name = 'Suyash'"})
    view = people.finish(job_id, [people.host(), people.host()])
    assert (view["state"], view["progress"]) == ("completed", 1.0)
    answer = people.get(f"/jobs/{job_id}/output")
    assert answer.json()["rows"] == [[9, "Suyash", 5], [1, "Suyash", 3], [9, "Suyash", 9]]


@pytest.mark.parametrize(
    ("job_type", "spec", "rows"),
    [
        ("SUM", {"column": "score"}, [[47, 10]]),
        ("MIN", {"column": "score"}, [[1, 10]]),
        ("SUM", {"column": "score", "where": "name = 'Suyash'"}, [[17, 3]]),
        ("MIN", {"column": "score", "where": "name = 'Suyash'"}, [[3, 3]]),
    ],
)
def test_aggregates_over_http(people: People, job_type: str, spec: object, rows: object) -> None:
    job_id = people.job(spec, job_type=job_type)
    people.finish(job_id, [people.host(), people.host()])
    found = people.get(f"/jobs/{job_id}/output").json()["rows"]
    assert [[int(value) for value in row] for row in found] == rows


@pytest.mark.parametrize("rows", [0, 1, 4, 7])
def test_r4_every_row_is_in_the_output_whatever_their_number(people: People, rows: int) -> None:
    lines = ROWS_CSV.splitlines(keepends=True)[: rows + 1]
    dataset = people.dataset("".join(lines), chunk_rows=3, header="true")
    job_id = people.job({"where": "score IS NOT NULL"}, dataset)
    people.finish(job_id, [people.host(), people.host()])
    answer = people.get(f"/jobs/{job_id}/output?format=csv")
    assert list(csv.reader(io.StringIO(answer.text, newline=""))) == list(csv.reader(lines))


def test_r32_outputs_can_be_listed_read_alone_and_merged(people: People) -> None:
    job_id = people.job()
    people.finish(job_id, [people.host(), people.host()])
    units = people.get(f"/jobs/{job_id}/workunits").json()["items"]
    assert [unit["ordinal"] for unit in units] == [0, 1, 2]
    one = people.get(units[1]["_links"]["self"]["href"]).json()
    assert one["canonical_output"] is not None
    assert {result["validate_state"] for result in one["results"]} == {"valid"}
    assert len(people.get(f"/jobs/{job_id}/output").json()["rows"]) == 3


def test_daemons_finish_a_job_by_themselves(lively: People) -> None:
    job_id = lively.job()
    hosts = [lively.host(), lively.host()]
    for host in hosts:
        host.compute_all()
    assert lively.until(job_id, "completed")["counts"]["merged"] == 3


def test_a_walk_by_links_reaches_the_output(people: People) -> None:
    job_id = people.job()
    people.finish(job_id, [people.host(), people.host()])
    root = people.get("/api/v1/").json()
    jobs = people.get(root["_links"]["jobs"]["href"]).json()
    job = people.get(jobs["items"][0]["_links"]["self"]["href"]).json()
    assert job["id"] == job_id
    for relation, link in job["_links"].items():
        if relation not in ("events", "page"):
            assert people.http.get(link["href"]).status_code == 200, relation
    assert people.http.get(job["_links"]["page"]["href"]).status_code == 200


def test_the_program_is_the_one_that_volunteers_run(people: People) -> None:
    job_id = people.job()
    (assignment,) = people.host().ask()
    mine = people.http.get(assignment["program"]["url"]).content
    assert mine == people.get(f"/jobs/{job_id}/program").content
    assert len(mine) == assignment["program"]["bytes"]


def test_row_74_a_work_unit_is_served_as_the_program_that_computes_it(people: People) -> None:
    job_id = people.job()
    program = people.get(f"/jobs/{job_id}").json()["program"]["digest"]
    unit = people.get(f"/jobs/{job_id}/workunits").json()["items"][0]["_links"]["self"]["href"]
    for accept in ("text/javascript", "text/html, Text/JavaScript;q=0.9"):
        served = people.http.get(unit, headers={"Accept": accept})
        assert served.headers["content-type"].startswith("text/javascript")
        assert canonical.digest(served.content) == program
    for accept in ("*/*", "text/javascript, application/json", "text/javascript-like;q=x", ",;"):
        assert people.http.get(unit, headers={"Accept": accept}).json()["state"] == "open"


def test_lists_are_paged_by_links(people: People) -> None:
    dataset = people.dataset(chunk_rows=1)
    ids = [people.job(dataset=dataset, name=f"job {number}") for number in range(5)]
    seen, href = [], "/api/v1/jobs?limit=2&state=active&job_type=filterBy"
    while href:
        page = people.get(href).json()
        seen += [job["id"] for job in page["items"]]
        href = page["_links"].get("next", {}).get("href")
    assert seen == ids[::-1]
    seen, href = [], f"/api/v1/jobs/{ids[0]}/workunits?limit=3"
    while href:
        page = people.get(href).json()
        seen += [unit["id"] for unit in page["items"]]
        href = page["_links"].get("next", {}).get("href")
    assert len(seen) == len(set(seen)) == 10
    people.finish(ids[0], [people.host(), people.host()])
    ordinals, href = [], f"/api/v1/jobs/{ids[0]}/workunits?limit=3"
    while href:
        page = people.get(href).json()
        ordinals += [unit["ordinal"] for unit in page["items"]]
        href = page["_links"].get("next", {}).get("href")
    assert ordinals == list(range(10))
