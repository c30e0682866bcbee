"""This file is where every channel of the platform is tried from inside, in three browsers.

The same attempts are made in a plain page, where many must arrive, or they would prove nothing; in
the sandboxed frame and a Web Worker of it, where the policy alone must hold; and by job code, past
every check of its text, where nothing may even be found.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sink as sinks
from sink import Sink

from grid import canonical
from grid.engines import Computation
from web.browsers.engine import BrowserEngine
from web.browsers.starting import BROWSERS, opened
from web.controllers import sandbox
from web.render import ISOLATED

CHANNELS = (Path(__file__).parent / "channels.js").read_text()
#: Fewer would mean that the attempts are at fault.
ARRIVE_AT_LEAST = 12
#: Whatever an attempt set going has had its chance by then.
SETTLE_S = 2.0
#: Firefox and WebKit ask no policy before they connect to a host that `<link rel=preconnect>`
#: names, and Chromium tells a document in whose page it stands. No program runs in a document: only
#: our own script does, whose digest the policy names.
OF_DOCUMENTS_ONLY = {"preconnect"}
HTML = {"Content-Type": "text/html; charset=utf-8"}

#: What a host page keeps, and must not be readable from inside.
SECRETS = """
document.cookie = "secret=1"; localStorage.secret = 1; sessionStorage.secret = 1;
caches.open("secret"); indexedDB.open("secret");
navigator.locks?.request("secret", () => new Promise(() => 0));
setInterval(() => new BroadcastChannel("secret").postMessage("secret"), 50);
"""


def attempts(sink: Sink, where: str) -> str:
    """Code with `all` channels and `secrets`, marked with the place where they are tried."""
    return (
        f"{CHANNELS}\nconst ports = {json.dumps(sink.ports)};"
        f"const all = channels((name) => `{sink.url}/leak/{where}-${{name}}`, ports);"
        "const secrets = readable(ports);"
    )


def worker(sink: Sink, where: str) -> str:
    """A Web Worker's text: says what it could read when all is tried."""
    return (
        f"(async () => {{ {attempts(sink, where)}"
        "const read = await tried(secrets); await tried(all); postMessage(read); })();"
    )


#: Where a Worker's text may stand.
BLOB = 'URL.createObjectURL(new Blob([text], { type: "text/javascript" }))'
DATA = '"data:text/javascript," + encodeURIComponent(text)'


def probe(sink: Sink, where: str, address: str = BLOB) -> str:
    """A document's script: itself and a Worker of it; gives what both could read."""
    inner = json.dumps(worker(sink, f"{where}-worker")).replace("</", "<\\/")
    return (
        f"{attempts(sink, where)}"
        f"const text = {inner}; const inner = new Worker({address});"
        "const heard = new Promise((yes) => { inner.onmessage = ({ data }) => yes(data);"
        " setTimeout(() => yes(['never-answered']), 30000); });"
        "const read = (async () => { const mine = await tried(secrets); await tried(all);"
        " return [...mine, ...(await heard).map((name) => `worker-${name}`)]; })();"
    )


#: Chromium always, the others where time is no matter; job code is always tried in all three.
SOME = [one if one == "chromium" else pytest.param(one, marks=pytest.mark.slow) for one in BROWSERS]


@pytest.fixture(params=SOME)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sinks.running() as one:
        yield one


def visited(name: str, folder: Path, sink: Sink, path: str) -> list[str]:
    """What the page at `path` says it could read, after all attempts have had their chance."""
    with opened(name, folder, f"{sink.url}{path}"):
        said = sink.wait_for("read")
        time.sleep(SETTLE_S)
    return [one for one in said[0].split(",") if one]


def test_from_a_plain_page_many_channels_arrive(name: str, sink: Sink, tmp_path: Path) -> None:
    script = (
        f"{SECRETS}{probe(sink, 'plain')}"
        "read.then((names) => fetch(`/say?read=${names}`)).then(() => 0);"
    ).replace("</", "<\\/")
    page = f'<!doctype html><meta charset="utf-8"><body><script>{script}</script>'
    sink.pages["/plain.html"] = (page.encode(), HTML)
    read = visited(name, tmp_path, sink, "/plain.html")
    document = {one.removeprefix("plain-") for one in sink.arrived}
    assert len([one for one in document if not one.startswith("worker-")]) >= ARRIVE_AT_LEAST
    assert {"worker-fetch", "worker-xhr", "worker-import-scripts"} <= document
    assert {"cookie", "local-storage", "databases", "worker-databases"} <= set(read)


