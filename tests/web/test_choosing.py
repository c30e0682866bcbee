"""This file is where volunteers say over HTTP what they choose, hold and wait for."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from sqlalchemy import update
from web_people import PROTOCOL, Host, People, enable

from grid.db import queries, speeds
from grid.db.tables import VolunteerRow, table
from grid.identifiers import Kind


def asked(host: Host, want: int = 1, **fields: Any) -> dict[str, Any]:
    body = {"protocol": PROTOCOL, "token": host.token, "want": want, **fields}
    answer = host.people.post("/work", body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def jobs(answer: dict[str, Any]) -> list[str]:
    return [one["job"]["id"] for one in answer["assignments"]]


def refused(host: Host, **fields: Any) -> tuple[int, str]:
    body = {"protocol": PROTOCOL, "token": host.token, "want": 1, **fields}
    answer = host.people.post("/work", body)
    return answer.status_code, answer.json()["errors"][0]["pointer"]


def _two_jobs(people: People) -> tuple[str, str]:
    """Ann's job about stars, and bob's about trees; work for many hosts."""
    bob = people.token("bob", "requester")
    policy = {"min_quorum": 20}
    of_ann = people.job(topics=["stars", "demo"], policy=policy)
    data = people.upload("id,name,score\n1,a,2\n", bob).json()["id"]
    spec = {"where": "id = 1"}
    of_bob = people.submit(spec, data, token=bob, topics=["trees"], policy=policy).json()["id"]
    return of_ann, of_bob


@pytest.fixture
def two_jobs(people: People) -> tuple[str, str]:
    return _two_jobs(people)


@pytest.fixture(scope="module")
def shared_jobs(crowd: People) -> tuple[str, str]:
    return _two_jobs(crowd)


WISHES = [
    ({}, {"ann", "bob"}),
    ({"owners": ["ann"]}, {"ann"}),
    ({"owners": ["bob", "nobody"]}, {"bob"}),
    ({"owners": ["nobody"]}, set()),
    ({"refuse_owners": ["ann", "nobody"]}, {"bob"}),
    ({"topics": ["stars", "seas"]}, {"ann"}),
    ({"refuse_topics": ["demo"]}, {"bob"}),
    ({"job_types": ["filterBy"]}, {"ann", "bob"}),
    ({"job_types": ["SUM"]}, set()),
]


@pytest.mark.parametrize(("wish", "owners"), WISHES)
def test_only_work_of_the_wished_owners_and_topics_comes(crowd, shared_jobs, wish, owners):
    names = dict(zip(shared_jobs, ("ann", "bob"), strict=True))
    answer = asked(crowd.host(), 10, **wish)
    assert {names[one] for one in jobs(answer)} == owners
    if not owners:
        assert answer["why_no_work"] == "not_wished"


def test_a_subscribed_host_gets_that_job_alone_until_it_ends(people, two_jobs):
    of_ann, of_bob = two_jobs
    host = people.host()
    assert set(jobs(asked(host, 10, jobs=[of_bob]))) == {of_bob}
    assert asked(host, 10, jobs=[of_bob])["assignments"] == []
    people.post(f"/jobs/{of_bob}/cancel", None, people.admin)
    people.store._clock = lambda: time.time() + 60
    assert set(jobs(asked(people.host(), 10, jobs=[of_bob]))) == {of_ann}


@pytest.mark.parametrize("selector", ["random", "shortest_first", "priority", "by_owner"])
def test_each_selector_gives_work(people, two_jobs, selector):
    assert (
        len(asked(people.host(), 2, selector=selector, owners=["bob", "ann"])["assignments"]) == 2
    )


def test_by_owner_brings_the_dearest_owners_work_first(crowd, shared_jobs):
    of_ann, of_bob = shared_jobs
    wish = {"selector": "by_owner", "owners": ["bob", "ann"]}
    assert jobs(asked(crowd.host(), 2, **wish)) == [of_bob, of_ann]


BAD = [
    ({"slots": -1}, "/slots"),
    ({"leaves_in_s": -5}, "/leaves_in_s"),
    ({"topics": ["Not a topic"]}, "/topics/0"),
    ({"owners": ["x"] * 100}, "/owners"),
    ({"holding": [5]}, "/holding/0"),
    ({"wait": "yes"}, "/wait"),
]


def test_row_44_a_selector_that_is_not_there_is_not_found_and_all_that_are_there_are_told(crowd):
    body = {"protocol": PROTOCOL, "token": crowd.host().token, "want": 1, "selector": "nonsense"}
    answer = crowd.post("/work", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (404, "/selector")
    assert "shortest_first" in answer.json()["detail"]


@pytest.mark.parametrize("sizes", [(1, 8), (8, 1)])
def test_shortest_first_brings_the_work_that_is_done_soonest_first(people, sizes):
    """In whichever order they were submitted."""
    enable(people.store, "monteCarloPi")
    spec = {"streams": 16, "draws": 5_000_000}
    made = [people.job(spec, job_type="monteCarloPi", workunit_points=size) for size in sizes]
    short, long = made if sizes[0] < sizes[1] else reversed(made)
    assert jobs(asked(people.host(), 18, selector="shortest_first")) == [short] * 16 + [long] * 2


@pytest.mark.parametrize(("fields", "pointer"), BAD)
def test_a_wish_that_cannot_be_is_refused_by_name(crowd, fields, pointer):
    assert refused(crowd.host(), **fields) == (400, pointer)


def test_slots_and_the_time_of_leaving_are_minded(people, two_jobs):
    host = people.host()
    answer = asked(host, 5, slots=2)
    assert (len(answer["assignments"]), answer["why_no_work"]) == (2, "too_many_leases")
    other = people.host()
    answer = asked(other, 5, leaves_in_s=100)
    assert (answer["assignments"], answer["why_no_work"]) == ([], "leaving_soon")
    assert asked(other, 5, leaves_in_s=700)["assignments"]


def test_what_was_lost_on_the_way_comes_again_when_the_host_lists_what_it_holds(people):
    people.job()
    host = people.host()
    lost, kept = host.ask(2)
    answer = asked(host, 1, holding=[kept["result_id"], "res_nonsense"][:1])
    (again,) = answer["assignments"]
    assert again["result_id"] == lost["result_id"]
    assert again["lease"] != lost["lease"]
    assert host.tell(host.computed(lost))[0]["reason"] == "bad_lease"
    assert host.tell(host.computed(again))[0]["accepted"]


def test_needs_are_compared_with_what_the_host_says_it_has(people):
    job_id = people.job(needs={"cores": 4, "features": ["wasm"]})

    def enrolled(**capabilities: Any) -> Host:
        body = {
            "protocol": PROTOCOL, "kind": "headless", "engine": "deno/2",
            "capabilities": capabilities,
        }  # fmt: skip
        return Host(people, people.post("/hosts", body).json())

    weak = asked(enrolled(cores=2, features=["wasm"]))
    assert (weak["assignments"], weak["why_no_work"]) == ([], "not_capable")
    assert asked(enrolled(cores=4))["assignments"] == []
    strong = enrolled(cores=4, memory_mb=100, features=["wasm", "simd"], os="linux", score=900)
    assert jobs(asked(strong)) == [job_id]


def test_an_idle_host_is_told_when_to_come_back_each_at_another_time(people):
    pauses = {asked(people.host())["retry_after_s"] for _ in range(8)}
    assert len(pauses) >= 6, "two may meet by chance"
    assert all(0.7 < pause < 1.3 for pause in pauses)


def test_a_host_that_waits_gets_new_work_at_once(people):
    host = people.host()
    data = people.dataset()
    found: list[dict[str, Any]] = []
    started = time.monotonic()
    thread = threading.Thread(target=lambda: found.append(asked(host, 1, wait=True)))
    people.store.settings.__dict__["hold_s"] = 20.0
    thread.start()
    time.sleep(0.3)
    assert thread.is_alive()
    job_id = people.job(dataset=data)
    thread.join(15)
    assert jobs(found[0]) == [job_id]
    assert time.monotonic() - started < 15


def test_a_server_that_stops_lets_nobody_wait(people):
    host = people.host()
    found: list[dict[str, Any]] = []
    people.store.settings.__dict__["hold_s"] = 60.0
    thread = threading.Thread(target=lambda: found.append(asked(host, 1, wait=True)))
    thread.start()
    time.sleep(0.5)
    exchange = people.http.app.state["server"].exchange
    exchange._waiting._loop.call_soon_threadsafe(exchange.close)
    thread.join(20)
    assert found[0]["why_no_work"] == "no_work"
    assert asked(host, 1, wait=True)["assignments"] == []


def test_a_host_waits_in_vain_for_a_moment_only_and_only_if_it_allows(people):
    host = people.host()
    started = time.monotonic()
    assert asked(host)["why_no_work"] == "no_work"
    at_once = time.monotonic() - started
    started = time.monotonic()
    assert asked(host, wait=True)["why_no_work"] == "no_work"
    waited = time.monotonic() - started
    assert waited > people.store.settings.hold_s * 0.9
    assert at_once < waited


def test_waiting_costs_no_transaction(people):
    host = people.host()
    asked(host)
    before = _commits(people)
    asked(host, wait=True)
    assert _commits(people) - before <= 2


def _commits(people: People) -> int:
    with people.store.read() as connection:
        return int(connection.exec_driver_sql("PRAGMA data_version").scalar() or 0)


def test_a_banned_volunteer_is_told_why(people):
    host = people.host()
    number = people.internal(Kind.HOST, host.id)
    with people.store.read() as connection:
        known = queries.host(connection, number)
    rows = table(VolunteerRow)
    ban = update(rows).where(rows.c.id == known.volunteer_id)
    people.store.write(
        lambda tx: tx.connection.execute(ban.values(banned_at=tx.now, ban_reason="two lies"))
    )
    people.job()
    answer = asked(host)
    assert (answer["assignments"], answer["why_no_work"]) == ([], "banned")
    assert answer["ban_reason"] == "two lies"
    assert answer["retry_after_s"] > 30
    assert "ban_reason" not in asked(people.host())


BAD_JOBS = [
    ({"topics": ["no spaces please"]}, "/topics/0"),
    ({"needs": {"cores": 0}}, "/needs/cores"),
    ({"needs": {"gpu": 1}}, "/needs"),
    ({"workunit_chunks": 0}, "/workunit_chunks"),
    ({"policy": {"min_quorum": 2, "target_error": 0.001}}, "/policy/target_error"),
    ({"policy": {"mode": "standard", "min_quorum": 2}}, "/policy/min_quorum"),
    ({"policy": {"mode": "fixed", "target_error": 0.001}}, "/policy/target_error"),
    ({"policy": {"min_engines": 9}}, "/policy/min_engines"),
    ({"policy": {"deadline_s": 0}}, "/policy/deadline_s"),
]


@pytest.mark.parametrize(("further", "pointer"), BAD_JOBS)
def test_a_job_that_asks_for_what_cannot_be_is_refused_by_name(crowd, further, pointer):
    answer = crowd.submit({"where": "id = 1"}, crowd.dataset(), **further)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)


def test_work_units_are_sized_by_measured_speed_unless_somebody_chose(people):
    people.store.settings.__dict__["chunk_rows"] = 100
    rows, spec = "n\n" + "1\n" * 1100, {"where": "n = 1"}
    data, cut = people.dataset(rows), people.dataset(rows, chunk_rows=50)

    def units(dataset: str, **further: Any) -> int:
        job_id = people.job(spec, dataset, **further)
        return int(people.get(f"/jobs/{job_id}").json()["counts"]["work_units"])

    assert units(data) == 11, "nothing was measured yet"
    people.store.write(lambda tx: speeds.keep(tx, {"filterBy": 10_000_000}, {}))
    assert units(data) == 2, "a second a chunk, eight seconds a work unit"
    assert units(data, workunit_chunks=2) == 6
    assert units(cut) == 22, "whoever uploaded it chose the chunks"


def test_a_requester_may_say_how_many_chunks_a_work_unit_has(people):
    data = people.dataset("n\n" + "1\n" * 1003, chunk_rows=5)
    spec = {"where": "n = 1"}
    for chunks, units in ((None, 201), (1, 201), (10, 21)):
        further = {} if chunks is None else {"workunit_chunks": chunks}
        job_id = people.job(spec, data, **further)
        assert people.get(f"/jobs/{job_id}").json()["counts"]["work_units"] == units
