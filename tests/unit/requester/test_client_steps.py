"""This file is where a client's requests are lost, refused and sent again, in both of its kinds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from grid.client import (
    AsyncGrid,
    BadRequest,
    Conflict,
    Forbidden,
    Grid,
    GridError,
    JobCancelled,
    JobFailed,
    NotFound,
    ServerFailed,
    TimedOut,
    TooOften,
    Unauthorized,
    Unreachable,
    as_completed,
    steps,
)

VIEW: dict[str, Any] = {
    "id": "job_1", "name": "x", "state": "completed", "progress": 1.0, "failure": None,
    "counts": {"work_units": 2, "decided": 2},
    "output_columns": [{"name": "sum", "type": "int64"}],
    "_links": {"page": {"href": "/jobs/job_1"}},
}  # fmt: skip
OUTPUT = {"columns": ["sum"], "rows": [["9007199254740993"]]}

Answers = list[httpx.Response | Exception]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits."""
    monkeypatch.setattr(steps.time, "sleep", lambda _: None)
    sleep = asyncio.sleep
    monkeypatch.setattr(steps.asyncio, "sleep", lambda _: sleep(0))


class Line:
    """A line to a server that answers as it was told, and what was sent over it."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.sent = list(answers), []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(said, Exception):
            raise said
        return httpx.Response(said.status_code, headers=said.headers, content=said.content)

    def blocking(self) -> Any:
        grid = Grid("http://grid.example", "token", transport=httpx.MockTransport(self.answer))
        return lambda what: what(grid)

    def awaited(self) -> Any:
        async def ask(what: Callable[[AsyncGrid], Any]) -> Any:
            transport = httpx.MockTransport(self.answer)
            async with AsyncGrid("http://grid.example", "token", transport=transport) as grid:
                return await what(grid)

        return lambda what: asyncio.run(ask(what))


@pytest.fixture(params=["blocking", "awaited"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def asked(line: Line, kind: str, what: Callable[[Any], Any]) -> Any:
    return getattr(line, kind)()(what)


def said(body: Any, code: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(code, json=body, headers=headers)


def problem(code: int, detail: str = "no", **further: Any) -> httpx.Response:
    body = json.dumps({"status": code, "detail": detail, **further})
    kind = {"content-type": "application/problem+json"}
    return httpx.Response(code, content=body, headers=kind)


@pytest.mark.parametrize(
    "lost",
    [httpx.ConnectError("refused"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut"),
     said({}, 503), said({}, 502), said({}, 429, **{"Retry-After": "3"})],
    ids=repr,
)  # fmt: skip
def test_what_was_lost_is_sent_again_under_the_same_key(kind: str, lost: Any) -> None:
    line = Line(lost, lost, said(VIEW, 201))
    job = asked(line, kind, lambda grid: grid.submit("monteCarloPi", seed=1))
    assert job.id == "job_1"
    keys = {request.headers["idempotency-key"] for request in line.sent}
    assert (len(line.sent), len(keys)) == (3, 1)
    assert {request.headers["authorization"] for request in line.sent} == {"Bearer token"}
    body = {"job_type": "monteCarloPi", "spec": {"seed": 1}, "public": True}
    assert [json.loads(request.content) for request in line.sent] == [body] * 3


def test_two_jobs_that_look_the_same_are_two_jobs(kind: str) -> None:
    line = Line(said(VIEW, 201))

    def blocking(grid: Any) -> Any:
        return [grid.submit("pingPong") for _ in range(2)]

    async def awaited(grid: Any) -> Any:
        return [await grid.submit("pingPong") for _ in range(2)]

    asked(line, kind, {"blocking": blocking, "awaited": awaited}[kind])
    assert len({request.headers["idempotency-key"] for request in line.sent}) == 2


def test_it_waits_as_long_as_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(steps.time, "sleep", waited.append)
    line = Line(said({}, 429, **{"Retry-After": "7"}), said({}, 503), said(VIEW))
    asked(line, "blocking", lambda grid: grid.job("job_1"))
    assert waited[0] == 7.0
    assert 0.1 < waited[1] < 1.0


def test_after_all_tries_it_says_why(kind: str) -> None:
    line = Line(httpx.ConnectError("refused"))
    with pytest.raises(Unreachable, match="refused"):
        asked(line, kind, lambda grid: grid.job("job_1"))
    assert len(line.sent) == 6


@pytest.mark.parametrize(
    ("code", "error"),
    [(400, BadRequest), (413, BadRequest), (415, BadRequest), (422, BadRequest),
     (401, Unauthorized), (403, Forbidden), (404, NotFound), (410, NotFound), (409, Conflict),
     (429, TooOften), (500, ServerFailed), (503, ServerFailed), (507, ServerFailed)],
)  # fmt: skip
def test_a_refusal_has_a_type_and_names_its_field(
    kind: str, code: int, error: type[BadRequest]
) -> None:
    wrong = [{"pointer": "/spec/column", "detail": "no"}]
    line = Line(problem(code, "there is no column x", errors=wrong))
    with pytest.raises(error, match="there is no column x") as refused:
        asked(line, kind, lambda grid: grid.submit("SUM", column="x", data="data_1"))
    assert (refused.value.code, refused.value.pointer) == (code, "/spec/column")
    assert isinstance(refused.value, GridError)


def test_what_is_no_json_is_an_error_and_no_traceback(kind: str) -> None:
    page = httpx.Response(502, content=b"<html>Bad Gateway</html>")
    with pytest.raises(ServerFailed, match="Bad Gateway"):
        asked(Line(page), kind, lambda grid: grid.job("x"))
    broken = httpx.Response(200, content=b"{", headers={"content-type": "application/json"})
    with pytest.raises(GridError, match="no JSON"):
        asked(Line(broken), kind, lambda grid: grid.job("x"))


def test_a_result_has_its_columns_types(kind: str) -> None:
    line = Line(said({**VIEW, "state": "active"}, 201), said({**VIEW, "state": "active"}),
                said(VIEW), said(OUTPUT))  # fmt: skip

    async def awaited(grid: Any) -> Any:
        return await (await grid.submit("SUM", column="a", data="data_1"))

    def blocking(grid: Any) -> Any:
        return grid.submit("SUM", column="a", data="data_1").result()

    output = asked(line, kind, {"blocking": blocking, "awaited": awaited}[kind])
    assert output.value == 9007199254740993
    assert output.dicts() == [{"sum": 9007199254740993}]
    assert [request.method for request in line.sent] == ["POST", "GET", "GET", "GET"]


@pytest.mark.parametrize(
    ("state", "error"), [("failed", JobFailed), ("cancelled", JobCancelled), ("active", TimedOut)]
)
def test_a_job_without_an_output_says_what_it_came_to(
    kind: str, state: str, error: type[GridError]
) -> None:
    view = {**VIEW, "state": state, "failure": "row 7 overflows"}

    async def awaited(grid: Any) -> Any:
        return await (await grid.job("job_1")).result(timeout=0)

    def blocking(grid: Any) -> Any:
        return grid.job("job_1").result(timeout=0)

    with pytest.raises(error):
        asked(Line(said(view)), kind, {"blocking": blocking, "awaited": awaited}[kind])


def test_a_job_is_a_future() -> None:
    active, ended = {**VIEW, "state": "active"}, {**VIEW, "state": "cancelled"}
    line = Line(said(active), said(active), said(active), said(ended), said(ended))
    grid = Grid("http://grid.example", transport=httpx.MockTransport(line.answer))
    job = grid.job("job_1")
    assert job.running()
    assert job.cancel(), "it was running"
    assert job.cancelled() and job.done()
    assert not job.cancel(), "it has ended already"
    assert isinstance(job.exception(), JobCancelled)
    assert [one.id for one in as_completed([job, job])] == ["job_1"] * 2
    assert list(as_completed([])) == []
    assert "authorization" not in line.sent[0].headers
    assert [one.url.path for one in line.sent if one.method == "POST"] == [
        "/api/v1/jobs/job_1/cancel"
    ]


def test_lists_are_read_over_all_their_pages() -> None:
    first = {"items": [1, 2], "_links": {"next": {"href": "/api/v1/jobs?limit=2&cursor=c"}}}
    line = Line(said(first), said({"items": [3], "_links": {}}))
    assert asked(line, "blocking", lambda grid: grid.jobs()) == [1, 2, 3]
    assert str(line.sent[1].url) == "http://grid.example/api/v1/jobs?limit=2&cursor=c"
    line = Line(said(first))
    assert asked(line, "blocking", lambda grid: grid.jobs(limit=1)) == [1]


def test_a_job_is_shown_in_terminals_and_notebooks_without_running_what_it_is_called() -> None:
    view = {**VIEW, "name": "<script>alert(1)</script>", "progress": 0.5, "state": "active"}
    job = Grid("http://grid.example", transport=httpx.MockTransport(lambda _: said(view))).job("x")
    assert "<script>" not in job._repr_html_()
    assert "http://grid.example/jobs/job_1" in job._repr_html_()
    assert "50%" in job.__rich__().plain and "2/2 work units" in job.__rich__().plain
    assert repr(job) == "<Job job_1 '<script>alert(1)</script>': active>"
