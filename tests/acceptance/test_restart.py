"""This file is where a server is killed in the middle of a job, comes back, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live import LiveHost, LiveServer, View, volunteer, waiting


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """A server that this test alone may kill."""
    with LiveServer(tmp_path) as one:
        for name in ("filterBy", "SUM"):
            one.set_plugin(name)
        yield one


def _numbers(count: int) -> str:
    return "n\n" + "".join(f"{number}\n" for number in range(count))


def test_r15_after_a_kill_jobs_units_partial_results_and_hosts_are_still_there(
    server: LiveServer,
) -> None:
    dataset = server.dataset(_numbers(60), chunk_rows=5)
    job_id = server.job("filterBy", {"where": "n % 3 = 0"}, dataset, min_quorum=2)
    first, second = LiveHost(server), LiveHost(server)
    done, held = first.take(5), first.take(2)
    receipts = first.tell(*map(first.computed, done))
    assert all(said["accepted"] for said in receipts)
    for assignment in second.take(5):
        assert second.tell(second.computed(assignment))[0]["accepted"]
    for _ in waiting(30, "five units to be decided"):
        if server.view(job_id)["counts"]["decided"] == 5:
            break
    before, units = lasting(server.view(job_id)), server.workunits(job_id)

    server.kill()
    server.start()

    assert lasting(server.view(job_id)) == before
    assert server.workunits(job_id) == units
    assert first.tell(*map(first.computed, done)) == receipts, "the same receipts again"
    assert [said["accepted"] for said in first.tell(*map(first.computed, held))] == [True, True]
    assert len(first.compute_all()) == 5, "what it was given before is not given again"
    assert len(second.compute_all()) == 7
    server.until(job_id, "completed")
    assert server.output(job_id) == [[number] for number in range(0, 60, 3)]


def test_r15_volunteers_go_on_when_the_server_is_back(server: LiveServer, tmp_path: Path) -> None:
    dataset = server.dataset(_numbers(300), chunk_rows=1)
    policy = {"min_quorum": 1, "delay_bound_s": 5}
    job_id = server.job("SUM", {"column": "n"}, dataset, **policy)
    with (
        volunteer(server, tmp_path / "first.log") as first,
        volunteer(server, tmp_path / "second.log") as second,
    ):
        for _ in waiting(60, "the first units"):
            if server.view(job_id)["counts"]["decided"] >= 10:
                break
        server.kill()
        server.start()
        assert server.view(job_id)["state"] == "active", "it was killed in the middle"
        server.until(job_id, "completed")
        assert (first.poll(), second.poll()) == (None, None)
    assert server.output(job_id) == [[sum(range(300)), 300]]


def lasting(view: View) -> View:
    """A job's view without what time alone changes."""
    return {name: value for name, value in view.items() if name != "left_s"}
