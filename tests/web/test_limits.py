"""This file is where too much is refused: requests, bodies, jobs, bytes, hosts, a full disk."""

from __future__ import annotations

import asyncio
import errno
import gzip
import shutil
import sqlite3
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.strategies import MovingWindowRateLimiter
from web_people import API, PROTOCOL, ROWS_CSV, People, opened

from grid.db import allowances
from grid.db.windows import SharedWindows
from web import allowing, problems, rates
from web.pace import Pace
from web.problems import Problem

#: Two networks that are not this machine's.
HERE, THERE = {"X-Forwarded-For": "198.51.100.7"}, {"X-Forwarded-For": "203.0.113.9"}
SPEC = {"where": "id = 1"}


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """A server with small limits that believes what it is told of where requests come from."""
    with opened(
        tmp_path_factory.mktemp("narrow"),
        run_daemons=False,
        trusted_proxies=("testclient",),
        changes_per_minute=4,
        dear_requests_per_minute=3,
        open_jobs_max=2,
        open_workunits_max=5,
        stored_bytes_max=20_000,
    ) as found:
        yield found


def codes(people: People, times: int, path: str, **asked: Any) -> list[int]:
    return [people.post(path, {}, **asked).status_code for _ in range(times)]


def test_one_token_changes_so_much_in_a_minute_and_another_is_not_kept_waiting(
    narrow: People,
) -> None:
    busy, calm = (narrow.token("busy", "requester") for _ in range(2))
    assert codes(narrow, 5, "/jobs", token=busy, headers=HERE) == [400] * 4 + [429]
    refused = narrow.post("/jobs", {}, busy, headers=THERE)
    assert refused.status_code == 429, "from wherever it is used"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["detail"].startswith("too many of these lately: try again in ")
    assert codes(narrow, 1, "/jobs", token=calm, headers=HERE) == [400]
    assert narrow.get("/jobs", busy, headers=HERE).status_code == 200, "it may go on reading"


def test_one_network_changes_so_much_whatever_tokens_it_has(narrow: People) -> None:
    network = {"X-Forwarded-For": "192.0.2.1"}
    neighbour = {"X-Forwarded-For": "192.0.2.200"}
    found = [narrow.post("/jobs", {}, headers=network).status_code for _ in range(21)]
    # 192.0.2.0/24 is not global, so an address there stands for itself.
    assert found == [401] * 20 + [429]
    assert narrow.post("/jobs", {}, headers=neighbour).status_code == 401
    one = [{"X-Forwarded-For": f"8.8.8.{number}"} for number in range(21)]
    assert [narrow.post("/jobs", {}, headers=each).status_code for each in one][-1] == 429


def test_dear_questions_are_few(narrow: People) -> None:
    path = f"{API}/jobs/job_0/bundle"
    found = [narrow.get(path, headers=THERE).status_code for _ in range(4)]
    assert found == [404] * 3 + [429]


def test_the_machine_itself_and_volunteers_work_are_not_counted(narrow: People) -> None:
    assert codes(narrow, 30, "/work", headers=HERE) == [400] * 30
    for own in ("127.0.0.1", "::1"):
        assert codes(narrow, 25, "/jobs", headers={"X-Forwarded-For": own}) == [401] * 25


def test_an_enrolment_flood_from_one_network_ends(
    narrow: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "HOSTS_OF_NETWORK", RateLimitItemPerMinute(5, 10))
    body = {"protocol": PROTOCOL, "kind": "browser", "engine": "x/1", "capabilities": {}}
    before = narrow.row_counts()["host"]
    found = [
        narrow.post("/hosts", body, headers={"X-Forwarded-For": f"9.9.9.{number}"}).status_code
        for number in range(8)
    ]
    assert found == [201] * 5 + [429] * 3
    assert narrow.row_counts()["host"] == before + 5


