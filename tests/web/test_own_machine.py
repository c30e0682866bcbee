"""This file is where a host says what it is, sees it, and says so anew when it comes back."""

from __future__ import annotations

import pytest
from web_people import People

WHOLE = {"cores": 4, "memory_mb": 2048, "os": "linux", "features": ["wasm"], "score": 400}


def test_row_72_a_host_sees_what_it_said_of_itself_and_how_fast_it_is(crowd: People) -> None:
    body = {"protocol": 1, "kind": "browser", "engine": "firefox/140", "capabilities": WHOLE}
    token = crowd.post("/hosts", body).json()["token"]
    machine = crowd.get("/hosts/me", token).json()["machine"]
    assert machine["engine"] == "firefox/140"
    assert machine["capabilities"] == WHOLE
    assert machine["speed"] > 0


def test_a_host_that_comes_back_is_the_same_one_with_a_newer_engine(people: People) -> None:
    people.job()
    host = people.host(engine="deno/2")
    assert host.compute_all() > 0
    before = people.get("/hosts/me", host.token).json()
    news = {"engine": "deno/3", "capabilities": {"cores": 2, "os": "linux"}}
    answer = people.http.put(
        "/api/v1/hosts/me", json=news, headers={"Authorization": f"Bearer {host.token}"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["host_id"] == host.id
    after = people.get("/hosts/me", host.token).json()
    assert after["machine"]["engine"] == "deno/3"
    assert after["machine"]["capabilities"] == news["capabilities"]
    assert after["answers"] == before["answers"]
    people.job()
    assert host.compute_all() > 0


def test_only_a_host_says_what_it_is(crowd: People) -> None:
    for token in (None, crowd.requester, "nonsense"):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = crowd.http.put("/api/v1/hosts/me", json={"engine": "x/1"}, headers=headers)
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"capabilities": {}}, ""),
        ({"engine": ""}, "/engine"),
        ({"engine": "x" * 101}, "/engine"),
        ({"engine": "x/1", "capabilities": {"cores": 0}}, "/capabilities/cores"),
        ({"engine": "x/1", "trusted": True}, ""),
    ],
)
def test_nonsense_about_a_machine_is_refused_by_name(
    crowd: People, body: object, pointer: str
) -> None:
    token = crowd.host().token
    headers = {"Authorization": f"Bearer {token}"}
    answer = crowd.http.put("/api/v1/hosts/me", json=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert crowd.get("/hosts/me", token).json()["machine"]["engine"] == "deno/2"
