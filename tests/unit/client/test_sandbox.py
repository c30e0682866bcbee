"""This file is where programs try to leave the browser's sandbox, past every check of text."""

from __future__ import annotations

import pytest
from chromium import ESCAPES, START, OpenPage, wait
from fake_server import FakeServer, Unit


def result(server: FakeServer, open_page: OpenPage, program: str) -> dict[str, str]:
    """What the page reports of that program."""
    unit = server.add(Unit(program, time_limit_s=5))
    page = open_page()
    page.click(START)
    wait(lambda: bool(unit.reports), page)
    # Whatever a program set going has had its chance by then.
    page.wait_for_timeout(300)
    report: dict[str, str] = unit.reports[0]
    return report


def test_a_program_finds_the_same_globals_as_in_deno(
    server: FakeServer, open_page: OpenPage
) -> None:
    names = """
    self globalThis window fetch importScripts Worker XMLHttpRequest WebSocket WebTransport
    EventSource indexedDB caches crypto performance Date navigator location postMessage close
    onmessage addEventListener dispatchEvent setTimeout queueMicrotask Function eval Reflect
    WebAssembly SharedArrayBuffer Atomics Intl RTCPeerConnection BroadcastChannel URL Blob
    FileReaderSync Notification Promise Proxy WeakRef RegExp console structuredClone
    """
    checks = ", ".join(f'["{name}", typeof {name}]' for name in names.split())
    report = result(
        server,
        open_page,
        f'(() => [{checks}].filter(([name, kind]) => kind !== "undefined"))',
    )
    assert report["outcome"] == "success"
    assert server.units[0].output == b"[]"


@pytest.mark.parametrize(
    "program",
    [
        '(() => { import("URL/leak.js").catch(() => 0); return 1; })',
        "(() => { import(\"data:text/javascript,fetch('URL/leak')\").catch(() => 0); return 1; })",
        "(() => { (async () => 1).constructor(\"return fetch('URL/leak')\")(); return 1; })",
        "(() => { [].constructor.constructor(\"return fetch('URL/leak')\")(); return 1; })",
        '(() => { fetch("URL/leak"); return 1; })',
        # Text that breaks out of its place runs in the same locked realm.
        '0));fetch("URL/leak");((()=>0',
        '0), fetch("URL/leak"), (0',
        '0)); this.fetch("URL/leak"); ((() => 0',
        '0)); importScripts("URL/leak.js"); ((() => 0',
        '0)); new Worker("URL/leak.js"); ((() => 0',
        '0)); import("URL/leak.js").catch(() => 0); ((() => 0',
        '0)); grid.start(() => () => fetch("URL/leak")); ((() => 0',
    ],
)
def test_nothing_reaches_the_network(server: FakeServer, open_page: OpenPage, program: str) -> None:
    result(server, open_page, program.replace("URL", server.url))
    assert server.hits == []


def test_the_network_would_notice(server: FakeServer, open_page: OpenPage) -> None:
    page = open_page()
    page.evaluate("fetch('/leak')")
    assert server.hits == ["/leak"]


def test_the_frame_itself_has_an_opaque_origin_and_no_network(
    server: FakeServer, open_page: OpenPage
) -> None:
    server.add(Unit("(() => 1)"))
    page = open_page()
    page.click(START)
    wait(lambda: bool(server.units[0].reports), page)
    frame = next(one for one in page.frames if one.url.endswith("/sandbox/frame.html"))
    found = frame.evaluate(ESCAPES, server.url)
    assert found[0] == "null"
    # A beacon that the policy refuses still says it was queued.
    assert set(found[1:]) <= {"beacon"}
    page.wait_for_timeout(300)
    assert server.hits == []
