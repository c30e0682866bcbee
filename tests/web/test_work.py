"""This file is where `/work` is tested: each item gets a reason, and only right ones count."""

from __future__ import annotations

import base64
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlmodel import select
from web_people import API, Host, People, enable, output_of, report

from grid import leases
from grid.db.store import Store
from grid.db.tables import HostRow, ResultRow, table
from grid.identifiers import Kind
from grid.leases import Lease
from grid.plugins.contract import INLINE_BYTES_MAX
from grid.settings import Settings
from web.app import create_app


class Clock:
    """The server's time, in a test's hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def result_rows(people: People) -> list[Any]:
    with people.store.read() as connection:
        return [tuple(row) for row in connection.execute(select(table(ResultRow)))]


def test_the_same_report_again_gets_the_same_receipt(people: People) -> None:
    people.job()
    host = people.host()
    right = host.computed(host.ask()[0])
    (first,) = host.tell(right)
    before = result_rows(people)
    (second,) = host.tell(right)
    assert first == second
    assert first["accepted"] and len(first["receipt"]) == 32
    assert result_rows(people) == before


def test_another_answer_on_the_same_lease_is_refused(people: People) -> None:
    people.job()
    host = people.host()
    (mine,) = host.ask()
    host.tell(host.computed(mine))
    before = result_rows(people)
    for other in (
        report(mine, {"other": 1}),
        {**report(mine, 1), "outcome": "error", "message": "no", "output": None},
        {**report(mine, 1), "outcome": "released", "output": None},
    ):
        (said,) = host.tell(other)
        assert (said["accepted"], said["reason"]) == (False, "already_reported")
    assert result_rows(people) == before


def test_r7_unknown_foreign_and_forged_reports_change_nothing(people: People) -> None:
    job_id = people.job()
    host, thief = people.host(), people.host()
    (mine,) = host.ask()
    (theirs,) = thief.ask()
    right = host.computed(mine)
    number = people.internal(Kind.RESULT, mine["result_id"])
    key = people.store.keyring.lease_key
    stale = Lease(
        result_id=number,
        host_id=people.internal(Kind.HOST, host.id),
        deadline=people.store.now() + 99,
        epoch=9,
    )
    before, counts = result_rows(people), people.get(f"/jobs/{job_id}").json()["counts"]
    for who, said, reason in (
        (host, {**right, "result_id": "res_" + "a" * 26}, "unknown_result"),
        (host, {**right, "result_id": "17"}, "unknown_result"),
        (host, {**right, "result_id": job_id}, "unknown_result"),
        (thief, right, "not_yours"),
        (thief, {**right, "lease": theirs["lease"]}, "not_yours"),
        (host, {**right, "lease": theirs["lease"]}, "bad_lease"),
        (host, {**right, "lease": ""}, "bad_lease"),
        (host, {**right, "lease": "é" * 30}, "bad_lease"),
        (host, {**right, "lease": "AAAA" * 9}, "bad_lease"),
        (host, {**right, "lease": leases.sign(key, stale)}, "bad_lease"),
    ):
        (answer,) = who.tell(said)
        assert answer == {"result_id": said["result_id"], "accepted": False, "reason": reason}
    assert result_rows(people) == before
    assert people.get(f"/jobs/{job_id}").json()["counts"] == counts
    host.tell(right)
    thief.tell(thief.computed(theirs))
    assert people.finish(job_id, [host, thief])["state"] == "completed"


def impossible_outputs(right: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Reports that no honest program makes: what is wrong → report."""
    text = base64.b64decode(right["output"])

    def of(data: bytes) -> dict[str, Any]:
        return {**right, "output": base64.b64encode(data).decode()}

    return {
        "nothing": {**right, "output": None},
        "no base64": {**right, "output": "%%%"},
        "no base64 either": {**right, "output": "é"},
        "empty": of(b""),
        "no JSON": of(b"{"),
        "no UTF-8": of(b'"\xff"'),
        "another spelling": of(b" " + text),
        "a float": of(b"1.5"),
        "another type": of(b"[]"),
        "null": of(b"null"),
        "nested deep": of(b"[" * 40_000 + b"]" * 8_000),
        "bytes behind": of(text + b"\n"),
        "too long": of(b'"' + b"a" * INLINE_BYTES_MAX + b'"'),
        "an unknown key": of(text[:-1] + b',"z":1}'),
    }


