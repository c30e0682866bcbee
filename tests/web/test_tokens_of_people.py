"""This file is where people's tokens begin and end: by expiry, rotation, replay, revocation."""

from __future__ import annotations

import base64

import pytest
from web_people import API, People

from grid.db import accounts
from grid.db.passes import Claims, Purpose
from grid.identifiers import Kind


def new(people: People, token: str, **body: object) -> dict[str, object]:
    answer = people.post("/tokens", {"scopes": ["requester"], **body}, token)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


def works(people: People, token: object) -> bool:
    code = people.get("/tokens", str(token)).status_code
    assert code in (200, 401)
    return code == 200


def test_a_token_is_shown_once_and_listed_without_itself(crowd: People) -> None:
    made = new(crowd, crowd.token("lister", "requester"), label="nightly", days=2)
    listed = crowd.get("/tokens", str(made["token"]))
    assert str(made["token"]) not in listed.text
    (line,) = [one for one in listed.json()["items"] if one["id"] == made["id"]]
    assert (line["label"], line["scopes"], line["state"]) == ("nightly", ["requester"], "good")


def test_r24_a_token_is_worth_nothing_after_its_end(people: People) -> None:
    token = people.token("ending", "requester", ttl_s=60)
    later = people.token("ending", "requester", ttl_s=1000)
    assert works(people, later)
    passes, now = people.store.keyring.passes, people.store.now()
    claims = passes.read(Purpose.TOKEN, token, now)
    assert claims is not None and claims.exp is not None
    # Without waiting: the very pass says when it ends, and so does its row.
    assert passes.read(Purpose.TOKEN, token, claims.exp) is None
    assert passes.read(Purpose.TOKEN, token, claims.exp - 1) is not None
    with people.store.read() as connection:
        assert accounts.known(connection, "token", claims.jti, claims.exp - 1) is not None
        assert accounts.known(connection, "token", claims.jti, claims.exp) is None


def test_a_pass_with_a_longer_end_than_its_row_is_worth_no_more(people: People) -> None:
    """Whoever has the keys but not the database's row cannot make a token last."""
    passes, now = people.store.keyring.passes, people.store.now()
    ended = passes.read(Purpose.TOKEN, people.token("short", "requester", ttl_s=-1), now - 10)
    assert ended is not None
    longer = passes.write(Purpose.TOKEN, Claims(jti=ended.jti, scope="requester", exp=now + 1000))
    assert not works(people, longer)
    nobodys = passes.write(Purpose.TOKEN, Claims(jti="0" * 64, scope="admin", exp=None))
    assert not works(people, nobodys)


def test_a_pass_for_more_than_its_row_allows_is_worth_the_row_alone(people: People) -> None:
    passes = people.store.keyring.passes
    claims = passes.read(Purpose.TOKEN, people.requester, people.store.now())
    assert claims is not None
    grown = passes.write(Purpose.TOKEN, Claims(jti=claims.jti, scope="admin requester"))
    assert works(people, grown)
    assert people.get("/admin/accounts", grown).status_code == 403


@pytest.mark.parametrize("part", range(5))
def test_a_token_that_was_tampered_with_is_none(crowd: People, part: int) -> None:
    parts = crowd.requester.split(".")
    assert len(parts) == 5, "a JWE in compact form"
    text = parts[part] or "AAAA"
    parts[part] = text[:-2] + ("AA" if text[-2:] != "AA" else "BB")
    assert crowd.get("/tokens", ".".join(parts)).status_code == 401


def test_nothing_of_a_token_can_be_read_without_the_key(crowd: People) -> None:
    head, *rest = crowd.requester.split(".")
    said = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))
    assert b"A256GCM" in said and b"dir" in said
    for part in rest:
        assert b"requester" not in base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize("purpose", [Purpose.SESSION, Purpose.FORM])
