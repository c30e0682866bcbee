"""This file is where programs that never end, or throw, cost a page nothing but their result."""

from __future__ import annotations

from browser_visit import Visit
from chromium import DONE, JOB, START, STATE
from live import TEST_JOB_TYPES, LiveHost, LiveServer, View
from playwright.sync_api import Page, expect

LIMIT_S = 1
SETTINGS = {"job_type_folders": TEST_JOB_TYPES, "compute_time_limit_s": LIMIT_S}
ENABLED = ("loops", "throws", "tally")
#: `loops` takes the eighth power of a chunk's rows: hours.
ROWS = "n\n" + "1\n" * 100


def error_of_the_page(server: LiveServer, job_id: str) -> View:
    """The first copy of the only work unit, once the seal has opened."""
    (unit,) = server.workunits(job_id)
    assert [one["outcome"] for one in unit["results"]] == ["client_error", "client_error"]
    assert unit["error_mask"] == ["TOO_MANY_ERROR_RESULTS"]
    first: View = unit["results"][0]
    return first


def goes_on(server: LiveServer, page: Page, job_id: str) -> None:
    """The page computes the next job as if nothing had been."""
    server.until(job_id, "completed")
    assert server.output(job_id) == [[100]]
    expect(page.locator(DONE)).to_have_text("1")
    expect(page.locator(STATE)).to_contain_text("Waiting for work")


def fails_too(server: LiveServer, job_id: str) -> None:
    """Another host gets the copy that was issued anew, fails at it, and the job is flagged."""
    other = LiveHost(server)
    (again,) = other.take()
    assert again["job"]["id"] == job_id
    lease = {name: again[name] for name in ("result_id", "lease")}
    assert other.tell({**lease, "outcome": "error", "message": "neither here"})[0]["accepted"]
    assert "work unit" in server.until(job_id, "failed")["failure"]


def test_r12_an_endless_program_is_stopped_at_its_limit_and_the_page_goes_on(
    server: LiveServer, visit: Visit
) -> None:
    dataset = server.dataset(ROWS)
    stuck = server.job("loops", {}, dataset, min_quorum=1, max_error_results=2)
    page = visit.page()
    page.click(START)
    expect(page.locator(f"{JOB} a")).to_contain_text("loops")
    frame = page.wait_for_selector("iframe", state="attached")
    after = server.job("tally", {}, dataset, min_quorum=1, priority=-1)
    assert frame is not None
    page.wait_for_function("(frame) => !frame.isConnected", arg=frame)
    goes_on(server, page, after)
    fails_too(server, stuck)
    error = error_of_the_page(server, stuck)
    assert error["message"] == f"stopped at the time limit of {LIMIT_S} s"
    assert LIMIT_S * 1000 <= error["elapsed_ms"] < (LIMIT_S + 5) * 1000


def test_r28_a_program_that_throws_is_reported_with_its_message_and_the_page_goes_on(
    server: LiveServer, visit: Visit
) -> None:
    dataset = server.dataset(ROWS)
    broken = server.job("throws", {}, dataset, min_quorum=1, max_error_results=2)
    after = server.job("tally", {}, dataset, min_quorum=1, priority=-1)
    page = visit.page()
    page.click(START)
    goes_on(server, page, after)
    fails_too(server, broken)
    error = error_of_the_page(server, broken)
    assert error["message"].startswith("TypeError")
    assert "length" in error["message"]