def test_two_processes_count_together(tmp_path: Path) -> None:
    first, second = SharedWindows(tmp_path), SharedWindows(tmp_path)
    windows = [MovingWindowRateLimiter(one) for one in (first, second)]
    ten = RateLimitItemPerMinute(10)

    async def take() -> list[bool]:
        return [await windows[number % 2].hit(ten, "somebody") for number in range(12)]

    assert asyncio.run(take()) == [True] * 10 + [False] * 2
    _, left = asyncio.run(windows[0].get_window_stats(ten, "somebody"))
    assert left == 0
    assert asyncio.run(windows[1].hit(ten, "another"))
    assert asyncio.run(first.get(ten.key_for("somebody"))) == 10
    assert asyncio.run(second.incr("k", 60)) == 1
    asyncio.run(first.clear(ten.key_for("somebody")))
    assert asyncio.run(windows[1].hit(ten, "somebody"))
    assert asyncio.run(second.reset()) == 3
    assert asyncio.run(first.check())
    for one in (first, second):
        one.close()


def test_what_has_left_its_window_counts_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("grid.db.windows.time.time", lambda: now[0])
    kept = SharedWindows(tmp_path)
    windows, one = MovingWindowRateLimiter(kept), RateLimitItemPerSecond(1)
    assert asyncio.run(windows.hit(one, "x"))
    assert not asyncio.run(windows.hit(one, "x"))
    now[0] += 1.1
    assert asyncio.run(windows.hit(one, "x"))
    kept.close()


def test_a_requester_has_so_many_open_jobs_and_bytes_and_is_told(narrow: People) -> None:
    mine = narrow.token("quota", "requester")
    answer = narrow.upload(ROWS_CSV, mine)
    dataset = answer.json()["id"]
    made = [narrow.submit(SPEC, dataset, token=mine) for _ in range(3)]
    assert [one.status_code for one in made] == [201, 201, 409]
    assert "2 jobs of yours are open" in made[-1].json()["detail"]
    usage = narrow.get("/usage", mine).json()
    assert usage["open_jobs"] == {"used": 2, "limit": 2}
    assert usage["stored_bytes"]["used"] == answer.json()["bytes"]
    narrow.post(f"/jobs/{made[0].json()['id']}/cancel", None, mine)
    assert narrow.submit(SPEC, dataset, token=mine).status_code == 201
    assert narrow.submit(SPEC, dataset, token=narrow.admin).status_code == 201, "admins may"
    for _ in range(40):
        before = narrow.row_counts()["dataset"]
        last = narrow.upload(ROWS_CSV * 6, mine)
        if last.status_code != 201:
            break
    assert last.status_code == 409 and "your data sets would take" in last.json()["detail"]
    assert narrow.row_counts()["dataset"] == before


def test_a_requester_has_so_many_open_work_units(narrow: People) -> None:
    mine = narrow.token("many", "requester")
    dataset = narrow.upload(ROWS_CSV, mine, chunk_rows=1).json()["id"]
    before = narrow.row_counts()
    refused = narrow.submit(SPEC, dataset, token=mine, workunit_chunks=1)
    assert refused.status_code == 409
    assert "would have 10 work units" in refused.json()["detail"]
    assert narrow.row_counts() == before
    assert narrow.submit(SPEC, dataset, token=mine, workunit_chunks=2).status_code == 201


def test_a_full_disk_is_told_before_and_when_it_happens(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, free = people.dataset(), shutil.disk_usage(".")
    monkeypatch.setattr(allowing.shutil, "disk_usage", lambda _: free._replace(free=10))
    before = people.row_counts()
    for refused in (people.upload(ROWS_CSV), people.submit(SPEC, dataset)):
        assert refused.status_code == 507
        assert "disk is nearly full" in refused.json()["detail"]
    assert people.get("/jobs").status_code == 200, "what is there can be read"
    monkeypatch.undo()

    def fails(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(people.store.blobs, "put", fails)
    answer = people.submit(SPEC, dataset)
    assert answer.status_code == 507 and "nothing was done" in answer.json()["detail"]
    assert people.row_counts() == before
    said = sqlite3.OperationalError("database or disk is full")
    assert problems._disk_is_full(said) and not problems._disk_is_full(ValueError("x"))


def test_allowances_are_counted_by_account(people: People) -> None:
    with people.store.read() as connection:
        nothing = allowances.used(connection, 999)
    assert (nothing.open_jobs, nothing.open_workunits, nothing.stored_bytes) == (0, 0, 0)


@pytest.mark.parametrize("packed", [gzip.compress, zlib.compress])
def test_a_packed_body_is_refused_and_never_unpacked(crowd: People, packed: Any) -> None:
    """A kilobyte of these would be a megabyte: there is nothing here that unpacks."""
    bomb = packed(b"1" * 1_000_000)
    bearer = {"Authorization": f"Bearer {crowd.requester}"}
    for kind, path in (("application/json", "/jobs"), ("text/csv", "/datasets?name=x")):
        headers = {**bearer, "Content-Type": kind, "Content-Encoding": "gzip"}
        answer = crowd.http.post(API + path, content=bomb, headers=headers)
        assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 30_000, b"[" * 5_000 + b"]" * 5_000])
