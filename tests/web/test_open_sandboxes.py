"""This file is where hosts say that their sandbox is open, and an admin reads it."""

from __future__ import annotations

import pytest
from web_people import People


def listed(people: People, query: str = "") -> dict:
    answer = people.get(f"/admin/hosts/open-sandboxes{query}", people.admin)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_an_admin_sees_whose_sandbox_is_open_and_what_was_reached(people: People) -> None:
    quiet, first, second = people.host(), people.host(), people.host()
    assert listed(people)["items"] == []
    for host, reached in ((first, ["frame:fetch", "frame:fetch", "worker:importScripts"]),
                          (second, ["program:fetch"])):  # fmt: skip
        answer = people.post("/hosts/me/sandbox", {"reached": reached}, host.token)
        assert answer.status_code == 200, answer.text
    items = listed(people)["items"]
    assert [one["reached"] for one in items] == [
        ["program:fetch"],
        ["frame:fetch", "worker:importScripts"],
    ]
    assert all(one["at"] > 0 and one["engine"] for one in items)
    ids = [people.get("/hosts/me", host.token).json()["id"] for host in (second, first)]
    assert [one["id"] for one in items] == ids
    assert quiet.token
    page = listed(people, "?limit=1")
    following = people.http.get(
        page["_links"]["next"]["href"], headers={"Authorization": f"Bearer {people.admin}"}
    ).json()
    assert [one["id"] for one in (*page["items"], *following["items"])] == ids
    assert "next" not in following["_links"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reached": []},
        {"reached": "fetch"},
        {"reached": ["a b"]},
        {"reached": ["<script>"]},
        {"reached": ["x" * 41]},
        {"reached": ["fetch"] * 33},
        {"reached": ["fetch"], "host": "other"},
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_noted(people: People, body: dict) -> None:
    host = people.host()
    answer = people.post("/hosts/me/sandbox", body, host.token)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("/")
    assert listed(people)["items"] == []


def test_only_hosts_may_say_it_and_only_admins_read_it(people: People) -> None:
    body = {"reached": ["fetch"]}
    assert people.post("/hosts/me/sandbox", body).status_code == 401
    assert people.post("/hosts/me/sandbox", body, people.requester).status_code == 401
    assert people.get("/admin/hosts/open-sandboxes").status_code == 401
    assert people.get("/admin/hosts/open-sandboxes", people.requester).status_code == 403


def test_what_must_not_be_reached_from_inside_answers_everybody(people: People) -> None:
    answer = people.http.get("/sandbox/reached.js", headers={"Origin": "null"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("text/javascript")
