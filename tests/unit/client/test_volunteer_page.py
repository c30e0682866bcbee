"""This file is where the volunteer page takes part in a real browser."""

from __future__ import annotations

import pytest
from chromium import DONE, JOB, START, STATE, STOP, OpenPage, wait
from fake_server import FakeServer, Unit
from playwright.sync_api import Route, expect

from grid import canonical

SQUARE = '(function (inputs, params) { "use strict"; return params * params; })'
LOOP = '(function () { "use strict"; for (;;); })'


def outcomes(server: FakeServer) -> list[str]:
    """Of every report that came, in order."""
    return [one["outcome"] for request in server.requests for one in request["reports"]]


def test_nothing_runs_before_a_click_and_one_visit_finishes_everything(
    server: FakeServer, open_page: OpenPage
) -> None:
    units = [server.add(Unit(SQUARE, params=n)) for n in range(10)]
    page = open_page()
    page.wait_for_timeout(500)
    assert server.hosts == []
    assert page.locator("iframe").count() == 0
    page.click(START)
    expect(page.locator(DONE)).to_have_text("10", timeout=20_000)
    assert [unit.output for unit in units] == [canonical.dumps(n * n) for n in range(10)]
    expect(page.locator(STATE)).to_contain_text("Waiting for work")
    # The one that is computed, and the next.
    assert server.requests[0]["want"] == 2


def test_the_page_shows_whose_job_it_computes(server: FakeServer, open_page: OpenPage) -> None:
    server.add(Unit(LOOP))
    page = open_page()
    page.click(START)
    link = page.locator(f"{JOB} a")
    expect(link).to_have_text("A <b>job (SUM)")
    expect(link).to_have_attribute("href", f"{server.url}/jobs/j1")


def test_stop_ends_even_a_spinning_program_gives_it_back_and_is_remembered(
    server: FakeServer, open_page: OpenPage
) -> None:
    unit = server.add(Unit(LOOP))
    page = open_page()
    page.click(START)
    wait(lambda: unit.holder is not None and page.locator("iframe").count() == 1, page)
    page.click(STOP)
    assert page.locator("iframe").count() == 0
    wait(lambda: unit.holder is None, page)
    assert outcomes(server) == ["released"]
    asked = len(server.requests)
    page.reload()
    page.wait_for_timeout(500)
    assert len(server.requests) == asked
    page.click(START)
    wait(lambda: unit.holder is not None, page)
    assert len(server.hosts) == 1


def test_a_program_that_never_ends_is_stopped_at_its_limit_and_reported(
    server: FakeServer, open_page: OpenPage
) -> None:
    stuck, after = server.add(Unit(LOOP, time_limit_s=0.5)), server.add(Unit(SQUARE, params=3))
    page = open_page()
    page.click(START)
    wait(lambda: bool(after.reports), page)
    assert stuck.reports[0]["outcome"] == "error"
    assert stuck.reports[0]["message"] == "stopped at the time limit of 0.5 s"
    assert after.output == b"9"


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ('(function () { throw new Error("out of cheese"); })', "Error: out of cheese"),
        ("(function () { return 0.5; })", "only integers below 2^53"),
        ("(function (", "SyntaxError"),
        ("42", "not a function"),
    ],
)
def test_a_program_that_fails_is_reported_and_the_next_one_runs(
    server: FakeServer, open_page: OpenPage, program: str, message: str
) -> None:
    bad, good = server.add(Unit(program)), server.add(Unit(SQUARE, params=3))
    page = open_page()
    page.click(START)
    wait(lambda: bool(good.reports), page)
    assert bad.reports[0]["outcome"] == "error"
    assert message in bad.reports[0]["message"]
    assert good.output == b"9"


def test_closing_the_page_gives_back_the_lease(server: FakeServer, open_page: OpenPage) -> None:
    unit = server.add(Unit(LOOP))
    page, other = open_page(), open_page()
    page.click(START)
    expect(page.locator(f"{JOB} a")).to_be_visible()
    page.close(run_before_unload=True)
    wait(lambda: unit.holder is None, other)
    assert outcomes(server) == ["released"]


def test_a_second_tab_says_so_and_takes_over_when_the_first_closes(
    server: FakeServer, open_page: OpenPage
) -> None:
    first = open_page()
    first.click(START)
    expect(first.locator(STATE)).to_contain_text("Waiting for work")
    # Start was clicked in this browser: the second tab would take part by itself.
    second = open_page()
    expect(second.locator(STATE)).to_contain_text("Another tab")
    server.add(Unit(SQUARE, params=2))
    expect(first.locator(DONE)).to_have_text("1")
    first.close()
    unit = server.add(Unit(SQUARE, params=3))
    expect(second.locator(DONE)).to_have_text("1", timeout=5_000)
    assert unit.output == b"9"