def test_no_depth_of_json_hurts(crowd: People, deep: bytes) -> None:
    headers = {"Authorization": f"Bearer {crowd.requester}", "Content-Type": "application/json"}
    for body in (deep, b'{"job_type":"filterBy","spec":' + deep + b"}"):
        answer = crowd.http.post(f"{API}/jobs", content=body, headers=headers)
        assert answer.status_code == 400


class _Server:
    """As much of one as what keeps the pace asks for."""

    class rates:  # noqa: N801
        @staticmethod
        async def request(_: object) -> None: ...


async def _slowly(pieces: AsyncIterator[bytes], path: str, **limits: float) -> list[int]:
    """What is answered to a body that comes like this."""
    told: list[int] = []

    async def inner(_: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200})

    async def receive() -> dict[str, Any]:
        piece = await anext(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: Any) -> None:
        if "status" in message:
            told.append(message["status"])

    app = type("App", (), {"state": {"server": _Server}})
    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "litestar_app": app}
    await Pace(inner, **limits)(scope, receive, send)  # type: ignore[arg-type]
    return told


@pytest.mark.parametrize(
    ("path", "limits", "code"),
    [
        (f"{API}/jobs", {"body_s": 5.0, "piece_s": 5.0}, 200),
        (f"{API}/jobs", {"body_s": 0.05, "piece_s": 5.0}, 408),
        (f"{API}/jobs", {"body_s": 5.0, "piece_s": 0.001}, 408),
        (f"{API}/datasets", {"body_s": 0.05, "piece_s": 5.0}, 200),
        ("/datasets/new", {"body_s": 0.05, "piece_s": 5.0}, 200),
        (f"{API}/datasets", {"body_s": 5.0, "piece_s": 0.001}, 408),
    ],
)
def test_a_body_that_drips_is_let_go(path: str, limits: dict[str, float], code: int) -> None:
    async def drips() -> AsyncIterator[bytes]:
        for _ in range(10):
            await asyncio.sleep(0.02)
            yield b"x"

    assert asyncio.run(_slowly(drips(), path, **limits)) == [code]


def test_what_watches_for_its_callers_leaving_may_wait_for_ever() -> None:
    async def watching() -> list[str]:
        messages = iter([{"type": "http.request", "body": b"", "more_body": False}])
        seen: list[str] = []

        async def receive() -> Any:
            for one in messages:
                return one
            await asyncio.sleep(0.2)
            return {"type": "http.disconnect"}

        async def inner(_: Any, receive: Any, _send: Any) -> None:
            seen.extend([(await receive())["type"] for _ in range(2)])

        app = type("App", (), {"state": {"server": _Server}})
        scope = {"type": "http", "path": "/", "headers": [], "litestar_app": app}
        await Pace(inner, body_s=0.05, piece_s=0.05)(scope, receive, receive)  # type: ignore[arg-type]
        return seen

    assert asyncio.run(watching()) == ["http.request", "http.disconnect"]


def test_a_problem_behind_a_begun_answer_is_not_answered_twice() -> None:
    async def inner(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        raise Problem(500, "too late")

    async def nothing(*_: Any) -> None: ...

    app = type("App", (), {"state": {"server": _Server}})
    scope = {"type": "http", "path": "/", "headers": [], "litestar_app": app}
    with pytest.raises(Problem):
        asyncio.run(Pace(inner)(scope, nothing, nothing))  # type: ignore[arg-type]
