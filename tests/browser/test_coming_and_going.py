"""This file is where pages stop, close, wait for each other, and outlive their server."""

from __future__ import annotations

import time

import fake_server
from browser_visit import Visit
from chromium import DONE, ESCAPES, JOB, START, STATE, STOP, wait
from live import TEST_JOB_TYPES, LiveHost, LiveServer, View, waiting
from playwright.sync_api import Page, expect

SETTINGS = {"job_type_folders": TEST_JOB_TYPES}
ENABLED = ("loops", "tally", "SUM")
#: `loops` takes the eighth power of a chunk's rows: hours.
ROWS = "n\n" + "1\n" * 100
#: A second is promised; a busy machine gets more.
SLACK = 5


def computing(server: LiveServer, visit: Visit) -> tuple[Page, str]:
    """A page in the middle of a work unit that nobody ever finishes, and its job."""
    job_id = server.job("loops", {}, server.dataset(ROWS), min_quorum=1)
    page = visit.page()
    page.click(START)
    expect(page.locator(f"{JOB} a")).to_contain_text("loops")
    wait(lambda: len(page.frames) == 2 and len(page.workers) == 1, page)
    return page, job_id


def taken_at_once(server: LiveServer) -> View:
    """What another host gets without waiting for the deadline, which is ten minutes away."""
    other = LiveHost(server)
    for _ in waiting(SLACK, "the lease to come back"):
        if assignments := other.take():
            assert len(assignments) == 1
            return assignments[0]
    raise AssertionError


def test_row_65_stop_ends_an_endless_loop_gives_it_back_and_is_remembered(
    server: LiveServer, visit: Visit
) -> None:
    page, job_id = computing(server, visit)
    assert LiveHost(server).take() == []
    started = time.monotonic()
    page.click(STOP)
    assert page.locator("iframe").count() == 0
    wait(lambda: page.workers == [], page)
    assert taken_at_once(server)["job"]["id"] == job_id
    assert time.monotonic() - started < 1 * SLACK
    expect(page.locator(STATE)).to_have_text("Stopped.")
    asked = len(visit.asked)
    page.reload()
    page.wait_for_timeout(700)
    assert page.locator("iframe").count() == 0
    # What became of earlier answers is read; nothing more is taken.
    assert not [url for url in visit.asked[asked:] if url.endswith(("/work", "/hosts"))]
    expect(page.locator(START)).to_be_enabled()
    expect(page.locator(STOP)).to_be_disabled()


def test_r01_a_closed_tab_gives_back_what_it_had_begun(server: LiveServer, visit: Visit) -> None:
    page, job_id = computing(server, visit)
    page.close(run_before_unload=True)
    assert taken_at_once(server)["job"]["id"] == job_id
    view = server.view(job_id)
    assert view["state"] == "active"
    assert view["counts"]["decided"] == 0


def test_a_page_left_by_a_link_gives_back_what_it_had_begun(
    server: LiveServer, visit: Visit
) -> None:
    page, job_id = computing(server, visit)
    page.click("nav a[href='/jobs']")
    assert taken_at_once(server)["job"]["id"] == job_id
    # Start was clicked and Stop not since: back on the page, it takes part again.
    server.cancel_open_jobs()
    page.go_back()
    expect(page.locator(STATE)).to_contain_text("Waiting for work")


def test_row_69_one_tab_computes_and_the_second_takes_over_when_it_closes(
    server: LiveServer, visit: Visit
) -> None:
    dataset = server.dataset(ROWS)
    first = visit.page()
    first.click(START)
    expect(first.locator(STATE)).to_contain_text("Waiting for work")
    second = visit.page()
    expect(second.locator(STATE)).to_contain_text("Another tab")
    server.until(server.job("tally", {}, dataset, min_quorum=1), "completed")
    expect(first.locator(DONE)).to_have_text("1")
    first.close(run_before_unload=True)
    server.until(server.job("tally", {}, dataset, min_quorum=1), "completed", 5 * SLACK)
    expect(second.locator(DONE)).to_have_text("1")
    enrolments = [url for url in visit.asked if url.endswith("/hosts")]
    assert len(enrolments) == 1


def test_r15_a_page_outlives_its_server_and_nothing_is_lost(
    server: LiveServer, visit: Visit
) -> None:
    rows = [3 * number for number in range(200)]
    dataset = server.dataset("n\n" + "".join(f"{one}\n" for one in rows), chunk_rows=1)
    job_id = server.job("SUM", {"column": "n"}, dataset, min_quorum=1)
    page = visit.page()
    page.click(START)
    wait(lambda: int(page.locator(DONE).inner_text()) >= 5, page)
    server.terminate()
    assert server.wait() == 0
    wait(lambda: len(visit.complaints) > 0, page)
    server.start()
    kept = server.view(job_id)
    assert kept["state"] == "active"
    assert 5 <= kept["counts"]["decided"] < len(rows)
    server.until(job_id, "completed")
    assert server.output(job_id) == [[sum(rows), len(rows)]]
    expect(page.locator(DONE)).to_have_text(str(len(rows)))
    enrolments = [url for url in visit.asked if url.endswith("/hosts")]
    assert len(enrolments) == 1
    # That is all a console has to say of a server that is away.
    away = ("CONNECTION_REFUSED", "EMPTY_RESPONSE", "CONNECTION_RESET", "status of 503")
    visit.complaints = [one for one in visit.complaints if not any(name in one for name in away)]


def test_r11_the_frame_of_job_code_has_an_opaque_origin_no_storage_and_no_network(
    server: LiveServer, visit: Visit
) -> None:
    page, _ = computing(server, visit)
    page.evaluate("document.cookie = 'ours=1'; localStorage.ours = 1")
    frame = page.frames[1]
    assert frame.url == f"{server.url}/sandbox/frame.html"
    with fake_server.running() as sink:
        # Asked, and refused before anything left the browser.
        visit.allowed.append(f"{sink.url}/")
        origin, *worked = frame.evaluate(ESCAPES, sink.url)
        assert origin == "null"
        # A beacon that the policy refuses still says it was queued.
        assert set(worked) <= {"beacon"}
        page.wait_for_timeout(300)
        assert sink.hits == []
    # What job code itself finds, past every check of text, is tests/unit/client/test_sandbox.py.
    refused = ("Content Security Policy", "sandboxed")
    visit.complaints = [one for one in visit.complaints if not any(it in one for it in refused)]


def test_row_42_an_idle_page_begins_a_new_job_within_two_seconds(
    server: LiveServer, visit: Visit
) -> None:
    dataset = server.dataset(ROWS)
    page = visit.page()
    page.click(START)
    expect(page.locator(STATE)).to_contain_text("Waiting for work")
    page.wait_for_timeout(1500)
    submitted = time.monotonic()
    server.job("loops", {}, dataset, min_quorum=1)
    expect(page.locator(f"{JOB} a")).to_contain_text("loops", timeout=2_000 * SLACK)
    assert time.monotonic() - submitted < 2 * SLACK
