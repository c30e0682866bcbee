"""This file is where admins let people in over the API, and shut them out."""

from __future__ import annotations

import pytest
from web_people import API, People

from grid.db import accounts


def made(people: People, name: str, **body: object) -> dict[str, object]:
    answer = people.post("/admin/accounts", {"name": name, **body}, people.admin)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_new_account_gets_a_link_that_nothing_keeps(crowd: People) -> None:
    one = made(crowd, "new.one")
    assert (one["roles"], one["has_password"]) == (["requester"], False)
    link = str(one["set_up"])
    assert link.startswith("http://grid.example/setup?link=")
    assert crowd.http.get(link).status_code == 200
    shown = crowd.get(f"/admin/accounts/{one['id']}", crowd.admin)
    assert "set_up" not in shown.json()
    folder = crowd.store.settings.data_dir
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert link.partition("link=")[2].encode() not in kept


def test_a_new_link_ends_the_one_before(crowd: People) -> None:
    one = made(crowd, "twice")
    answer = crowd.post(f"/admin/accounts/{one['id']}/link", None, crowd.admin)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert crowd.http.get(str(one["set_up"])).status_code == 410
    assert crowd.http.get(answer.json()["set_up"]).status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, 400, "/name"),
        ({"name": "admin"}, 409, "/name"),
        ({"name": " x"}, 400, "/name"),
        ({"name": "x\n"}, 400, "/name"),
        ({"name": "<b>"}, 400, "/name"),
        ({"name": "x" * 51}, 400, "/name"),
        ({"name": "аnn"}, 400, "/name"),  # its first letter is Cyrillic
        ({"name": "fine", "roles": ["king"]}, 400, "/roles/0"),
        ({"name": "fine", "password_hash": "$argon2id$…"}, 400, "/password_hash"),
        ({"name": "fine", "id": 1}, 400, "/id"),
    ],
)
def test_a_bad_account_is_refused_by_its_field(
    crowd: People, body: dict[str, object], code: int, pointer: str
) -> None:
    before = crowd.row_counts()
    refused = crowd.post("/admin/accounts", body, crowd.admin)
    assert refused.status_code == code
    assert refused.json()["errors"][0]["pointer"] == pointer
    assert crowd.row_counts() == before


def test_roles_are_exactly_those_given_and_what_is_left_out_stays(crowd: People) -> None:
    where = f"/admin/accounts/{made(crowd, 'moved', roles=['requester', 'auditor'])['id']}"
    changed = crowd.post(where, {"roles": ["trusted_host"]}, crowd.admin).json()
    assert (changed["roles"], changed["disabled_at"]) == (["trusted_host"], None)
    changed = crowd.post(where, {"disabled": True}, crowd.admin).json()
    assert changed["roles"] == ["trusted_host"] and changed["disabled_at"] is not None
    assert crowd.post(where, {"disabled": False}, crowd.admin).json()["disabled_at"] is None


def test_who_is_shut_out_leaves_no_trusted_host_and_no_link_behind(people: People) -> None:
    one = made(people, "lab", roles=["trusted_host"])
    token = people.token("lab", "trusted_host")
    host = people.host(token)
    assert host.work().status_code == 200
    body = {"disabled": True}
    assert people.post(f"/admin/accounts/{one['id']}", body, people.admin).status_code == 200
    assert people.get("/tokens", token).status_code == 401
    assert host.work().status_code == 401
    assert people.http.get(str(one["set_up"])).status_code == 410


def test_the_last_admin_stays(people: People) -> None:
    with people.store.read() as connection:
        found = accounts.by_name(connection, "admin")
    assert found is not None
    (view,) = [
        one
        for one in people.get("/admin/accounts", people.admin).json()["items"]
        if one["name"] == "admin"
    ]
    for body in ({"disabled": True}, {"roles": []}, {"roles": ["requester"], "disabled": False}):
        refused = people.post(f"/admin/accounts/{view['id']}", body, people.admin)
        assert refused.status_code == 409, body
    assert people.get("/admin/accounts", people.admin).status_code == 200
    people.token("second", "admin")
    assert people.post(f"/admin/accounts/{view['id']}", {"roles": []}, people.admin).json()[
        "roles"
    ] == []  # fmt: skip


@pytest.mark.parametrize(
    ("scopes", "ttl_s", "inside"),
    [(["admin"], None, True), (["admin"], 100, True), (["admin"], -1, False),
     (["requester"], None, False)],
)  # fmt: skip
def test_only_a_good_token_of_an_admins_lets_an_admin_in(
    people: People, scopes: list[str], ttl_s: int | None, inside: bool
) -> None:
    """Otherwise a server would print no link any more, although nobody can administer it."""
    passes = people.store.keyring.passes
    with people.store.read() as connection:
        (held,) = accounts.tokens_of(connection, 1, 10)
    people.store.write(lambda tx: accounts.revoke(tx, held.id))
    now = people.store.now()
    ends = None if ttl_s is None else now + ttl_s
    people.store.write(
        lambda tx: accounts.issue(
            tx, passes, accounts.grant(tx, "admin", ["admin", "requester"]), scopes, ends
        )
    )
    with people.store.read() as connection:
        assert accounts.has_admin(connection, now) is inside


def test_accounts_come_in_pages(crowd: People) -> None:
    for number in range(5):
        made(crowd, f"paged {number}")
    names, path = [], "/admin/accounts?limit=2"
    while path:
        page = crowd.get(path, crowd.admin).json()
        assert len(page["items"]) <= 2
        names += [one["name"] for one in page["items"]]
        path = page["_links"].get("next", {}).get("href", "")
    assert len(set(names)) == len(names) >= 7
    assert crowd.get(f"{API}/admin/accounts?cursor=acct_0", crowd.admin).status_code == 400
    assert crowd.get("/admin/accounts/acct_0", crowd.admin).status_code == 404
