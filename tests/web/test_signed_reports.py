"""This file is where hosts that enrolled with a key sign their reports, and nobody else can."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from nacl.signing import SigningKey
from sqlalchemy import select
from web_people import Host, People, report

from grid import canonical, statements
from grid.db.tables import ResultRow, table
from grid.identifiers import Kind

KEY, OTHER = SigningKey(b"a" * 32), SigningKey(b"b" * 32)


def spelled(data: bytes) -> str:
    return base64.b64encode(data).decode()


def enrol(people: People, key: SigningKey = KEY) -> Host:
    body = {"protocol": 1, "kind": "headless", "engine": "deno/2"}
    answer = people.post("/hosts", {**body, "public_key": spelled(bytes(key.verify_key))})
    assert answer.status_code == 201, answer.text
    return Host(people, answer.json())


def signed(said: dict[str, Any], key: SigningKey = KEY, digest: str | None = None) -> Any:
    if digest is None:
        output, message = said.get("output"), said.get("message")
        what = base64.b64decode(output) if output else message.encode() if message else b""
        digest = canonical.digest(what) if what else said.get("output_digest") or ""
    statement = statements.of_report(said["result_id"], said["lease"], said["outcome"], digest)
    return {**said, "signature": spelled(key.sign(statement).signature)}


def kept(people: People, result_id: str) -> Any:
    results = table(ResultRow)
    number = people.internal(Kind.RESULT, result_id)
    with people.store.read() as connection:
        found = connection.execute(select(results).where(results.c.id == number)).one()
    return found._mapping


def test_a_signed_report_counts_and_its_signature_is_kept(people: People) -> None:
    people.job()
    host = enrol(people)
    (mine,) = host.ask()
    said = signed(host.computed(mine))
    (answer,) = host.tell(said)
    assert answer["accepted"], answer
    assert kept(people, mine["result_id"])["signature"] == said["signature"]
    assert host.tell(said) == [answer]


def test_a_report_that_its_host_did_not_sign_is_refused_by_name_and_changes_nothing(
    people: People,
) -> None:
    people.job()
    host = enrol(people)
    (mine,) = host.ask()
    right = host.computed(mine)
    error = {**report(mine, 1), "outcome": "error", "output": None, "message": "no"}
    for said in (
        right,
        {**right, "signature": ""},
        {**right, "signature": "é"},
        {**right, "signature": spelled(bytes(64))},
        signed(right, OTHER),
        {**signed(right), "outcome": "error", "output": None},
        {**signed(report(mine, 1)), "output": right["output"]},
        signed({**right, "lease": "another"}) | {"lease": right["lease"]},
        {**signed(right), "output": "%%%"},
        error,
        {**signed(error), "message": "yes"},
        {**signed(right), "outcome": "released", "output": None},
    ):
        (answer,) = host.tell(said)
        assert answer == {
            "result_id": mine["result_id"], "accepted": False, "reason": "bad_signature",
        }  # fmt: skip
        row = kept(people, mine["result_id"])
        assert (row["outcome"], row["signature"]) == ("init", None)
    assert host.tell(signed(right))[0]["accepted"]


def test_an_error_is_signed_too_and_what_is_given_back_need_not_be(people: People) -> None:
    people.job()
    host = enrol(people)
    first, second, third = host.ask(3)
    error = {**report(first, 1), "outcome": "error", "output": None, "message": "ä\nno"}
    back = [{**report(one, 1), "outcome": "released", "output": None} for one in (second, third)]
    answers = host.tell(signed(error), back[0], signed(back[1]))
    assert [one["accepted"] for one in answers] == [True] * 3
    assert kept(people, first["result_id"])["signature"] == signed(error)["signature"]
    assert kept(people, second["result_id"])["signature"] is None


def test_a_host_without_a_key_signs_nothing_and_nothing_is_kept_of_what_it_invents(
    people: People,
) -> None:
    people.job()
    host = people.host()
    (mine,) = host.ask()
    (answer,) = host.tell({**host.computed(mine), "signature": spelled(bytes(64))})
    assert answer["accepted"]
    assert kept(people, mine["result_id"])["signature"] is None


@pytest.mark.parametrize("key", ["", "x", spelled(bytes(32)), spelled(b"\xff" * 32), "A" * 300, 7])
def test_a_key_that_nobody_can_hold_is_refused_by_name(crowd: People, key: object) -> None:
    body = {"protocol": 1, "kind": "browser", "engine": "x/1", "public_key": key}
    answer = crowd.post("/hosts", body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/public_key"
