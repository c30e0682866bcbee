"""This file is where a POST is sent twice, and done once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from web_people import API, ROWS_CSV, People

from web.messages import TokenBody

SPEC = {"where": "id = 1"}


def submit(people: People, key: str, dataset: str, token: str | None = None, **more: Any) -> Any:
    body = {"job_type": "filterBy", "spec": SPEC, "dataset": dataset, **more}
    token = token or people.requester
    return people.post("/jobs", body, token, headers={"Idempotency-Key": key})


def upload(people: People, key: str, text: str = ROWS_CSV, query: str = "name=a") -> Any:
    return people.http.post(
        f"{API}/datasets?{query}",
        content=text.encode(),
        headers={
            "Content-Type": "text/csv",
            "Authorization": f"Bearer {people.requester}",
            "Idempotency-Key": key,
        },
    )


def test_a_job_that_is_posted_twice_is_one_job(people: People) -> None:
    dataset = people.dataset()
    first, second = submit(people, "k1", dataset), submit(people, "k1", dataset)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(people.get("/jobs").json()["items"]) == 1
    third = submit(people, "k2", dataset)
    assert third.json()["id"] != first.json()["id"]


def test_the_same_key_for_another_body_is_refused(people: People) -> None:
    dataset = people.dataset()
    submit(people, "k", dataset)
    before = people.row_counts()
    answer = submit(people, "k", dataset, name="another")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/idempotency-key"
    assert people.row_counts() == before


def test_keys_of_different_people_are_different_keys(people: People) -> None:
    dataset = people.dataset()
    mine = submit(people, "k", dataset)
    theirs = submit(people, "k", dataset, token=people.token("another requester", "requester"))
    assert theirs.status_code == 201
    assert mine.json()["id"] != theirs.json()["id"]


def test_an_upload_that_is_sent_twice_is_one_data_set(people: People) -> None:
    first, second = upload(people, "k"), upload(people, "k")
    assert first.json() == second.json()
    assert len(people.get("/datasets").json()["items"]) == 1
    assert upload(people, "k", ROWS_CSV + "1,x,2\n").status_code == 422
    assert upload(people, "k", query="name=b").status_code == 422


def test_a_refused_request_leaves_its_key_free(people: People) -> None:
    assert submit(people, "k", "data_nowhere").status_code == 400
    assert submit(people, "k", people.dataset()).status_code == 201


def test_a_move_that_is_sent_twice_is_answered_as_at_first(people: People) -> None:
    job_id = people.job()
    key = {"Idempotency-Key": "k"}
    first = people.post(f"/jobs/{job_id}/pause", None, people.requester, headers=key)
    people.post(f"/jobs/{job_id}/resume", None, people.requester)
    second = people.post(f"/jobs/{job_id}/pause", None, people.requester, headers=key)
    assert second.json() == first.json()
    assert people.get(f"/jobs/{job_id}").json()["state"] == "active"


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
def test_a_key_that_is_no_key_is_refused(crowd: People, key: str) -> None:
    answer = submit(crowd, key, crowd.dataset())
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/idempotency-key"


def test_answers_with_secrets_are_never_kept(people: People) -> None:
    key = {"Idempotency-Key": "k"}
    before = people.row_counts()["idempotency"]
    enrolment = {"protocol": 1, "kind": "browser", "engine": "x/1"}
    hosts = [people.post("/hosts", enrolment, headers=key).json()["token"] for _ in range(2)]
    wanted = {"account": "eve", "scope": "requester"}
    made = [
        people.post("/admin/tokens", wanted, people.admin, headers=key).json()["token"]
        for _ in range(2)
    ]
    assert len({*hosts, *made}) == 4
    assert people.row_counts()["idempotency"] == before
    assert TokenBody.__doc__


def test_two_at_once_with_one_key_are_one(people: People) -> None:
    dataset = people.dataset()
    answers: list[Any] = []
    both = [
        threading.Thread(target=lambda: answers.append(submit(people, "k", dataset)))
        for _ in range(4)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(people.get("/jobs").json()["items"]) == 1
