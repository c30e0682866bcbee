"""This file is where pages of other sites embed a live server's volunteer page, each in its way."""

from __future__ import annotations

from collections.abc import Mapping

from fake_server import FakeServer
from live import LiveServer
from webdriver import Remote

CARD = "grid-volunteer >>> section"
DECIDE = "grid-volunteer >>> button.yes"
NO = "grid-volunteer >>> button.no"
#: The frame's own, once it asks.
DECIDE_INSIDE, NO_INSIDE = (
    f"[data-grid=ask]:not([hidden]) [data-grid={name}]" for name in ("decide", "refuse")
)
FRAME = "grid-volunteer iframe"
HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>A garden</title>'
    '<meta name="viewport" content="width=device-width">'
)
BODY = "<main><h1>A garden</h1><p>Birds, counted every spring.</p></main>"


def put(site: FakeServer, path: str, markup: str, headers: Mapping[str, str] | None = None) -> str:
    """A page of another site; its address. By this name it is another site than the server."""
    page = f"{HEAD}{BODY}{markup}".encode()
    site.pages[path] = ("text/html; charset=utf-8", page, dict(headers or {}))
    site.pages["/favicon.ico"] = ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>", {})
    return site.url.replace("127.0.0.1", "localhost") + path


def script(server: LiveServer, attributes: str = "") -> str:
    """The line with the newest script."""
    return f'<script src="{server.url}/embed.js" {attributes} async></script>'


def agree(browser: Remote, decide: str = DECIDE, **chosen: str) -> str:
    """Says yes as a visitor does, on the page of consent that opens, after choosing this there; the
    tab they came from."""
    home = browser.tab()
    before = set(browser.tabs())
    browser.click(decide)
    browser.until(lambda: len(set(browser.tabs()) - before) == 1, "the page of consent")
    (consent,) = set(browser.tabs()) - before
    browser.show(consent)
    for name, value in chosen.items():
        browser.run("arguments[0].value = arguments[1]", browser.find(f"[data-grid={name}]"), value)
    browser.click("[data-grid=yes]:enabled")
    browser.until(lambda: consent not in browser.tabs(), "the page of consent to close")
    browser.show(home)
    return home


def look_inside(browser: Remote, frame: str = FRAME) -> None:
    """Into Grid's frame, once it is at work."""
    browser.leave()
    browser.enter(frame)
    browser.find("[data-taking-part=yes]")