def test_an_output_that_no_program_makes_is_its_hosts_error(people: People) -> None:
    cases = impossible_outputs({"output": ""})
    job_id = people.job(
        dataset=people.dataset(chunk_rows=10),
        policy={"max_error_results": len(cases) + 1, "max_total_results": 100},
    )
    for what in cases:
        host = people.host()
        (mine,) = host.ask()
        (answer,) = host.tell(impossible_outputs(host.computed(mine))[what])
        assert (answer["accepted"], answer["reason"]) == (False, "bad_output"), what
    with people.store.read() as connection:
        outcomes = [row.outcome for row in connection.execute(select(table(ResultRow)))]
    assert outcomes.count("validate_error") == len(cases)
    people.finish(job_id, [people.host(), people.host()])
    rows = people.get(f"/jobs/{job_id}/output").json()["rows"]
    assert rows == [[9, "Suyash", 5], [1, "Suyash", 3], [9, "Suyash", 9]]


def test_r28_a_failing_program_is_told_with_its_message(people: People) -> None:
    dataset = people.dataset(chunk_rows=10)
    job_id = people.job(dataset=dataset, policy={"max_error_results": 2})
    for _ in range(2):
        host = people.host()
        (mine,) = host.ask()
        said = {"result_id": mine["result_id"], "lease": mine["lease"], "outcome": "error"}
        (answer,) = host.tell({**said, "message": "stack overflow " + "x" * 900})
        assert answer["accepted"]
    people.settle()
    view = people.get(f"/jobs/{job_id}").json()
    assert view["state"] == "failed"
    assert view["failure"].startswith("work unit 0 gave up (too many error results): ")
    assert view["failure_messages"] == ["stack overflow " + "x" * 485]


def test_a_released_lease_goes_to_the_next_host_at_once(people: People) -> None:
    people.job(dataset=people.dataset(chunk_rows=10), policy={"min_quorum": 1})
    leaver, next_one = people.host(), people.host()
    (mine,) = leaver.ask()
    assert next_one.ask() == []
    said = {"result_id": mine["result_id"], "lease": mine["lease"], "outcome": "released"}
    assert leaver.tell(said)[0]["accepted"]
    assert len(next_one.ask()) == 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(tmp_path: Path, clock: Clock) -> Any:
    """People whose server's clock is in the test's hand."""
    settings = Settings(data_dir=tmp_path / "data", default_mode="fixed")
    store = Store(settings, clock=clock)
    enable(store, "filterBy")
    app = create_app(settings, store, run_daemons=False)
    with TestClient(app, base_url="http://grid.example") as http:
        yield People(http, store)
    store.close()


def one_unit(people: People, **policy: Any) -> str:
    return people.job(dataset=people.dataset(chunk_rows=10), policy=policy)


def test_a_late_report_counts_until_the_work_unit_is_settled(timed: People, clock: Clock) -> None:
    job_id = one_unit(timed, min_quorum=2, delay_bound_s=10)
    slow, quick, another = timed.host(), timed.host(), timed.host()
    (slowly,) = slow.ask()
    quick.compute_all()
    clock.now += 11
    timed.settle()
    assert len(another.ask()) == 1
    (said,) = slow.tell(slow.computed(slowly))
    assert (said["accepted"], said["reason"]) == (True, "late")
    timed.settle()
    assert timed.get(f"/jobs/{job_id}").json()["state"] == "completed"


def test_a_report_after_everything_is_too_late(timed: People, clock: Clock) -> None:
    one_unit(timed, min_quorum=1, delay_bound_s=10)
    slow, quick = timed.host(), timed.host()
    (slowly,) = slow.ask()
    clock.now += 11
    timed.settle()
    quick.compute_all()
    timed.settle()
    (said,) = slow.tell(slow.computed(slowly))
    assert (said["accepted"], said["reason"]) == (False, "too_late")


def test_a_renewed_lease_holds_longer(timed: People, clock: Clock) -> None:
    one_unit(timed, min_quorum=1, delay_bound_s=10)
    host = timed.host()
    (mine,) = host.ask()
    clock.now += 8
    held = {"result_id": mine["result_id"], "lease": mine["lease"]}
    unknown = {"result_id": "res_x", "lease": mine["lease"]}
    forged = {"result_id": mine["result_id"], "lease": "AAAA" * 9}
    good, *bad = host.work(renew=[held, unknown, forged]).json()["renewed"]
    assert (good["expires_in_s"], good["deadline"]) == (10, clock.now + 10)
    assert [one["reason"] for one in bad] == ["unknown_result", "bad_lease"]
    clock.now += 8
    timed.settle()
    (said,) = host.tell({**host.computed(mine), "lease": good["lease"]})
    assert said["accepted"] and "reason" not in said
    assert host.work(renew=[held]).json()["renewed"][0]["reason"] == "over"


def test_r1_a_silent_hosts_work_goes_to_another(timed: People, clock: Clock) -> None:
    one_unit(timed, min_quorum=1, delay_bound_s=5)
    gone, there = timed.host(), timed.host()
    (lost,) = gone.ask()
    assert there.ask() == []
    clock.now += 6
    timed.settle()
    (found,) = there.ask()
    assert found["inputs"] == lost["inputs"]
    assert found["result_id"] != lost["result_id"]


