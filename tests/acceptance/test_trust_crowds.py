"""This file is where crowds of real processes, honest and not, are put before a real server."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from chromium import START, launched
from live import LiveServer, View, volunteer, waiting
from playwright.sync_api import Route, expect

SETTINGS = {"cold_start_wait_s": 1, "copy_delay_max_s": 1}
ODD = Path(__file__).parents[1] / "odd_volunteer.py"
ROWS = [[n, f"word {n * n}"] for n in range(50)]
TABLE = "n,word\n" + "".join(f"{n},{word}\n" for n, word in ROWS)
WHERE = {"where": "n % 7 = 3 OR word = 'word 4'"}
RIGHT = [row for row in ROWS if row[0] % 7 == 3 or row[0] == 2]
#: One row of every five.
EVERYWHERE = {"where": "n % 5 = 3"}
#: A crowd of newcomers on a busy machine, with one who falls silent for his lease.
CROWD_S = 120


@contextmanager
def odd(server: LiveServer, way: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A volunteer that lies, falls silent or is slow."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, str(ODD), way, server.url],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=ODD.parents[1],
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def token(log: Path) -> str:
    """The host token that an odd volunteer printed."""
    for _ in waiting(30, f"a token in {log}"):
        lines = log.read_text().splitlines()
        if lines:
            return lines[0]
    raise AssertionError


def me(server: LiveServer, host_token: str) -> View:
    """What a host's own page says."""
    return server.get("/hosts/me", token=host_token)


def page_says(server: LiveServer, host_token: str) -> str:
    """What a browser that is this host tells the person before it of its answers."""

    def enrolled_before(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "token": host_token})

    with launched() as browser:
        page = browser.new_page()
        page.route("**/api/v1/hosts", enrolled_before)
        page.goto(f"{server.url}/volunteer")
        page.click(START)
        standing = page.locator('[data-grid="standing"]')
        expect(standing).not_to_have_text("not known yet")
        return standing.inner_text()


def fifty_rows(
    server: LiveServer, chunk_rows: int, spec: View | None = None, **policy: object
) -> str:
    """A job of fifty rows in the mode that is the default, whatever was measured before."""
    body = {
        "job_type": "filterBy",
        "spec": spec or WHERE,
        "dataset": server.dataset(TABLE, chunk_rows=chunk_rows),
        "policy": {"mode": "standard", **policy},
        "workunit_chunks": 1,
    }
    answer = server.ask("POST", "/jobs", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def agreed(view: View) -> dict[str, int]:
    counts = dict(view["support"])
    del counts["weakest_votes"], counts["contested"]
    return counts


def test_a_liar_a_silent_one_and_a_slow_one_beside_two_honest_ones(
    server: LiveServer, tmp_path: Path
) -> None:
    logs = {way: tmp_path / f"{way}.log" for way in ("lying", "silent", "slow")}
    with ExitStack() as stack:
        processes = {way: stack.enter_context(odd(server, way, log)) for way, log in logs.items()}
        tokens = {way: token(log) for way, log in logs.items()}
        job_id = fifty_rows(server, 5, EVERYWHERE, delay_bound_s=5)
        for _ in waiting(CROWD_S, "some lies"):
            if me(server, tokens["lying"])["answers"]["in_sealed_jobs"] > 1:
                break
        for place in (1, 2):
            stack.enter_context(volunteer(server, tmp_path / f"honest-{place}.log"))
        view = server.until(job_id, "completed", CROWD_S)
        assert processes["silent"].poll() is not None, "it fell silent with a copy in its hands"
    assert server.output(job_id) == [row for row in ROWS if row[0] % 5 == 3]
    assert sum(agreed(view).values()) == 10
    liar = me(server, tokens["lying"])
    answers = liar["answers"]
    assert answers["invalid"] + answers["void"] > 1
    assert (answers["valid"], answers["in_sealed_jobs"]) == (0, 0)
    said = page_says(server, tokens["lying"])
    assert re.search("answers were wrong|[1-9][0-9]* wrong.* contradict", said), said
    assert server.get("/volunteers/me", token=tokens["lying"])["credit_micro"] == 0
    wrong = {
        result["by"]
        for unit in server.workunits(job_id)
        for result in unit["results"]
        if result["validate_state"] in ("invalid", "void")
    }
    assert len(wrong) == 1, "nobody else's answers were found wrong"
    slow = me(server, tokens["slow"])
    assert (slow["banned"], slow["answers"]["invalid"], slow["answers"]["void"]) == (None, 0, 0)


def test_with_two_volunteers_a_job_in_the_default_mode_ends(
    server: LiveServer, tmp_path: Path
) -> None:
    job_id = fifty_rows(server, 10)
    with ExitStack() as stack:
        for place in (1, 2):
            stack.enter_context(volunteer(server, tmp_path / f"{place}.log"))
        view = server.until(job_id, "completed", CROWD_S)
    assert server.output(job_id) == RIGHT
    counts = agreed(view)
    assert sum(counts.values()) == 5
    assert counts["trusted"] > 0, "newcomers alone do not reach the target error"
    assert counts["below_target"] == 0


def test_past_the_servers_budget_work_units_are_labelled_and_the_job_ends_all_the_same(
    tmp_path: Path,
) -> None:
    settings = {**SETTINGS, "trusted_floor_s": 0}
    with LiveServer(tmp_path / "server", **settings) as server, ExitStack() as stack:
        server.set_plugin("filterBy")
        job_id = fifty_rows(server, 25)
        for place in (1, 2):
            stack.enter_context(volunteer(server, tmp_path / f"{place}.log"))
        view = server.until(job_id, "completed", CROWD_S)
        assert server.output(job_id) == RIGHT
        assert view["support"]["below_target"] > 0
        assert view["support"]["weakest_votes"] >= 2
        page = server.http.get(f"{server.url}/jobs/{job_id}").text
        assert "below the target error" in page


@pytest.mark.parametrize("headless", [True, False])
def test_r14_with_one_volunteer_a_job_of_fifty_rows_in_the_default_mode_ends(
    server: LiveServer, tmp_path: Path, headless: bool
) -> None:
    job_id = fifty_rows(server, 10)
    with ExitStack() as stack:
        if headless:
            stack.enter_context(volunteer(server, tmp_path / "one.log"))
        else:
            page = stack.enter_context(launched()).new_page()
            page.goto(f"{server.url}/volunteer")
            page.click(START)
        view = server.until(job_id, "completed", CROWD_S)
        if not headless:
            expect(page.locator('[data-grid="standing"]')).to_contain_text("0 wrong")
    assert server.output(job_id) == RIGHT
    assert agreed(view) == {"agreed": 0, "trusted": 5, "below_target": 0}
