"""This file is where a real server keeps what it promises about splitting and dispatch, by row."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from live import LiveHost, LiveServer, View, chunks_of, waiting

SETTINGS = {"hold_s": 30, "daemon_interval_s": 0.2}
NUMBERS = "n\n" + "".join(f"{number}\n" for number in range(40))
ALL = {"where": "n >= 0"}


def job_ids(answer: View) -> list[str]:
    return [one["job"]["id"] for one in answer["assignments"]]


def as_requester(server: LiveServer, name: str, **further: Any) -> str:
    """A job of another requester; its id."""
    made = server.ask("POST", "/admin/tokens", json={"account": name, "scope": "requester"})
    token = made.json()["token"]
    data = server.ask(
        "POST", "/datasets", token=token, params={"name": "rows", "header": "true"},
        headers={"Content-Type": "text/csv"}, content=NUMBERS.encode(),
    )  # fmt: skip
    body = {"job_type": "filterBy", "spec": ALL, "dataset": data.json()["id"], **further}
    answer = server.ask("POST", "/jobs", token=token, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def post_job(server: LiveServer, dataset: str, **further: Any) -> str:
    body = {"job_type": "filterBy", "spec": ALL, "dataset": dataset, **further}
    answer = server.ask("POST", "/jobs", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_row_36_1003_rows_in_fives_are_201_units_and_all_rows_are_covered(server):
    text = "n\n" + "".join(f"{number}\n" for number in range(1003))
    job_id = server.job("filterBy", ALL, server.dataset(text, chunk_rows=5), min_quorum=1)
    assert server.view(job_id)["counts"]["work_units"] == 201
    given = LiveHost(server).compute_all(64)
    assert len(given) == 201
    server.until(job_id, "completed")
    assert server.output(job_id) == [[number] for number in range(1003)]


def test_row_38_three_hosts_share_one_job(server):
    job_id = server.job("filterBy", ALL, server.dataset(NUMBERS, chunk_rows=2), min_quorum=1)
    crew = [LiveHost(server) for _ in range(3)]
    counts = [0, 0, 0]
    while sum(counts) < 20:
        for number, host in enumerate(crew):
            for assignment in host.take(2):
                assert host.tell(host.computed(assignment))[0]["accepted"]
                counts[number] += 1
    assert all(counts)
    server.until(job_id, "completed")


def test_row_39_a_request_brings_one_unit_with_its_code_data_and_deadline(server):
    dataset = server.dataset(NUMBERS, chunk_rows=20)
    job_id = server.job("filterBy", ALL, dataset, min_quorum=1, delay_bound_s=90)
    (assignment,) = LiveHost(server).take(1)
    assert assignment["job"]["id"] == job_id
    assert server.blob(assignment["program"]["url"], assignment["program"]["digest"])
    assert [one["column"] for one in assignment["inputs"]] == ["n"]
    assert 80 < assignment["expires_in_s"] <= 90


def test_row_42_an_idle_host_begins_a_new_job_at_its_submission(server):
    dataset, host = server.dataset(NUMBERS, chunk_rows=20), LiveHost(server)
    found: list[View] = []
    thread = threading.Thread(target=lambda: found.append(host.work(1, wait=True)))
    thread.start()
    time.sleep(0.5)
    assert thread.is_alive(), "it is kept waiting"
    submitted = time.monotonic()
    job_id = server.job("filterBy", ALL, dataset, min_quorum=1)
    thread.join(20)
    assert job_ids(found[0]) == [job_id]
    assert time.monotonic() - submitted < 10, "2 s are promised; this machine may be slow"


@pytest.mark.parametrize("selector", ["random", "shortest_first", "priority", "by_owner"])
def test_row_44_each_selector_can_be_chosen(server, selector):
    server.job("filterBy", ALL, server.dataset(NUMBERS, chunk_rows=20), min_quorum=1)
    assert len(LiveHost(server).work(1, selector=selector)["assignments"]) == 1


def test_row_44_an_unknown_selector_is_refused_by_name(server):
    host = LiveHost(server)
    body = {"protocol": 1, "token": host.token, "want": 1, "selector": "best"}
    answer = server.ask("POST", "/work", token="", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (404, "/selector")


def test_row_45_units_are_handed_out_in_order_and_all_before_any_repeats(server):
    server.job("filterBy", ALL, server.dataset(NUMBERS, chunk_rows=4), min_quorum=1)
    host = LiveHost(server)
    given = [chunks_of(host.take(1)[0]) for _ in range(10)]
    assert given == [(number,) for number in range(10)]
    assert host.take(1) == []


def test_row_46_a_volunteer_gets_only_work_of_the_requester_it_supports(server):
    server.job("filterBy", ALL, server.dataset(NUMBERS, chunk_rows=4), min_quorum=1)
    theirs = as_requester(server, "org A", workunit_chunks=1, policy={"min_quorum": 1})
    host = LiveHost(server)
    assert job_ids(host.work(10, owners=["org A"])) == [theirs]
    answer = host.work(10, owners=["org A"])
    assert answer["assignments"] == []
    assert theirs not in job_ids(LiveHost(server).work(10, refuse_owners=["org A"]))


def test_row_46_a_volunteer_may_choose_topics(server):
    dataset = server.dataset(NUMBERS, chunk_rows=20)
    stars = post_job(server, dataset, topics=["stars"])
    post_job(server, dataset, topics=["trees"])
    assert set(job_ids(LiveHost(server).work(10, topics=["stars"]))) == {stars}
    assert set(job_ids(LiveHost(server).work(10, refuse_topics=["trees"]))) == {stars}


def test_row_48_a_unit_that_needs_four_threads_is_not_sent_to_a_host_with_two(server):
    dataset = server.dataset(NUMBERS, chunk_rows=20)
    needy = post_job(server, dataset, needs={"cores": 4})
    refused = LiveHost(server, cores=2).work(1)
    assert (refused["assignments"], refused["why_no_work"]) == ([], "not_capable")
    assert job_ids(LiveHost(server, cores=4).work(1)) == [needy]


def test_row_52_a_host_that_asks_twenty_times_gets_no_unit_twice(server):
    server.job("filterBy", ALL, server.dataset(NUMBERS, chunk_rows=10), min_quorum=3)
    host = LiveHost(server)
    answers = [host.work(1) for _ in range(20)]
    given = [chunks_of(one) for answer in answers for one in answer["assignments"]]
    assert sorted(given) == [(0,), (1,), (2,), (3,)]
    assert {one["why_no_work"] for one in answers[4:]} == {"needs_others"}


@pytest.mark.parametrize("quorum", [1, 2, 3])
def test_row_53_as_many_equal_answers_as_the_requester_wants(server, quorum):
    dataset = server.dataset(NUMBERS, chunk_rows=40)
    job_id = server.job("filterBy", ALL, dataset, min_quorum=quorum)
    for number in range(quorum):
        assert server.view(job_id)["counts"]["decided"] == 0, number
        LiveHost(server).compute_all()
    server.until(job_id, "completed")
    (unit,) = server.workunits(job_id)
    assert len(unit["results"]) == quorum


def test_r21_row_54_a_host_registers_gets_an_id_and_a_secret_and_expires_when_silent(server):
    dataset = server.dataset(NUMBERS, chunk_rows=40)
    server.job("filterBy", ALL, dataset, min_quorum=1, delay_bound_s=5)
    host, other = LiveHost(server), LiveHost(server)
    assert host.identity["host_id"] != other.identity["host_id"]
    assert len(host.token) >= 32
    assert len(host.take(1)) == 1
    for _ in waiting(60, "the silent host's unit to go to another"):
        if other.take(1):
            break


def test_row_55_a_subscribed_host_gets_only_that_job_until_it_is_complete(server):
    dataset = server.dataset(NUMBERS, chunk_rows=20)
    other = server.job("filterBy", ALL, dataset, min_quorum=1)
    mine = server.job("filterBy", ALL, dataset, min_quorum=1)
    host = LiveHost(server)
    answer = host.work(10, jobs=[mine])
    assert set(job_ids(answer)) == {mine}
    assert host.work(10, jobs=[mine])["assignments"] == []
    host.tell(*map(host.computed, answer["assignments"]))
    server.until(mine, "completed")
    for _ in waiting(40, "the subscription to be over"):
        free = host.work(10, jobs=[mine])
        if free["assignments"]:
            break
    assert set(job_ids(free)) == {other}


def test_row_56_hosts_are_reserved_for_a_job_as_far_as_there_are_any(server):
    dataset = server.dataset(NUMBERS, chunk_rows=20)
    first = server.job("filterBy", ALL, dataset, min_quorum=1)
    second = server.job("filterBy", ALL, dataset, min_quorum=1)
    crew = [LiveHost(server) for _ in range(2)]
    there = sum(not one["reserved"] for one in server.get("/hosts")["items"])
    taken = server.ask("POST", f"/jobs/{second}/reserve", json={"hosts": there}).json()
    assert taken == {"taken": there, "reserved": there}
    refused = server.ask("POST", f"/jobs/{first}/reserve", json={"hosts": 1})
    assert (refused.status_code, refused.json()["detail"]) == (409, "only 0 available")
    for host in crew:
        assert set(job_ids(host.work(1))) <= {second}
    server.ask("POST", f"/jobs/{second}/cancel", json={})
    assert job_ids(crew[0].work(1)) == [first]


def test_row_57_a_host_with_two_slots_never_holds_more_than_two(server):
    server.job("filterBy", ALL, server.dataset(NUMBERS, chunk_rows=4), min_quorum=1)
    host = LiveHost(server)
    first = host.work(5, slots=2)["assignments"]
    assert len(first) == 2
    full = host.work(5, slots=2)
    assert (full["assignments"], full["why_no_work"]) == ([], "too_many_leases")
    again = host.work(5, [host.computed(first[0])], slots=2)
    assert len(again["assignments"]) == 1


def test_row_58_no_unit_whose_deadline_is_past_the_hosts_end_time(server):
    dataset = server.dataset(NUMBERS, chunk_rows=20)
    server.job("filterBy", ALL, dataset, min_quorum=1, delay_bound_s=300)
    host = LiveHost(server)
    short = host.work(1, leaves_in_s=290)
    assert (short["assignments"], short["why_no_work"]) == ([], "leaving_soon")
    assert len(host.work(1, leaves_in_s=310)["assignments"]) == 1


def test_row_59_idle_and_busy_hosts_are_listed_with_what_they_can_do(server):
    server.job("filterBy", ALL, server.dataset(NUMBERS, chunk_rows=20), min_quorum=1)
    LiveHost(server, cores=3, memory_mb=1500, os="linux").take(1)
    newest = server.get("/hosts")["items"][0]
    assert newest == {
        "kind": "headless", "engine": "other", "os": "linux", "cores": 3, "memory_mb": 1500,
        "busy": True, "reserved": False,
    }  # fmt: skip


def test_row_60_a_job_past_its_deadline_ends_and_says_so(server):
    dataset = server.dataset(NUMBERS, chunk_rows=20)
    job_id = server.job("filterBy", ALL, dataset, min_quorum=1, deadline_s=2)
    for _ in waiting(60, "the deadline to pass"):
        view = server.view(job_id)
        if view["state"] != "active":
            break
    assert view["state"] in ("failed", "cancelled")
    assert "deadline" in (view["failure"] or "")
    assert LiveHost(server).take(1) == []


def test_lost_results_are_given_again_to_the_host_that_lists_what_it_holds(server):
    server.job("filterBy", ALL, server.dataset(NUMBERS, chunk_rows=20), min_quorum=1)
    host = LiveHost(server)
    lost, kept = host.take(2)
    (again,) = host.work(1, holding=[kept["result_id"]])["assignments"]
    assert again["result_id"] == lost["result_id"]
    refused, *_ = host.tell(host.computed(lost))
    assert refused["reason"] == "bad_lease"
    assert host.tell(host.computed(again), host.computed(kept))[0]["accepted"]