def test_a_pass_for_one_purpose_is_none_for_another(crowd: People, purpose: Purpose) -> None:
    passes, now = crowd.store.keyring.passes, crowd.store.now()
    claims = passes.read(Purpose.TOKEN, crowd.requester, now)
    assert claims is not None
    other = passes.write(purpose, claims)
    assert not works(crowd, other)
    crowd.http.cookies.clear()
    answer = crowd.http.get(f"{API}/tokens", headers={"Cookie": f"grid={crowd.requester}"})
    assert answer.status_code == 401, "and a token is no session"


def test_a_rotated_token_is_replaced_with_the_same_end_and_replayed_in_vain(crowd: People) -> None:
    made = new(crowd, crowd.token("rotating", "requester"), days=3, label="machine")
    old, where = str(made["token"]), f"/tokens/{made['id']}/rotate"
    fresh = crowd.post(where, None, old)
    assert fresh.status_code == 200
    after = fresh.json()
    kept = ("scopes", "label", "expires_at")
    assert {one: after[one] for one in kept} == {one: made[one] for one in kept}
    assert works(crowd, after["token"])
    assert not works(crowd, old)
    assert crowd.post(where, None, old).status_code == 401, "a stolen copy renews nothing"
    assert crowd.post(where, None, after["token"]).status_code == 403, "nor does another one it"


def test_of_two_who_rotate_one_token_one_gets_a_new_one(people: People) -> None:
    made = new(people, people.requester)
    number = people.internal(Kind.TOKEN, str(made["id"]))
    passes = people.store.keyring.passes
    twice = [people.store.write(lambda tx: accounts.rotate(tx, passes, number)) for _ in range(2)]
    assert [one is not None for one in twice] == [True, False]


def test_a_revoked_token_stays_revoked(crowd: People) -> None:
    holder = crowd.token("revoking", "requester")
    made = new(crowd, holder)
    where = f"/tokens/{made['id']}/revoke"
    assert crowd.post(where, None, holder).json()["state"] == "revoked"
    assert not works(crowd, made["token"])
    assert crowd.post(where, None, holder).status_code == 409
    assert crowd.post(where.replace("revoke", "rotate"), None, crowd.admin).status_code == 403


def test_a_token_makes_none_that_may_do_more_or_outlives_it(crowd: People) -> None:
    ends = crowd.token("weekly", "requester", ttl_s=7 * 86_400)
    child = new(crowd, ends, days=3650)
    (parent,) = [one for one in crowd.get("/tokens", ends).json()["items"] if one["label"] == ""][
        1:
    ]
    assert child["expires_at"] == parent["expires_at"]
    for scopes in (["admin"], ["requester", "admin"], ["trusted_host"], [], ["king"]):
        refused = crowd.post("/tokens", {"scopes": scopes}, ends)
        assert refused.status_code == (403 if scopes and "king" not in scopes else 400)
        assert refused.json()["errors"][0]["pointer"].startswith("/scopes")


def test_who_loses_a_role_loses_it_in_every_token_at_once(crowd: People) -> None:
    token = crowd.token("demoted", "requester")
    number = crowd.store.write(lambda tx: accounts.grant(tx, "demoted"))
    assert crowd.upload("a\n1\n", token).status_code == 201
    crowd.store.write(lambda tx: accounts.change(tx, number, ["auditor"], None))
    assert crowd.upload("a\n1\n", token).status_code == 403
    crowd.store.write(lambda tx: accounts.change(tx, number, ["requester"], True))
    assert crowd.upload("a\n1\n", token).status_code == 401
    crowd.store.write(lambda tx: accounts.change(tx, number, None, False))
    assert crowd.upload("a\n1\n", token).status_code == 201


def test_an_account_has_a_hundred_good_tokens_at_most(people: People) -> None:
    holder = people.token("collector", "requester")
    number, passes = people.store.write(lambda tx: accounts.grant(tx, "collector")), None
    passes = people.store.keyring.passes
    for ends in (None, people.store.now() - 1):
        people.store.write(
            lambda tx, ends=ends: [
                accounts.issue(tx, passes, number, ["requester"], ends) for _ in range(99)
            ]
        )
    refused = people.post("/tokens", {"scopes": ["requester"]}, holder)
    assert refused.status_code == 409
    assert "revoke one first" in refused.json()["detail"]
