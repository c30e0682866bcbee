"""This file is where hosts are listed and reserved over HTTP (rows 56 and 59, R23, R26, R27)."""

from __future__ import annotations

from typing import Any

import pytest
from web_people import PROTOCOL, Host, People


def enrolled(people: People, engine: str = "deno/2", **capabilities: Any) -> Host:
    body = {
        "protocol": PROTOCOL, "kind": "headless", "engine": engine, "capabilities": capabilities,
    }  # fmt: skip
    return Host(people, people.post("/hosts", body).json())


def reserve(people: People, job_id: str, **body: Any) -> tuple[int, Any]:
    answer = people.post(f"/jobs/{job_id}/reserve", body, people.requester)
    return answer.status_code, answer.json()


def test_row_59_and_r27_idle_hosts_are_listed_without_a_private_field(people):
    host = enrolled(people, "firefox/130.0.1", cores=8, memory_mb=4096, os="linux")
    enrolled(people, "somebodys-own/1")
    people.job()
    host.ask(1)
    listed = people.get("/hosts", people.requester).json()
    assert listed == {
        "online": 2,
        "idle": 1,
        "items": [
            {"kind": "headless", "engine": "other", "os": None, "cores": None, "memory_mb": None,
             "busy": False, "reserved": False},
            {"kind": "headless", "engine": "firefox", "os": "linux", "cores": 8, "memory_mb": 4096,
             "busy": True, "reserved": False},
        ],
    }  # fmt: skip


def test_r23_nobody_sees_or_reserves_hosts_without_a_requesters_token(people):
    job_id = people.job()
    host = enrolled(people)
    assert people.get("/hosts").status_code == 401
    assert people.get("/hosts", host.token).status_code == 403
    assert people.post(f"/jobs/{job_id}/reserve", {"hosts": 1}).status_code == 401
    other = people.token("eve", "requester")
    assert people.post(f"/jobs/{job_id}/reserve", {"hosts": 1}, other).status_code == 403


@pytest.mark.parametrize("hosts", [-1, 0, "many", None, 1.5])
def test_r23_a_number_that_is_none_is_refused_by_name(crowd, hosts):
    code, problem = reserve(crowd, crowd.job(), hosts=hosts)
    assert (code, problem["errors"][0]["pointer"]) == (400, "/hosts")


def test_r23_five_of_two_is_refused_and_says_how_many_there_are(people):
    job_id = people.job()
    enrolled(people), enrolled(people)
    code, problem = reserve(people, job_id, hosts=5)
    assert (code, problem["detail"]) == (409, "only 2 available")
    assert people.get("/hosts", people.requester).json()["idle"] == 2
    assert reserve(people, job_id, hosts=5, fewer=True) == (200, {"taken": 2, "reserved": 2})


def test_r26_and_row_56_what_is_reserved_is_not_there_for_the_next(people):
    job_id, other = people.job(), people.job()
    enrolled(people), enrolled(people)
    assert reserve(people, job_id, hosts=1) == (200, {"taken": 1, "reserved": 1})
    assert reserve(people, job_id, hosts=1) == (200, {"taken": 1, "reserved": 2})
    code, problem = reserve(people, other, hosts=1)
    assert (code, problem["detail"]) == (409, "only 0 available")
    people.post(f"/jobs/{job_id}/release", None, people.requester)
    assert reserve(people, other, hosts=2)[0] == 200
    people.post(f"/jobs/{other}/cancel", None, people.requester)
    third = people.job()
    assert reserve(people, third, hosts=2)[0] == 200, "the end of a job gives its hosts back"
    code, problem = reserve(people, other, hosts=1)
    assert (code, problem["detail"]) == (409, "the job is over")


def test_hosts_of_a_kind_can_be_asked_for(people):
    job_id = people.job(needs={"cores": 4})
    enrolled(people, "deno/2", cores=4), enrolled(people, "firefox/9", cores=4)
    enrolled(people, "firefox/9", cores=1)
    assert reserve(people, job_id, hosts=2, engine="firefox")[0] == 409
    assert reserve(people, job_id, hosts=1, engine="firefox")[0] == 200
    assert reserve(people, job_id, hosts=1, kind="browser")[0] == 409
    assert reserve(people, job_id, hosts=1, kind="headless")[0] == 200


def test_one_requester_cannot_keep_more_than_a_set_number_from_others(people):
    most = people.store.settings.reserved_hosts_max
    for _ in range(most + 1):
        enrolled(people)
    first, second = people.job(), people.job()
    assert reserve(people, first, hosts=most)[0] == 200
    code, problem = reserve(people, second, hosts=1)
    assert (code, problem["errors"][0]["pointer"]) == (403, "/hosts")
    answer = people.post(f"/jobs/{second}/reserve", {"hosts": 1}, people.admin)
    assert answer.status_code == 200


def test_what_was_reserved_is_there_for_others_when_its_job_is_complete(people):
    job_id = people.job()
    hosts = [enrolled(people) for _ in range(2)]
    assert reserve(people, job_id, hosts=2)[0] == 200
    assert {one["reserved"] for one in people.get("/hosts", people.requester).json()["items"]} == {
        True
    }
    assert people.finish(job_id, hosts)["state"] == "completed"
    listed = people.get("/hosts", people.requester).json()["items"]
    assert [one["reserved"] for one in listed] == [False, False]
    other = people.job()
    assert {one["job"]["id"] for one in hosts[0].ask(10)} == {other}


def test_a_reserved_host_computes_for_its_job_alone(people):
    first = people.job()
    mine = people.job()
    host = enrolled(people)
    reserve(people, mine, hosts=1)
    assert {one["job"]["id"] for one in host.ask(10)} == {mine}
    assert host.work(1).json()["why_no_work"] in ("reserved", "needs_others")
    assert {one["job"]["id"] for one in people.host().ask(10)} == {first, mine}
