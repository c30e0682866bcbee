"""This file is where an exchange that fails is answered once, and done once."""

from __future__ import annotations

import pytest
from web_people import API, People

from grid.db.writer import Closed
from web.problems import OUR_FAULT


@pytest.fixture
def calls(people: People, monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What the next exchanges raise; emptied as they are made."""
    waiting: list[Exception] = []
    exchange = people.http.app.state["server"].exchange

    async def work(data: bytes, address: str, receive: object = None) -> bytes:
        raise waiting.pop(0)

    monkeypatch.setattr(exchange, "work", work)
    return waiting


def test_a_bug_of_ours_is_a_500_that_says_nothing_and_is_not_tried_again(
    people: People, calls: list[Exception]
) -> None:
    calls += [RuntimeError("a secret"), RuntimeError("a second try")]
    answer = people.http.post(f"{API}/work", json={"protocol": 1, "token": "x"})
    assert (answer.status_code, answer.json()["detail"]) == (500, OUR_FAULT)
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(calls) == 1


def test_a_server_that_stops_says_when_to_come_back(people: People, calls: list[Exception]) -> None:
    calls += [Closed("stopping"), Closed("stopping")]
    answer = people.http.post(f"{API}/work", json={"protocol": 1, "token": "x"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert calls == []
