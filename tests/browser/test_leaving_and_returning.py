"""This file is where visitors of another site stop, come back, and outlive the server, in three
real browsers."""

from __future__ import annotations

import time

import pytest
from embed_hosts import agree, look_inside, put, script
from fake_server import FakeServer
from live import TEST_JOB_TYPES, LiveHost, LiveServer, waiting
from webdriver import Remote

#: Three browsers take minutes.
pytestmark = pytest.mark.slow

SETTINGS = {"job_type_folders": TEST_JOB_TYPES}
ENABLED = ("loops", "monteCarloPi")
#: What is promised, and what a busy machine gets more.
STOP_MS, SLACK = 100, 5
#: `loops` takes the eighth power of a chunk's rows: hours.
ROWS = "n\n" + "1\n" * 100
PI = {"streams": 10, "draws": 1_000_000}
STATE, DONE = "[data-grid=state]", "[data-grid=done]"
CLICK_STOP = """
const began = performance.now();
document.querySelector("[data-grid=stop]").click();
return [performance.now() - began, document.querySelectorAll("iframe").length];
"""


def looping(server: LiveServer, site: FakeServer, browser: Remote) -> str:
    """A visitor who said yes, in the middle of a work unit that nobody ever finishes; its job."""
    job_id = server.job("loops", {}, server.dataset(ROWS), min_quorum=1)
    browser.get(put(site, "/", script(server)))
    agree(browser, duty="100")
    look_inside(browser)
    browser.see(STATE, "Computing.")
    browser.until(lambda: browser.run("return document.querySelector('iframe') !== null"), "it")
    return job_id


def busy_s(browser: Remote, over_s: float = 2) -> float:
    """Seconds of processor time in a second."""
    before, began = browser.cpu_s(), time.monotonic()
    time.sleep(over_s)
    return (browser.cpu_s() - before) / (time.monotonic() - began)


def test_stop_ends_an_endless_loop_within_a_tenth_of_a_second_and_lasts(
    server: LiveServer, site: FakeServer, browser: Remote
) -> None:
    looping(server, site, browser)
    spinning = busy_s(browser)
    took_ms, frames = browser.run(CLICK_STOP)
    print(f"{browser.name}: stopped in {took_ms:.1f} ms, {STOP_MS} ms promised")
    assert frames == 0
    assert took_ms < STOP_MS * SLACK
    assert busy_s(browser) < spinning / 3
    for _ in waiting(5 * SLACK, "the lease to come back"):
        if LiveHost(server).take(1):
            break
    browser.see(STATE, "Stopped.")
    browser.leave()
    browser.reload()
    browser.enter("grid-volunteer iframe")
    browser.find("[data-taking-part=no]")
    assert browser.run("return document.querySelector('iframe')") is None


def test_a_page_that_is_loaded_anew_goes_on(
    server: LiveServer, site: FakeServer, browser: Remote
) -> None:
    looping(server, site, browser)
    browser.leave()
    browser.reload()
    look_inside(browser)
    browser.see(STATE, "Computing.")


def test_a_finished_answer_outlives_the_server_and_is_sent_once(
    server: LiveServer, site: FakeServer, browser: Remote
) -> None:
    job_id = server.job("monteCarloPi", PI, points=1, min_quorum=1)
    browser.get(put(site, "/", script(server)))
    agree(browser, duty="10")
    look_inside(browser)
    done = f"return Number(document.querySelector('{DONE}').textContent)"
    browser.until(lambda: browser.run(done) >= 2, "two to be done")
    server.terminate()
    assert server.wait() == 0
    browser.see("[data-grid=kept]", "for the server")
    server.start()
    server.until(job_id, "completed")
    assert server.output(job_id) == [[3.140956, 7_852_390, 10_000_000]]
    browser.until(lambda: browser.run(done) == 10, "the page to have heard of all ten")
    units = server.workunits(job_id)
    assert [len(unit["results"]) for unit in units] == [1] * 10, "none lost, none computed twice"
