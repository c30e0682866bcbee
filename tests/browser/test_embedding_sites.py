"""This file is where visitors of other sites take part, in three real browsers.

The sites stand on another origin, with and without policies of their own; the browsers keep storage
apart, share it, or refuse it.
"""

from __future__ import annotations

import gzip
from contextlib import ExitStack

import fake_server
import pytest
from embed_hosts import (
    CARD,
    DECIDE,
    DECIDE_INSIDE,
    FRAME,
    NO,
    NO_INSIDE,
    agree,
    look_inside,
    put,
    script,
)
from fake_server import FakeServer
from live import LiveServer
from webdriver import Remote, driven

from web.embed_script import SCRIPT, iframe_line

#: Three browsers with several sites each take minutes.
pytestmark = pytest.mark.slow

ROWS = "n,word\n" + "".join(f"{n},word {n * n}\n" for n in range(50))
RIGHT = [[n, f"word {n * n}"] for n in range(50) if n % 7 == 3]
DONE = "[data-grid=done]"
STATE = "[data-grid=state]"
HOOK = """
  window.complaints = []; window.done = [];
  const said = console.error;
  console.error = (...words) => { complaints.push(words.join(" ")); said(...words); };
  addEventListener("securitypolicyviolation", (e) => complaints.push(`blocked ${e.blockedURI}`));
  addEventListener("grid-ready", ({ detail: grid }) => {
    const hear = (one) => {
      done.push(one.id);
      if (done.length === 3) grid.off("work-unit-done", hear);
    };
    grid.on("work-unit-done", hear);
  });
"""


@pytest.fixture
def site(site: FakeServer) -> FakeServer:
    """One with a script of its own."""
    site.pages["/hook.js"] = ("text/javascript", HOOK.encode(), {})
    return site


def job(server: LiveServer) -> str:
    """Ten work units of one requester."""
    dataset = server.dataset(ROWS, name="flights", chunk_rows=5)
    return server.job("filterBy", {"where": "n % 7 = 3"}, dataset, min_quorum=1)


def hooked(server: LiveServer, attributes: str = 'data-owner="admin"') -> str:
    return f'<script src="/hook.js"></script>{script(server, attributes)}'


def test_row_62_row_70_a_visitor_agrees_computes_and_comes_back_and_the_site_hears(
    server: LiveServer, site: FakeServer, browser: Remote
) -> None:
    job_id = job(server)
    browser.get(put(site, "/", hooked(server)))
    browser.find(CARD)
    # Nothing else is loaded, kept, or run before the click.
    loaded = "return performance.getEntriesByType('resource').map((one) => one.name)"
    theirs = [url for url in browser.run(loaded) if url.startswith(server.url)]
    assert theirs == [f"{server.url}/embed.js"]
    assert browser.run("return [localStorage.length, document.cookie, frames.length]") == [0, "", 0]
    agree(browser)
    server.until(job_id, "completed")
    assert server.output(job_id) == RIGHT
    look_inside(browser)
    done = f"return document.querySelector('{DONE}').textContent"
    browser.until(lambda: browser.run(done) == "10", "the frame to say that ten are done")
    browser.leave()
    # The site heard three, and then no more.
    assert len(set(browser.run("return done"))) == 3
    again = job(server)
    browser.reload()
    server.until(again, "completed")
    assert server.output(again) == RIGHT
    assert browser.run("return complaints") == []


def test_a_card_is_small_says_all_and_takes_no_for_an_answer(
    server: LiveServer, site: FakeServer, browser: Remote
) -> None:
    line = script(server, 'data-owner="ann" data-purpose="the bird count"')
    # What a telephone of 390 px leaves between its margins.
    browser.get(put(site, "/", f'<div style="width: 358px">{line}</div>'))
    text = browser.run("return arguments[0].textContent", browser.find(CARD))
    for said in (
        "localhost",
        "the bird count",
        "a quarter of one core",
        "never on battery",
        "out of reach",
    ):
        assert said in text
    rect = "const r = arguments[0].getBoundingClientRect(); return [r.width, r.height]"
    width, height = browser.run(rect, browser.find("grid-volunteer"))
    assert (width, height <= 120) == (358, True)
    assert browser.run(rect, browser.find(DECIDE)) == browser.run(rect, browser.find(NO))
    browser.click(NO)
    for _ in range(2):
        assert browser.run("return document.querySelector('grid-volunteer').hidden") is True
        assert browser.run("return [frames.length, localStorage.length]") == [0, 1]
        browser.reload()
        browser.find("grid-volunteer")