def test_r5_asking_an_empty_queue_is_quick_and_leaves_nothing_behind(people: People) -> None:
    host = people.host()
    host.ask()
    before = threading.active_count()
    started = time.monotonic()
    for _ in range(50):
        answer = host.work(3).json()
        assert answer["why_no_work"] == "no_work"
        assert answer["retry_after_s"] > 0
    assert time.monotonic() - started < 50
    assert threading.active_count() <= before
    job_id = people.job()
    assert people.finish(job_id, [people.host(), people.host()])["state"] == "completed"


def test_nobody_gets_two_copies_of_one_work_unit(people: People) -> None:
    people.job()
    host = people.host()
    found = [one["inputs"][0]["chunk"] for _ in range(20) for one in host.ask()]
    assert sorted(found) == [0, 1, 2]
    assert host.work(1).json()["why_no_work"] == "needs_others"


def test_a_report_and_the_next_assignment_are_one_request(people: People) -> None:
    people.job()
    host = people.host()
    (mine,) = host.ask()
    body = host.work(1, [host.computed(mine)]).json()
    assert body["reports"][0]["accepted"] and len(body["assignments"]) == 1


def test_an_assignment_says_what_to_fetch_and_nothing_of_the_work_unit(people: People) -> None:
    job_id = people.job({"where": "name = 'Suyash' AND score > 1"})
    (mine,) = people.host().ask()
    assert set(mine) == {
        "result_id", "lease", "job", "program", "columns", "inputs", "params", "limits",
        "deadline", "expires_in_s",
    }  # fmt: skip
    assert mine["job"]["id"] == job_id
    assert [one["name"] for one in mine["columns"]] == ["name", "score"]
    assert [one["column"] for one in mine["inputs"]] == ["name", "score"]
    for part in mine["inputs"]:
        data = people.http.get(part["url"], headers={"Accept-Encoding": "identity"})
        assert len(data.content) == part["bytes"]
        assert data.headers["etag"] == f'"{part["digest"]}"'
    units = people.get(f"/jobs/{job_id}/workunits").json()["items"]
    assert not [unit for unit in units if unit["id"] in str(mine)]


def test_hosts_are_seen_and_counted(people: People) -> None:
    people.job()
    hosts = [people.host(), people.host()]
    for host in hosts:
        host.compute_all()
    server = people.http.app.state["server"]
    live = server.presence.live(people.store.now())
    assert (live.hosts_online, live.results_per_min) == (2, 6)
    with people.http.portal() as portal:
        portal.call(server.presence.note)
    with people.store.read() as connection:
        seen = [row.last_seen_at for row in connection.execute(select(table(HostRow)))]
    assert min(seen) >= people.store.now() - 5
    gone = server.presence.live(people.store.now() + 1000)
    assert (gone.hosts_online, gone.results_per_min) == (0, 0)


def test_r6_a_lie_never_reaches_the_output(people: People) -> None:
    job_id = one_unit(people, min_quorum=2)
    liar, *honest = [people.host() for _ in range(3)]
    (mine,) = liar.ask()
    other = people.job({"where": "name = 'Bimal'"}, people.dataset(chunk_rows=10))
    right = output_of(people.store, mine)
    lie = output_of(people.store, {**mine, "job": {"id": other}})
    assert lie != right
    assert liar.tell(report(mine, lie))[0]["accepted"]
    people.post(f"/jobs/{other}/cancel", None, people.requester)
    people.finish(job_id, honest)
    rows = people.get(f"/jobs/{job_id}/output").json()["rows"]
    assert rows == [[9, "Suyash", 5], [1, "Suyash", 3], [9, "Suyash", 9]]
    (unit,) = people.get(f"/jobs/{job_id}/workunits").json()["items"]
    states = sorted(one["validate_state"] for one in unit["results"])
    assert states == ["invalid", "valid", "valid"]
    assert unit["verdict"] == "2 equal answers of 2 needed, 1 other"


def test_answers_survive_a_restart(people: People, tmp_path: Path) -> None:
    job_id = people.job()
    host = people.host()
    (mine,) = host.ask()
    right = host.computed(mine)
    (first,) = host.tell(right)
    store = Store(people.store.settings)
    app = create_app(people.store.settings, store, run_daemons=False)
    with TestClient(app, base_url="http://grid.example") as http:
        again = Host.__new__(Host)
        again.people, again.identity, again.token, again.id = (
            People.__new__(People), host.identity, host.token, host.id,
        )  # fmt: skip
        again.people.http, again.people.store = http, store
        assert again.tell(right) == [first]
        (second,) = again.ask()
        assert again.tell(again.computed(second))[0]["accepted"]
        assert http.get(f"{API}/jobs/{job_id}").json()["state"] == "active"
    store.close()
