"""This file is where a browser's page asks for computations, and answers them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from web.controllers import sandbox

#: How long a page's request is kept when there is nothing to compute.
HOLD_S = 10.0
CLIENT = Path(__file__).parents[1] / "static" / "client"
HTML = "text/html; charset=utf-8"


class Desk:
    """Where one question at a time waits for the page, and its answer for whoever asked."""

    def __init__(self) -> None:
        self.questions: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        #: Where its page is served.
        self.port = 0
        #: Set when the page has asked for the first time.
        self.there = threading.Event()

    def next(self, answer: bytes) -> bytes | None:
        """The page's answer to the last question, if any; its next question, if there is one."""
        if answer:
            self.answers.put(answer)
        self.there.set()
        try:
            return self.questions.get(timeout=HOLD_S)
        except queue.Empty:
            return None


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """The address of a page, on this machine alone, that computes what the desk has."""
    server = _Server(("127.0.0.1", 0), _handler(desk))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    desk.port = server.server_port
    try:
        yield f"http://127.0.0.1:{desk.port}/"
    finally:
        desk.questions.put(None)
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    #: A request that is being held must not keep the end waiting.
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that is killed leaves connections behind."""


def _handler(desk: Desk) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer in one piece, at once: in two, the second waits 40 ms for the other side.
        wbufsize = 1 << 16
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if self.path == "/":
                # By another name the frame has another origin, as in production.
                page = (
                    '<!doctype html><meta charset="utf-8"><title>Grid engine</title>'
                    f'<body data-sandbox="http://localhost:{desk.port}">'
                    '<script type="module" src="/engine.js"></script>'
                )
                self._answer(200, page.encode(), {"Content-Type": HTML})
            elif self.path == "/engine.js":
                code = (CLIENT / "engine.js").read_bytes()
                self._answer(200, code, {"Content-Type": "text/javascript"})
            elif self.path == "/sandbox/frame.html":
                script = (CLIENT / "frame.js").read_text("utf-8")
                page = sandbox.document(script)
                self._answer(200, page.encode(), {"Content-Type": HTML, **sandbox.headers(script)})
            else:
                self._answer(404, b"", {})

        def do_POST(self) -> None:
            answer = self.rfile.read(int(self.headers["Content-Length"] or 0))
            asked = desk.next(answer)
            self._answer(204 if asked is None else 200, asked or b"", {})

        def _answer(self, code: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            if code != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nobody reads it."""

    return Handler
