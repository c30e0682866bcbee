"""This file is where owners of private jobs name auditors, and auditors read what they may."""

from __future__ import annotations

import pytest
from web_people import People


@pytest.fixture(scope="module")
def job(crowd: People) -> tuple[str, str]:
    """A private job and its data set."""
    dataset = crowd.dataset("hidden\n7\n", public="false")
    return crowd.job({"where": "hidden > 0"}, dataset), dataset


def name(people: People, job_id: str, *names: str) -> None:
    answer = people.post(f"/jobs/{job_id}/auditors", {"auditors": names}, people.requester)
    assert answer.status_code == 200, answer.text
    assert answer.json()["auditors"] == sorted(set(names))


def readable(people: People, job: tuple[str, str], token: str) -> set[int]:
    paths = (
        f"/jobs/{job[0]}", f"/jobs/{job[0]}/workunits", f"/jobs/{job[0]}/program",
        f"/datasets/{job[1]}", f"/datasets/{job[1]}/preview", f"/datasets/{job[1]}/chunks",
    )  # fmt: skip
    return {people.get(path, token).status_code for path in paths}


def test_an_auditor_reads_a_private_job_from_being_named_until_not_any_more(
    crowd: People, job: tuple[str, str]
) -> None:
    token = crowd.token("eva", "auditor")
    other = crowd.token("ida", "auditor")
    assert readable(crowd, job, token) == {404}
    name(crowd, job[0], "eva", "eva")
    assert readable(crowd, job, token) == {200}
    assert job[0] in crowd.get("/jobs", token).text
    assert readable(crowd, job, other) == {404}
    assert job[0] not in crowd.get("/jobs", other).text
    name(crowd, job[0])
    assert readable(crowd, job, token) == {404}


def test_an_auditor_of_one_job_reads_no_other(crowd: People, job: tuple[str, str]) -> None:
    dataset = crowd.dataset("other\n9\n", public="false")
    other = crowd.job({"where": "other > 0"}, dataset), dataset
    token = crowd.token("uma", "auditor")
    name(crowd, job[0], "uma")
    assert readable(crowd, job, token) == {200}
    assert readable(crowd, other, token) == {404}
    chunk = crowd.get(f"/datasets/{dataset}/chunks", crowd.requester).json()["items"][0]
    assert crowd.get(f"/blobs/{chunk['columns'][0]['digest']}", token).status_code == 404


def test_who_was_named_needs_the_scope_and_the_role(crowd: People, job: tuple[str, str]) -> None:
    auditor, requester = (crowd.token("ola", scope) for scope in ("auditor", "requester"))
    name(crowd, job[0], "ola")
    assert readable(crowd, job, auditor) == {200}
    assert readable(crowd, job, requester) == {404}


def test_an_auditor_changes_nothing(crowd: People, job: tuple[str, str]) -> None:
    token = crowd.token("ivo", "auditor")
    name(crowd, job[0], "ivo")
    for verb in ("pause", "resume", "cancel", "reserve", "release", "auditors"):
        assert crowd.post(f"/jobs/{job[0]}/{verb}", {}, token).status_code == 403, verb
    assert crowd.get(f"/jobs/{job[0]}/auditors", token).status_code == 403
    body = {"job_type": "filterBy", "dataset": job[1], "spec": {"where": "TRUE"}}
    assert crowd.post("/jobs", body, token).status_code == 403


def test_bad_names_are_told_by_their_place_and_change_nothing(
    crowd: People, job: tuple[str, str]
) -> None:
    crowd.token("eva", "auditor")
    name(crowd, job[0], "eva")
    for body, pointer in (
        ({"auditors": ["eva", "nobody of this name"]}, "/auditors/1"),
        ({"auditors": "eva"}, "/auditors"),
        ({"auditors": [1]}, "/auditors/0"),
        ({}, "/auditors"),
        ({"auditors": [], "more": 1}, "/more"),
        ({"auditors": ["eva"] * 200}, "/auditors"),
    ):
        refused = crowd.post(f"/jobs/{job[0]}/auditors", body, crowd.requester)
        assert refused.status_code == 400, body
        assert refused.json()["errors"][0]["pointer"] == pointer
    kept = crowd.get(f"/jobs/{job[0]}/auditors", crowd.requester).json()
    assert kept["auditors"] == ["eva"]


def test_a_public_job_takes_no_auditors(crowd: People) -> None:
    answer = crowd.post(f"/jobs/{crowd.job()}/auditors", {"auditors": []}, crowd.requester)
    assert answer.status_code == 409
