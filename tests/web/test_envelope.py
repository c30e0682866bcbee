"""This file is where a `/work` request as a whole is wrong, and a problem says how."""

from __future__ import annotations

from typing import Any

import pytest
from web_people import API, PROTOCOL, People


def work_body(token: str, changes: Any = None) -> dict[str, Any]:
    return {"protocol": PROTOCOL, "token": token, "want": 0, **(changes or {})}


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"protocol": 2}, 409, None),
        ({"protocol": 2, "unheard": "of"}, 409, None),
        ({"protocol": None}, 400, "/protocol"),
        ({"token": "nobody's"}, 401, None),
        ({"token": 1}, 400, "/token"),
        ({"want": -1}, 400, "/want"),
        ({"want": 65}, 400, "/want"),
        ({"want": "1"}, 400, "/want"),
        ({"reports": [{}]}, 400, "/reports/0/result_id"),
        ({"reports": 3}, 400, "/reports"),
        ({"reports": [{"result_id": "r", "lease": "l", "outcome": "fine"}]}, 400,
         "/reports/0/outcome"),
        ({"reports": [{"result_id": "r", "lease": "l", "outcome": "error"}] * 65}, 400, "/reports"),
        ({"renew": [{"result_id": "r", "lease": "l"}] * 65}, 400, "/renew"),
        ({"unknown": 1}, 400, "/unknown"),
    ],
)  # fmt: skip
def test_a_bad_envelope_is_a_problem(
    crowd: People, changes: dict[str, Any], code: int, pointer: str | None
) -> None:
    answer = crowd.post("/work", work_body(crowd.host().token, changes))
    assert answer.status_code == code, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer is None or answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 10_000])
def test_a_body_that_is_no_envelope_is_a_problem(crowd: People, body: bytes) -> None:
    assert crowd.http.post(f"{API}/work", content=body).status_code == 400


def test_too_much_at_once_is_a_413(crowd: People) -> None:
    body = b'{"token": "' + b"x" * 200_001
    assert crowd.http.post(f"{API}/work", content=body).status_code == 413


def test_a_requesters_token_is_no_hosts(crowd: People) -> None:
    answer = crowd.post("/work", work_body(crowd.requester))
    assert answer.status_code == 400 and "token" in answer.text, "it is longer than any host's"
