"""This file is where a real Chromium meets the volunteer page, served by the fake server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import OpenPage, launched
from fake_server import FakeServer, running
from jinja2 import Environment, FileSystemLoader
from playwright.sync_api import Browser, Page

from web import render
from web.controllers import sandbox
from web.controllers.embedding import lines

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "web" / "static"
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

#: A browser that need not rest between work units, on a machine with nothing else to do, whatever
#: other tests do to it: after a long computation a pressed one rests for three times as long. Its
#: sandboxed frames have no storage.
UNHURRIED = """
try { localStorage["grid.settings"] ??= '{"dutyPercent": 100}'; } catch {}
globalThis.PressureObserver = class {
  constructor(then) { this.then = then; }
  async observe() { this.then([{ state: "nominal" }]); }
};
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    # A name that is no loopback address is no secure context: a classroom on plain http.
    with launched("--host-resolver-rules=MAP grid.test 127.0.0.1") as browser:
        yield browser


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """The fake server with the page, the frame and the bundles."""
    html = "text/html; charset=utf-8"
    with running() as one:
        # By another name it is another origin, as in production.
        one.sandbox_origin = one.url.replace("127.0.0.1", "localhost")
        files = FileSystemLoader(ROOT / "web" / "templates")
        template = Environment(loader=files, autoescape=True).get_template("volunteer.html")
        facts = {"sandbox_origin": one.sandbox_origin, "owner": "", "purpose": "", "theme": ""}
        page = template.render(facts, embed=False, lines=lines(one.url, ""))
        policy = render.policy(one.sandbox_origin, ancestors="*")
        script = (STATIC / "client" / "frame.js").read_text()
        frame = sandbox.document(script)
        host = (
            '<!doctype html><link rel="icon" href="data:,"><h1>Somebody else\'s page</h1>'
            f'<iframe src="{one.url}/volunteer?embed=1"></iframe>'
        )
        one.pages |= {
            "/volunteer": (html, page.encode(), {"Content-Security-Policy": policy}),
            "/sandbox/frame.html": (html, frame.encode(), sandbox.headers(script)),
            "/host.html": (html, host.encode(), {}),
        }
        for path in STATIC.rglob("*"):
            if path.suffix in KINDS:
                name = f"/static/{path.relative_to(STATIC).as_posix()}"
                one.pages[name] = (KINDS[path.suffix], path.read_bytes(), {})
        yield one


@pytest.fixture
def open_page(chromium: Browser, server: FakeServer) -> Iterator[OpenPage]:
    """Pages of one fresh browser profile; an uncaught error in any of them fails the test."""
    context = chromium.new_context()
    context.add_init_script(UNHURRIED)
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))

    def open_one(url: str = "") -> Page:
        page = context.new_page()
        page.goto(url or f"{server.url}/volunteer")
        return page

    yield open_one
    context.close()
    assert errors == []
