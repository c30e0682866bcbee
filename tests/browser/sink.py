"""This file is where what leaves a browser arrives, under a mark for each channel."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

#: What a request of each channel asks for.
MARKED = re.compile(r"^/leak/([\w-]+)")
#: A script, so that what loads it goes on; it does nothing.
NOTHING = b"0;"


class Sink:
    """`arrived` names the channels; `said` holds what pages tell under /say?…."""

    def __init__(self) -> None:
        self.arrived: set[str] = set()
        self.said: dict[str, list[str]] = {}
        self.pages: dict[str, tuple[bytes, Mapping[str, str]]] = {}
        #: Of channels that have no address: what comes there tells the channel.
        self.ports: dict[str, int] = {}
        self.url = ""

    def wait_for(self, name: str, limit_s: float = 120) -> list[str]:
        """What a page says under this name."""
        deadline = time.monotonic() + limit_s
        while name not in self.said:
            assert time.monotonic() < deadline, f"no page said {name}; arrived: {self.arrived}"
            time.sleep(0.05)
        return self.said[name]


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, headers = NOTHING, {"Content-Type": "text/javascript"}
            address = urlsplit(self.path)
            if marked := MARKED.match(address.path):
                sink.arrived.add(marked[1])
            elif address.path == "/say":
                sink.said.update(parse_qs(address.query, keep_blank_values=True))
            elif address.path in sink.pages:
                body, headers = sink.pages[address.path]
            self.send_response(200)
            for name, value in {"Access-Control-Allow-Origin": "*", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *arguments: object) -> None:
            """Tests read `arrived`."""

    return Handler


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away in the middle is no error here."""


@contextmanager
def running() -> Iterator[Sink]:
    """A sink on ports of its own."""
    sink = Sink()
    http = _Http(("127.0.0.1", 0), _handler(sink))
    sink.url = f"http://127.0.0.1:{http.server_address[1]}"
    with ExitStack() as stack:
        for name, kind in (
            ("rtc", socket.SOCK_DGRAM),
            ("transport", socket.SOCK_DGRAM),
            ("preconnect", socket.SOCK_STREAM),
        ):
            one = stack.enter_context(socket.socket(socket.AF_INET, kind))
            one.bind(("127.0.0.1", 0))
            sink.ports[name] = one.getsockname()[1]
            if kind == socket.SOCK_STREAM:
                one.listen()
            threading.Thread(target=_listen, args=(sink, name, one), daemon=True).start()
        thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            http.shutdown()
            thread.join()
            http.server_close()


def _listen(sink: Sink, name: str, line: socket.socket) -> None:
    try:
        if line.type == socket.SOCK_STREAM:
            line.accept()[0].close()
        else:
            line.recv(1)
        sink.arrived.add(name)
    except OSError:
        return  # the sink was closed
