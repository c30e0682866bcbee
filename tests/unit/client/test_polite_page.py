"""This file is where a page shares its machine, keeps its answers and tries its sandbox."""

from __future__ import annotations

import json

from chromium import DONE, START, STATE, OpenPage, wait
from fake_server import FakeServer, Unit
from playwright.sync_api import Page, expect

SQUARE = '(function (inputs, params) { "use strict"; return params * params; })'
LOOP = '(function () { "use strict"; for (;;); })'
#: Pages are always in view without a window; these say otherwise when they are told to.
VIEW = """
Object.defineProperty(document, "visibilityState", {
  get: () => window.outOfView ? "hidden" : "visible",
});
"""


def chosen(page: Page, **settings: object) -> None:
    """What the volunteer chose; the page reads it anew."""
    page.evaluate("text => localStorage['grid.settings'] = text", json.dumps(settings))
    page.reload()


def in_view(page: Page, yes: bool) -> None:
    page.evaluate("yes => { window.outOfView = !yes; }", yes)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def reports(server: FakeServer) -> list[dict]:
    return [one for request in server.requests for one in request["reports"]]


def test_two_web_workers_compute_two_work_units_each_in_a_frame_of_its_own(
    server: FakeServer, open_page: OpenPage
) -> None:
    for _ in range(2):
        server.add(Unit(LOOP))
    page = open_page()
    chosen(page, cores=2, dutyPercent=100)
    page.click(START)
    wait(lambda: len(page.workers) == 2 and page.locator("iframe").count() == 2, page)
    assert server.requests[0]["slots"] == 4
    page.click('[data-grid="stop"]')
    assert page.locator("iframe").count() == 0


def test_the_next_inputs_are_fetched_while_one_work_unit_is_computed(
    server: FakeServer, open_page: OpenPage
) -> None:
    asked: list[str] = []
    first = server.add(Unit(LOOP))
    page = open_page()
    page.on("request", lambda request: asked.append(request.url))
    page.click(START)
    wait(lambda: first.holder is not None and len(page.workers) == 1, page)
    second = server.add(Unit(SQUARE, params=3))
    digest = next(digest for digest, data in server.blobs.items() if data == SQUARE.encode())
    wait(lambda: any(digest in url for url in asked), page)
    assert second.holder is not None
    assert first.reports == second.reports == []


def test_an_answer_that_no_server_took_is_sent_once_it_is_back_also_by_the_next_visit(
    server: FakeServer, open_page: OpenPage
) -> None:
    unit = server.add(Unit(SQUARE, params=3))
    page = open_page()
    refuse = [503] * 1000
    page.route(
        "**/api/v1/blobs/**",
        lambda route: (setattr(server, "refuse", refuse), route.continue_()),
    )
    page.click(START)
    expect(page.locator(STATE)).to_contain_text("Trying again")
    page.close()
    assert unit.reports == []
    server.refuse = []
    later = open_page()
    expect(later.locator(DONE)).to_have_text("1", timeout=20_000)
    assert unit.output == b"9"
    sent = reports(server)
    assert len(sent) >= 2 and all(one == sent[0] for one in sent)
    assert len(unit.reports) == 1
    later.reload()
    expect(later.locator(STATE)).to_contain_text("Waiting for work")
    assert len(reports(server)) == len(sent)


def test_where_storage_is_refused_an_answer_is_kept_as_long_as_the_page(
    server: FakeServer, open_page: OpenPage
) -> None:
    unit = server.add(Unit(SQUARE, params=3))
    page = open_page()
    page.add_init_script(
        "IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); };"
        "Storage.prototype.getItem = Storage.prototype.setItem = () => { throw new Error('no'); };"
    )
    page.reload()
    page.route("**/api/v1/blobs/**", lambda route: (setattr(server, "lose", 2), route.continue_()))
    page.click(START)
    expect(page.locator(DONE)).to_have_text("1", timeout=30_000)
    assert unit.output == b"9"
    assert len(unit.reports) == 1


def test_a_page_out_of_view_pauses_and_gives_its_place_to_another_tab(
    server: FakeServer, open_page: OpenPage
) -> None:
    first = open_page()
    first.add_init_script(VIEW)
    first.reload()
    first.click(START)
    expect(first.locator(STATE)).to_contain_text("Waiting for work")
    second = open_page()
    expect(second.locator(STATE)).to_contain_text("Another tab")
    in_view(first, False)
    expect(first.locator(STATE)).to_contain_text("not in view")
    expect(second.locator(STATE)).to_contain_text("Waiting for work")
    in_view(first, True)
    expect(first.locator(STATE)).to_contain_text("Another tab")
    assert len(server.hosts) == 1


def test_where_the_sandbox_is_open_no_work_is_taken_and_the_server_is_told(
    server: FakeServer, open_page: OpenPage
) -> None:
    unit = server.add(Unit(SQUARE, params=3))
    page = open_page()
    kind, body, _ = server.pages["/sandbox/frame.html"]
    # As a proxy that strips headers would have it.
    server.pages["/sandbox/frame.html"] = (kind, body, {})
    page.click(START)
    expect(page.locator(STATE)).to_contain_text("sandbox of this browser is open")
    assert server.told == [["frame:fetch", "worker:fetch", "worker:importScripts"]]
    page.wait_for_timeout(1500)
    assert unit.holder is None
    assert server.requests == []


def test_a_pause_of_the_volunteers_own_ends_everything_and_start_goes_on(
    server: FakeServer, open_page: OpenPage
) -> None:
    unit = server.add(Unit(LOOP))
    page = open_page()
    page.click(START)
    wait(lambda: len(page.workers) == 1, page)
    page.click('[data-grid="pause"]')
    assert page.locator("iframe").count() == 0
    wait(lambda: unit.holder is None, page)
    expect(page.locator(STATE)).to_contain_text("Paused")
    page.click(START)
    wait(lambda: unit.holder is not None, page)
