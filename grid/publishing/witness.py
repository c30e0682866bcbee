"""This file is where a witness of logs is served: anybody may run one, for any log of tlog-tiles.

`POST …/add-checkpoint` cosigns, `GET …/<SHA-256 of the origin>/checkpoint` shows what was cosigned
last. It keeps a key and a file for each log in a folder, and needs nothing of a grid's server.
"""

from __future__ import annotations

import fcntl
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid.auditlog import notes, witnessing
from grid.auditlog.notes import COSIGNATURE, BadNote, Checkpoint, Key
from grid.auditlog.witnessing import Judged
from grid.publishing import disk

ADD = "/add-checkpoint"
_SHOWN = re.compile(r"/(?P<log>[0-9a-f]{64})/checkpoint")
#: A request that takes longer is nobody's.
TIMEOUT_S = 20


class Serving(ThreadingHTTPServer):
    """A socket whose other side may go away at any time."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever is gone needs no answer, and nobody a traceback of it."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class WitnessFolder:
    """What a witness has on its disk: `key` (mode 0600), and of each log the last cosigned note."""

    def __init__(
        self,
        folder: Path,
        name: str,
        logs: Sequence[Key],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises BadNote for a name that cannot name a key, BlockingIOError when another witness
        runs in this folder: two could cosign two trees of one size."""
        self._folder, self._name, self._clock = folder, name, clock
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._held = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path = folder / "key"
        if not path.exists():
            private = Ed25519PrivateKey.generate()
            notes.public_key(private, name, COSIGNATURE)
            disk.write(path, private.private_bytes_raw(), 0o600)
        self._private = Ed25519PrivateKey.from_private_bytes(path.read_bytes())
        self.key = notes.public_key(self._private, name, COSIGNATURE)
        self._logs: dict[str, list[Key]] = {}
        for one in logs:
            self._logs.setdefault(one.name, []).append(one)

    def close(self) -> None:
        """Leave the folder to another."""
        os.close(self._held)

    def add(self, text: str) -> Judged:
        """Cosign a checkpoint, or say why not; what is cosigned is on the disk before."""
        try:
            request = witnessing.parse(text)
        except BadNote as error:
            return Judged(400, f"{error}\n")
        origin = request.note.text.partition("\n")[0]
        with self._lock:
            now = int(self._clock())
            judged = witnessing.judge(
                request, self._logs, self._last(origin), self._name, self._private, now
            )
            if judged.note is not None:
                disk.write(self._file(origin), str(judged.note).encode())
        return judged

    def shown(self, log: str) -> str | None:
        """The note cosigned last for the log of this origin hash."""
        try:
            return (self._folder / f"{log}.checkpoint").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def _last(self, origin: str) -> Checkpoint | None:
        text = self.shown(witnessing.origin_hash(origin))
        return None if text is None else notes.checkpoint(notes.parse(text).text)

    def _file(self, origin: str) -> Path:
        return self._folder / f"{witnessing.origin_hash(origin)}.checkpoint"


def server(folder: WitnessFolder, host: str, port: int) -> Serving:
    """The witness on a socket; `serve_forever` begins."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = TIMEOUT_S

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not (length.isascii() and length.isdecimal()):
                self._say(411, "say the body's length\n", close=True)
            elif len(length) > 9 or int(length) > witnessing.REQUEST_BYTES_MAX:
                self._say(413, "too long\n", close=True)
            elif not self.path.endswith(ADD):
                self._say(404, "there is nothing here\n", close=True)
            else:
                judged = folder.add(self.rfile.read(int(length)).decode("utf-8", "replace"))
                kind = witnessing.SIZE_TYPE if judged.code == 409 else "text/plain; charset=utf-8"
                self._say(judged.code, judged.body, kind)

        def do_GET(self) -> None:
            match = _SHOWN.fullmatch(self.path)
            text = None if match is None else folder.shown(match["log"])
            if text is None:
                self._say(404, "there is nothing here\n")
            else:
                self._say(200, text)

        def log_message(self, *_: object) -> None:
            pass

        def _say(
            self, code: int, text: str, kind: str = "text/plain; charset=utf-8", close: bool = False
        ) -> None:
            data = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            if close:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(data)

    return Serving((host, port), Handler)
