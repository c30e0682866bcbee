"""This file is where changes reach whoever watches, and where leaving frees all."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from web_people import API, People, watch

from web import events


def views(pieces: list[bytes]) -> list[dict[str, Any]]:
    """The data of each event."""
    text = b"".join(pieces).decode()
    lines = [line for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_a_job_at_rest_is_told_once_and_the_stream_ends(people: People) -> None:
    job_id = people.job()
    people.finish(job_id, [people.host(), people.host()])
    answer = people.get(f"/jobs/{job_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    (view,) = views([answer.content])
    assert (view["state"], view["progress"], view["sealed"]) == ("completed", 1.0, False)


def test_a_watcher_sees_a_job_through_to_its_end(lively: People) -> None:
    job_id = lively.job()
    seen: list[dict[str, Any]] = []

    def look() -> None:
        seen.extend(views([lively.get(f"/jobs/{job_id}/events").content]))

    watcher = threading.Thread(target=look)
    watcher.start()
    for host in (lively.host(), lively.host()):
        host.compute_all()
        time.sleep(2 * events.PERIOD_S)
    watcher.join(60)
    assert not watcher.is_alive()
    shares = [view["progress"] for view in seen]
    assert shares == sorted(shares)
    assert shares[0] == 0.0 and shares[-1] == 1.0
    assert seen[-1]["state"] == "completed"
    api = lively.get(f"/jobs/{job_id}").json()
    assert all(api[name] == value for name, value in seen[-1].items())


def test_the_servers_own_events_are_what_its_first_page_shows(people: People) -> None:
    people.job()
    people.host().ask()
    (view,) = views(watch(people, f"{API}/events", 1))
    assert (view["hosts_online"], view["jobs_active"], view["hosts_enrolled"]) == (1, 1, 1)


def test_leaving_frees_the_stream_and_its_reader(people: People) -> None:
    job_id = people.job()
    server = people.http.app.state["server"]
    for path in (f"{API}/events", f"{API}/jobs/{job_id}/events"):
        assert watch(people, path, 1)
        assert server.events.streams == 0
    assert server.events._channels == {}
    assert server.events._readers == {}


def test_a_quiet_stream_says_that_it_lives(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    job_id = people.job()
    pieces = watch(people, f"{API}/jobs/{job_id}/events", 3)
    assert len(views(pieces)) == 1
    assert pieces[1:] == [events.HEARTBEAT, events.HEARTBEAT]


def test_streams_are_limited(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "STREAMS_MAX", 0)
    answer = people.get("/events")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_many_changes_are_few_events(people: People) -> None:
    job_id = people.job(dataset=people.dataset(chunk_rows=1))
    seen: list[dict[str, Any]] = []

    def look() -> None:
        seen.extend(views(watch(people, f"{API}/jobs/{job_id}/events", 2)))

    started = time.monotonic()
    watcher = threading.Thread(target=look)
    watcher.start()
    time.sleep(events.PERIOD_S)
    for host in (people.host(), people.host()):
        for mine in host.ask(10):
            host.tell(host.computed(mine))
    watcher.join(60)
    assert len(seen) <= 2 + (time.monotonic() - started) / events.PERIOD_S