def test_a_policy_with_the_documented_lines_lets_it_work(
    server: LiveServer, site: FakeServer, browser: Remote
) -> None:
    job_id = job(server)
    lines = server.get("/embed")["content_security_policy"].replace(
        "script-src", "script-src 'self'"
    )
    policy = {"Content-Security-Policy": f"default-src 'self'; {lines}"}
    browser.get(put(site, "/", hooked(server), policy))
    agree(browser)
    server.until(job_id, "completed")
    assert browser.run("return complaints") == []


def test_a_policy_without_them_is_told_the_line_that_it_lacks(
    server: LiveServer, site: FakeServer, browser: Remote
) -> None:
    half = {"Content-Security-Policy": f"default-src 'self'; script-src 'self' {server.url}"}
    browser.get(put(site, "/half", hooked(server), half))
    home = browser.tab()
    browser.click(DECIDE)
    browser.until(lambda: len(browser.tabs()) == 2, "the page of consent")
    browser.close_others(home)
    browser.until(
        lambda: any("frame-src" in one for one in browser.run("return complaints")), "a word"
    )
    (said,) = [one for one in browser.run("return complaints") if one.startswith("Grid:")]
    assert f"frame-src {server.url}" in said
    none = {"Content-Security-Policy": "default-src 'self'"}
    browser.get(put(site, "/none", hooked(server), none))
    browser.until(lambda: bool(browser.run("return complaints")), "the browser to block the script")
    assert browser.run("return document.querySelector('grid-volunteer')") is None
    assert browser.text("h1") == "A garden"


def test_an_isolated_site_embeds_it_too(
    server: LiveServer, site: FakeServer, browser: Remote
) -> None:
    job_id = job(server)
    isolated = {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
    }
    browser.get(put(site, "/", hooked(server), isolated))
    assert browser.run("return crossOriginIsolated") is True
    home = browser.tab()
    browser.click(DECIDE)
    # Cut off from what the page opens, the frame asks by itself.
    browser.enter(FRAME)
    agree_by_word(browser, home)
    server.until(job_id, "completed")
    assert server.output(job_id) == RIGHT


@pytest.mark.parametrize(
    "policy", [{}, {"Cross-Origin-Embedder-Policy": "require-corp"}], ids=["cut-off", "isolated"]
)
def test_a_no_is_heard_and_remembered_by_a_site_that_is_cut_off_from_what_it_opens(
    server: LiveServer, site: FakeServer, browser: Remote, policy: dict[str, str]
) -> None:
    policy = {"Cross-Origin-Opener-Policy": "same-origin", **policy}
    browser.get(put(site, "/", hooked(server), policy))
    home = browser.tab()
    browser.click(DECIDE)
    if len(policy) == 2:
        browser.enter(FRAME)
        browser.click(DECIDE_INSIDE)
    answer_beside(browser, home, "no")
    hidden = "return document.querySelector('grid-volunteer').hidden"
    browser.until(lambda: browser.run(hidden), "the card to go")
    browser.reload()
    browser.find("grid-volunteer")
    assert browser.run(hidden) is True


def test_the_line_without_script_takes_no_for_an_answer(
    server: LiveServer, site: FakeServer, browser: Remote
) -> None:
    browser.get(put(site, "/", iframe_line(server.url)))
    browser.enter("iframe")
    browser.click(NO_INSIDE)
    browser.see("[data-grid=asked]", "You said no")
    keeps = storage(browser)
    browser.reload()
    browser.enter("iframe")
    again = "You said no" if keeps else "asks you to lend"
    browser.see("[data-grid=asked]", again)
    assert browser.run("return document.querySelector('[data-grid=refuse]').hidden") is keeps


