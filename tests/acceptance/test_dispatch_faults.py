"""This file is where lost, late and odd work does not stop a grid, as it stopped earlier ones."""

from __future__ import annotations

import os
import time

import pytest
from live import AT_ONCE_S, LiveHost, LiveServer, View, chunks_of, report, waiting

NUMBERS = "n\n" + "".join(f"{number}\n" for number in range(40))
ALL = {"where": "n >= 0"}


def test_r01_a_unit_taken_by_a_closed_browser_goes_to_another(server: LiveServer) -> None:
    dataset = server.dataset(NUMBERS, chunk_rows=10)
    job_id = server.job("filterBy", ALL, dataset, min_quorum=1, delay_bound_s=5)
    (lost,) = LiveHost(server).take(1)
    other = LiveHost(server)
    first = other.compute_all()
    assert chunks_of(lost) not in map(chunks_of, first), "it is held until its deadline"
    for _ in waiting(30, "the lost unit to be offered again"):
        again = other.compute_all()
        if again:
            break
    assert [chunks_of(one) for one in again] == [chunks_of(lost)]
    server.until(job_id, "completed")
    assert server.output(job_id) == [[number] for number in range(40)]


def test_r02_a_lost_unit_does_not_hold_up_the_next_job(server: LiveServer) -> None:
    dataset = server.dataset(NUMBERS, chunk_rows=40)
    first = server.job("filterBy", ALL, dataset, min_quorum=1)
    LiveHost(server).take(1)
    second = server.job("filterBy", ALL, dataset, min_quorum=1)
    given = LiveHost(server).compute_all()
    assert [one["job"]["id"] for one in given] == [second]
    server.until(second, "completed")
    assert server.view(first)["state"] == "active"


def test_r03_units_reported_in_reverse_order_make_an_output_in_order(server: LiveServer) -> None:
    dataset = server.dataset(NUMBERS, chunk_rows=2)
    job_id = server.job("filterBy", ALL, dataset, min_quorum=2)
    for host in (LiveHost(server), LiveHost(server)):
        assignments = host.take(64)
        assert len(assignments) == 20
        for assignment in reversed(assignments):
            assert host.tell(host.computed(assignment))[0]["accepted"]
    server.until(job_id, "completed")
    assert server.output(job_id) == [[number] for number in range(40)]


@pytest.mark.parametrize("rows", [7, 4, 1, 0])
def test_r04_every_row_is_in_the_output_whatever_their_number(
    server: LiveServer, rows: int
) -> None:
    table = [[number, f"row {number}"] for number in range(rows)]
    text = "id,name\n" + "".join(f"{number},{name}\n" for number, name in table)
    dataset = server.dataset(text, chunk_rows=3)
    spec = {"where": "id >= 0"} if rows else {"where": "name = 'x' OR name IS NULL"}
    job_id = server.job("filterBy", spec, dataset, min_quorum=2)
    for host in (LiveHost(server), LiveHost(server)):
        host.compute_all()
    server.until(job_id, "completed")
    assert server.output(job_id) == table


def test_r05_asking_in_vain_costs_nothing_and_keeps_no_work(server: LiveServer) -> None:
    asking = [LiveHost(server) for _ in range(5)]
    asking[0].work(1)
    before = _threads(server), _files(server)
    for _ in range(50):
        for host in asking:
            started = time.monotonic()
            answer = host.work(1)
            assert time.monotonic() - started < AT_ONCE_S
            assert (answer["assignments"], answer["why_no_work"]) == ([], "no_work")
            assert answer["retry_after_s"] > 0
    assert _threads(server) <= before[0] + 2
    assert _files(server) <= before[1] + 5

    dataset = server.dataset(NUMBERS, chunk_rows=4)
    job_id = server.job("filterBy", ALL, dataset, min_quorum=2)
    given = [LiveHost(server).compute_all() for _ in range(2)]
    assert [len(one) for one in given] == [10, 10], "all of it went to those who are still there"
    server.until(job_id, "completed")


@pytest.mark.parametrize("count", [1_500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_r30_thousands_of_inputs_are_each_run_once_and_paged(
    server: LiveServer, count: int
) -> None:
    dataset = server.dataset(_digits(count), chunk_rows=1)
    job_id = server.job("filterBy", {"where": "n < 5"}, dataset, min_quorum=1)
    assert _order(LiveHost(server)) == list(range(count))
    server.until(job_id, "completed")
    assert server.output(job_id) == [[number % 10] for number in range(count) if number % 10 < 5]

    pages = list(server.pages(f"/jobs/{job_id}/workunits"))
    assert {len(page) for page in pages} == {50}
    units = [one for page in pages for one in page]
    assert [one["ordinal"] for one in units] == list(range(count))
    assert {len(one["results"]) for one in units} == {1}, "none was repeated"


def test_r30_a_host_gets_every_input_once_and_no_copy_of_what_it_had(server: LiveServer) -> None:
    count = 600
    job_id = server.job("filterBy", ALL, server.dataset(_digits(count), chunk_rows=1), min_quorum=2)
    first, second = LiveHost(server), LiveHost(server)
    assert _order(first) == list(range(count)), "though the copies wait among them"
    assert first.work(1)["why_no_work"] == "needs_others"
    assert _order(second) == list(range(count))
    assert server.until(job_id, "completed")["outputs"][0]["rows"] == count


def _digits(count: int) -> str:
    """A table of few different rows: few blobs make many chunks."""
    return "n\n" + "".join(f"{number % 10}\n" for number in range(count))


def _order(host: LiveHost) -> list[int]:
    """Compute all there is, by 64; the chunks in the order they came."""
    order: list[int] = []
    known: dict[str, str] = {}
    reports: list[View] = []
    while True:
        answer = host.work(64, reports)
        assert all(said["accepted"] for said in answer["reports"])
        reports = []
        for assignment in answer["assignments"]:
            order += chunks_of(assignment)
            digest = assignment["inputs"][0]["digest"]
            if digest not in known:
                known[digest] = host.computed(assignment)["output"]
            reports.append({**report(assignment, None), "output": known[digest]})
        if not reports:
            return order


def _threads(server: LiveServer) -> int:
    return len(os.listdir(f"/proc/{server.pid}/task"))


def _files(server: LiveServer) -> int:
    return len(os.listdir(f"/proc/{server.pid}/fd"))