@pytest.mark.parametrize("isolated", [False, True], ids=["plain", "isolated"])
def test_from_the_frame_and_its_worker_nothing_arrives(
    name: str, sink: Sink, tmp_path: Path, isolated: bool
) -> None:
    script = probe(sink, "frame", DATA if isolated else BLOB)
    script += 'read.then((names) => parent.postMessage(names, "*"));'
    script = script.replace("</", "<\\/")
    frame = sandbox.document(script).replace("</title>", "</title><body>")
    host = (
        '<!doctype html><meta charset="utf-8"><title>secret</title><body><script>'
        f"{SECRETS} addEventListener('message', ({{ data, origin }}) => Array.isArray(data) &&"
        " fetch(`/say?read=${[...data, ...(origin === 'null' ? [] : ['origin'])]}`));</script>"
        '<iframe sandbox="allow-scripts" referrerpolicy="no-referrer" src="/frame.html"></iframe>'
    )
    sink.pages["/frame.html"] = (frame.encode(), {**HTML, **sandbox.headers(script, isolated)})
    around = {**ISOLATED, "Cross-Origin-Opener-Policy": "same-origin"} if isolated else {}
    sink.pages["/host.html"] = (host.encode(), {**HTML, **around})
    read = visited(name, tmp_path, sink, "/host.html")
    assert sink.arrived <= OF_DOCUMENTS_ONLY
    assert set(read) <= {"ancestors"}


#: Tried by job code: what can be called is called, and what can be read is said.
BY_A_PROGRAM = """
(function (inputs, params) {
  %s
  const found = [];
  const names = [%s];
  for (const [name, type] of names) if (type !== "undefined") found.push(name);
  const all = channels((name) => params.url + "/leak/program-" + name, params.ports);
  for (const attempts of [all, readable(params.ports)]) {
    for (const name of Object.keys(attempts)) {
      // A promise that fails later is nobody's; one that succeeds is seen where it arrives.
      try { const given = attempts[name](); if (typeof given !== "object") found.push(name); }
      catch {}
    }
  }
  return found;
})
"""
#: Whatever of these a program finds is a way out, or a clock.
GLOBALS = """
self window globalThis global document navigator location fetch XMLHttpRequest WebSocket
WebTransport EventSource Worker SharedWorker importScripts indexedDB caches cookieStore
BroadcastChannel MessageChannel postMessage close addEventListener onmessage setTimeout
setInterval setImmediate queueMicrotask requestAnimationFrame requestIdleCallback scheduler
performance Date Temporal Intl crypto Function eval Reflect Proxy WeakRef FinalizationRegistry
SharedArrayBuffer Atomics WebAssembly RegExp console reportError structuredClone Blob File
FileReaderSync URL Request Response Headers RTCPeerConnection Notification FontFace
OffscreenCanvas ImageBitmap VideoDecoder AudioContext AbortController AbortSignal EventTarget
Event trustedTypes navigation Iterator AsyncIterator
"""


@pytest.fixture(scope="module", params=BROWSERS)
def engine(request: pytest.FixtureRequest) -> Iterator[BrowserEngine]:
    with BrowserEngine(request.param) as one:
        yield one


def computed(engine: BrowserEngine, program: str, params: object = None) -> object:
    job = Computation(
        program=program, columns=(), chunks=(), rows=(), params=params, time_limit_s=60
    )
    return canonical.loads(engine.compute(job))


def test_job_code_finds_nothing_and_nothing_arrives(engine: BrowserEngine, sink: Sink) -> None:
    names = ", ".join(f'["{name}", typeof {name}]' for name in GLOBALS.split())
    program = BY_A_PROGRAM % (CHANNELS, names)
    assert computed(engine, program, {"url": sink.url, "ports": sink.ports}) == []
    time.sleep(SETTLE_S)
    assert sink.arrived == set()
