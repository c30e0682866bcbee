"""This file is where tests get Debian's Chromium, for as long as a file of tests needs it.

Never longer: while playwright is open, no other test of the process can run an event loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

FLAGS = """
--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
--disable-background-networking --disable-component-update
"""

#: The places of the volunteer page.
START, STOP = '[data-grid="start"]', '[data-grid="stop"]'
DONE, STATE, JOB = '[data-grid="done"]', '[data-grid="state"]', '[data-grid="job"]'

#: Ways out of a document, to a server at `url`: its origin, then the names of those that worked.
ESCAPES = """async (url) => {
  const tries = {
    fetch: () => fetch(url + "/leak", { mode: "no-cors" }),
    beacon: () => { if (!navigator.sendBeacon(url + "/leak")) throw new Error("no"); },
    image: () => new Promise((yes, no) => {
      Object.assign(new Image(), { onload: yes, onerror: no, src: url + "/leak" });
    }),
    socket: () => new Promise((yes, no) => {
      Object.assign(new WebSocket(url.replace("http", "ws")), { onopen: yes, onerror: no });
    }),
    storage: () => localStorage.length,
    cookie: () => document.cookie,
    databases: () => new Promise((yes, no) => {
      Object.assign(indexedDB.open("x"), { onsuccess: yes, onerror: no });
    }),
    evaluate: () => (0, eval)("1"),
  };
  const worked = [];
  for (const [name, attempt] of Object.entries(tries)) {
    try { await attempt(); worked.push(name); } catch { continue; }
  }
  return [self.origin, ...worked];
}"""

#: Makes a page; of a fresh browser profile in each test.
OpenPage = Callable[..., Page]


expect.set_options(timeout=30_000)  # of its 5 s, a busy machine spends several on a start


@contextmanager
def launched(*flags: str) -> Iterator[Browser]:
    """A browser of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*FLAGS.split(), *flags]
        )
        yield browser
        browser.close()


def wait(condition: Callable[[], bool], page: Page, limit_s: float = 60) -> None:
    """Until it holds, with the page's events going on."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        page.wait_for_timeout(20)