def test_a_report_whose_receipt_was_lost_is_sent_again_unchanged(
    server: FakeServer, open_page: OpenPage
) -> None:
    unit = server.add(Unit(SQUARE, params=3))
    page = open_page()
    page.route("**/api/v1/blobs/**", lambda route: (setattr(server, "lose", 1), route.continue_()))
    page.click(START)
    expect(page.locator(DONE)).to_have_text("1", timeout=20_000)
    sent = [report for request in server.requests for report in request["reports"]]
    assert len(sent) == 2
    assert sent[0] == sent[1] == unit.reports[0]


def test_inputs_that_do_not_come_are_asked_for_again(
    server: FakeServer, open_page: OpenPage
) -> None:
    unit = server.add(Unit(SQUARE, params=3))
    page = open_page()
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.request.url)
            route.abort()

    page.route("**/api/v1/blobs/**", lose_the_first)
    page.click(START)
    expect(page.locator(DONE)).to_have_text("1", timeout=20_000)
    assert len(lost) == 1
    assert outcomes(server) == ["success"]
    assert unit.output == b"9"


def test_a_server_in_trouble_is_asked_again(server: FakeServer, open_page: OpenPage) -> None:
    server.refuse = [503, 429]
    unit = server.add(Unit(SQUARE, params=3))
    page = open_page()
    page.click(START)
    expect(page.locator(STATE)).to_contain_text("Trying again")
    expect(page.locator(DONE)).to_have_text("1", timeout=20_000)
    assert unit.output == b"9"


def test_a_lease_is_renewed_and_one_that_was_taken_back_stops_computing(
    server: FakeServer, open_page: OpenPage
) -> None:
    server.heartbeat_s = 0.2
    unit = server.add(Unit(LOOP, time_limit_s=60))
    page = open_page()
    page.click(START)
    wait(lambda: len(server.renewed) >= 2, page)
    server.take_back.add(unit.result_id)
    after = server.add(Unit(SQUARE, params=3))
    expect(page.locator(DONE)).to_have_text("1", timeout=20_000)
    assert after.output == b"9"
    assert outcomes(server) == ["success"]


def test_row_71_wrong_bytes_are_never_computed_and_the_result_is_given_back(
    server: FakeServer, open_page: OpenPage
) -> None:
    unit = server.add(Unit(SQUARE, params=3))
    digest = canonical.digest(SQUARE.encode())
    server.blobs[digest] = SQUARE.replace("params *", "params +").encode()
    page = open_page()
    page.click(START)
    wait(lambda: outcomes(server) == ["released"], page)
    expect(page.locator(STATE)).to_contain_text("digest")
    assert unit.reports == []


def test_a_page_of_another_site_takes_part_too(server: FakeServer, open_page: OpenPage) -> None:
    unit = server.add(Unit(SQUARE, params=3))
    page = open_page(f"{server.sandbox_origin}/host.html")
    inner = page.frame_locator("iframe")
    inner.locator(START).click()
    expect(inner.locator(DONE)).to_have_text("1", timeout=20_000)
    assert unit.output == b"9"


def test_a_page_on_plain_http_takes_part_without_the_browsers_digests_and_locks(
    server: FakeServer, open_page: OpenPage
) -> None:
    right, wrong = server.add(Unit(SQUARE, params=3)), server.add(Unit(LOOP))
    server.blobs[canonical.digest(LOOP.encode())] = b"(() => 1)"
    page = open_page(f"{server.url.replace('127.0.0.1', 'grid.test')}/volunteer")
    assert page.evaluate("[isSecureContext, typeof crypto.subtle, typeof navigator.locks]") == [
        False,
        "undefined",
        "undefined",
    ]
    page.click(START)
    wait(lambda: outcomes(server) == ["success", "released"], page)
    assert right.output == b"9"
    assert wrong.reports == []


def test_a_large_output_is_put_and_its_report_names_it(
    server: FakeServer, open_page: OpenPage
) -> None:
    program = '(function (inputs, params) { "use strict"; return "A".repeat(params); })'
    small, large = server.add(Unit(program, params=9)), server.add(Unit(program, params=70_000))
    server.refuse_put = [503]
    page = open_page()
    page.click(START)
    expect(page.locator(DONE)).to_have_text("2", timeout=20_000)
    data = canonical.dumps("A" * 70_000)
    assert small.output == canonical.dumps("A" * 9)
    assert large.reports[0]["output_digest"] == canonical.digest(data)
    assert server.put == {(large.result_id, canonical.digest(data)): (large.lease, data)}