def test_the_line_without_script_asks_and_works(
    server: LiveServer, site: FakeServer, browser: Remote
) -> None:
    job_id = job(server)
    browser.get(put(site, "/", iframe_line(server.url, "admin")))
    browser.enter("iframe")
    agree(browser, DECIDE_INSIDE)
    server.until(job_id, "completed")
    look_inside(browser, "iframe")
    assert "admin" not in browser.text(STATE)


def test_a_site_that_was_revoked_shows_nothing(
    server: LiveServer, site: FakeServer, browser: Remote
) -> None:
    page = put(site, "/", iframe_line(server.url))
    origin = page.rstrip("/")
    browser.get(page)
    browser.enter("iframe")
    browser.find("[data-grid=decide]")
    server.grid("sites", "revoke", origin, "--reason", "it covers the card")
    browser.get(page)
    assert inside(browser) is False
    server.grid("sites", "allow", origin)
    browser.get(page)
    browser.enter("iframe")
    browser.find("[data-grid=decide]")


def inside(browser: Remote) -> bool:
    """Whether the frame holds the page that was asked for."""
    browser.enter("iframe")
    found = browser.run("return document.querySelector('[data-grid=decide]') !== null")
    browser.leave()
    return bool(found)


def agree_by_word(browser: Remote, home: str) -> None:
    """Yes on a page that the frame opened and cannot speak to: the server carries it."""
    browser.click(DECIDE_INSIDE)
    answer_beside(browser, home, "yes")


def answer_beside(browser: Remote, home: str, answer: str) -> None:
    """On the page of consent that has opened, which may close itself."""
    browser.until(lambda: len(browser.tabs()) == 2, "the page of consent")
    (consent,) = set(browser.tabs()) - {home}
    browser.show(consent)
    browser.click(f"[data-grid={answer}]:enabled")
    said = "return document.body.innerText.includes('close this page')"
    browser.until(lambda: consent not in browser.tabs() or browser.run(said), "an end")
    browser.close_others(home)


def test_the_script_is_small_before_a_click() -> None:
    assert len(gzip.compress(SCRIPT.read_bytes())) < 15_000


#: Firefox's word for it: everything shared, nothing for others' frames, a place for each site.
REGIMES = {"shared": 0, "refused": 1, "partitioned": 5}


@pytest.mark.slow
@pytest.mark.parametrize("regime", REGIMES)
def test_frames_of_two_sites_compute_however_the_browser_keeps_storage(
    server: LiveServer, tmp_path_factory: pytest.TempPathFactory, regime: str
) -> None:
    chosen = {"network.cookie.cookieBehavior": str(REGIMES[regime])}
    with ExitStack() as stack:
        sites = [stack.enter_context(fake_server.running()) for _ in range(2)]
        folder = tmp_path_factory.mktemp(regime)
        browser = stack.enter_context(driven("firefox", folder, chosen))
        pages = [put(one, "/", script(server)) for one in sites]
        # Sites, not origins, have storage of their own.
        pages[1] = pages[1].replace("localhost", "b.localhost")
        first = job(server)
        browser.get(pages[0])
        agree(browser)
        server.until(first, "completed")
        look_inside(browser)
        assert storage(browser) is (regime != "refused")
        browser.leave()
        browser.new_window()
        browser.get(pages[1])
        agree(browser)
        look_inside(browser)
        waits = "Another tab" in browser.settled(STATE)
        assert waits is (regime == "shared")
        second = job(server)
        server.until(second, "completed")
        assert server.output(second) == RIGHT
        browser.leave()
        browser.reload()
        browser.enter(FRAME)
        asks = "return !document.querySelector('[data-grid=ask]').hidden"
        browser.find("[data-taking-part]")
        browser.until(lambda: browser.run(asks) is (regime == "refused"), "it to remember, or ask")


def storage(browser: Remote) -> bool:
    """Whether this frame may keep anything."""
    return bool(browser.run("try { return localStorage.length > 0 } catch { return false }"))
