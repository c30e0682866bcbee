"""This file is where a small server speaks the volunteers' protocol, for tests of volunteers."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from grid import canonical
from grid.items import Column, PointRange

#: How every host stands here.
STANDING = {
    "banned": None,
    "answers": {"valid": 3, "invalid": 1, "void": 0, "in_sealed_jobs": 2},
    "no_work_of": [],
}
#: What pages of every origin may read.
OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*"}


class Unit:
    """One result to hand out, with its lease and what was said about it."""

    def __init__(
        self,
        program: str,
        *,
        params: Any = None,
        columns: Sequence[Column] = (),
        chunks: Sequence[Sequence[bytes]] = (),
        rows: Sequence[int] = (),
        points: PointRange | None = None,
        first_rows: Sequence[int] = (),
        time_limit_s: float = 20,
    ) -> None:
        self.result_id = f"r{secrets.token_hex(6)}"
        self.program, self.params, self.time_limit_s = program, params, time_limit_s
        self.columns, self.chunks, self.rows = columns, chunks, rows
        self.points = None if points is None else msgspec.to_builtins(points)
        self.first_rows = first_rows or [0] * len(rows)
        self.holder: str | None = None
        self.epoch = 0
        #: Reports that were accepted.
        self.reports: list[dict[str, Any]] = []

    @property
    def lease(self) -> str:
        """Void as soon as another is given."""
        return f"{self.result_id}.{self.epoch}"

    @property
    def output(self) -> bytes:
        """What came back."""
        return base64.b64decode(self.reports[0]["output"])


class FakeServer:
    """Hands out units in order; every request is kept in `requests`, every other GET in `hits`."""

    def __init__(self) -> None:
        self.units: list[Unit] = []
        self.blobs: dict[str, bytes] = {}
        self.pages: dict[str, tuple[str, bytes, dict[str, str]]] = {
            "/api/v1/hosts/me": ("application/json", json.dumps(STANDING).encode(), {}),
            "/sandbox/reached.js": ("text/javascript", b"// reached\n", OPEN_TO_ALL),
        }
        self.requests: list[dict[str, Any]] = []
        self.hits: list[str] = []
        self.hosts: list[str] = []
        #: What hosts said of themselves: when they enrolled, and when they came back.
        self.enrolled: list[dict[str, Any]] = []
        self.came_back: list[dict[str, Any]] = []
        self.trusted: list[str] = []
        #: Codes to refuse the next requests for work with.
        self.refuse: list[int] = []
        #: How many answers to work out and then lose on the way.
        self.lose = 0
        #: What was put: result and digest → lease and bytes; codes to refuse the next ones with.
        self.put: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.refuse_put: list[int] = []
        #: What hosts say can be reached from inside their sandboxes.
        self.told: list[list[str]] = []
        #: Leases renewed, and results whose renewal is refused.
        self.renewed: list[str] = []
        self.take_back: set[str] = set()
        self.heartbeat_s = 30.0
        self.retry_after_s = 1.0
        self.sandbox_origin = ""
        self.url = ""
        self._lock = threading.Lock()

    def add(self, unit: Unit) -> Unit:
        """Offer a unit, its bytes included."""
        for data in (unit.program.encode(), *(blob for chunk in unit.chunks for blob in chunk)):
            self.blobs[canonical.digest(data)] = data
        self.units.append(unit)
        return unit

    def enrol(self, body: dict[str, Any], authorization: str | None) -> tuple[int, Any]:
        """POST /hosts."""
        if authorization is not None and authorization != "Bearer trusted":
            return 401, {"title": "Unauthorized", "detail": "unknown token"}
        token = secrets.token_hex(8)
        self.hosts.append(token)
        self.enrolled.append(body)
        return 201, {
            "host_id": f"h{len(self.hosts)}",
            "token": token,
            "protocol": 1,
            "sandbox_origin": self.sandbox_origin or self.url,
            "heartbeat_s": self.heartbeat_s,
        }

    def come_back(self, body: dict[str, Any], authorization: str | None) -> tuple[int, Any]:
        """PUT /hosts/me."""
        token = (authorization or "").removeprefix("Bearer ")
        if token not in self.hosts:
            return 401, {"title": "Unauthorized", "detail": "unknown token"}
        self.came_back.append(body)
        host_id = f"h{self.hosts.index(token) + 1}"
        return 200, {"host_id": host_id, "protocol": 1, "heartbeat_s": self.heartbeat_s}

    def work(self, body: dict[str, Any]) -> tuple[int, Any]:
        """POST /work."""
        with self._lock:
            self.requests.append(body)
            if self.refuse:
                return self.refuse.pop(0), {"title": "Refused", "detail": "not now"}
            if body["token"] not in self.hosts:
                return 401, {"title": "Unauthorized", "detail": "unknown host"}
            answer = {
                "reports": [self._report(body["token"], one) for one in body["reports"]],
                "renewed": [self._renew(one) for one in body["renew"]],
                "assignments": [self._assign(one) for one in self._choose(body)],
                "retry_after_s": self.retry_after_s,
            }
            if not answer["assignments"]:
                answer["why_no_work"] = "no_work"
            return 200, answer

    def put_output(self, path: str, headers: Any, data: bytes) -> tuple[int, Any]:
        """PUT /results/…/outputs/…."""
        with self._lock:
            if self.refuse_put:
                return self.refuse_put.pop(0), {"title": "Refused", "detail": "not now"}
            result_id, _, digest = path.removeprefix("/api/v1/results/").partition("/outputs/")
            right = headers["Authorization"] in [f"Bearer {token}" for token in self.hosts]
            if not right or canonical.digest(data) != digest:
                return 400, {"title": "Bad Request", "detail": "other bytes, or nobody's"}
            self.put[result_id, digest] = (headers["Grid-Lease"], data)
            return 201, {"digest": digest, "bytes": len(data)}

    def _choose(self, body: dict[str, Any]) -> list[Unit]:
        free = [unit for unit in self.units if unit.holder is None and not unit.reports]
        for unit in free[: body["want"]]:
            unit.holder = body["token"]
        return free[: body["want"]]

    def _report(self, token: str, report: dict[str, Any]) -> dict[str, Any]:
        unit = next((one for one in self.units if one.result_id == report["result_id"]), None)
        refused = {"result_id": report["result_id"], "accepted": False}
        if unit is None:
            return refused | {"reason": "unknown_result"}
        if unit.reports and unit.reports[0] != report:
            return refused | {"reason": "already_reported"}
        if unit.holder != token:
            return refused | {"reason": "not_yours"}
        if report["lease"] != unit.lease:
            return refused | {"reason": "bad_lease"}
        if report["outcome"] == "released":
            unit.holder, unit.epoch = None, unit.epoch + 1
        elif not unit.reports:
            unit.reports.append(report)
        return {"result_id": unit.result_id, "accepted": True, "receipt": "kept"}

    def _renew(self, lease: dict[str, Any]) -> dict[str, Any]:
        unit = next(one for one in self.units if one.result_id == lease["result_id"])
        if unit.result_id in self.take_back or lease["lease"] != unit.lease:
            return {"result_id": unit.result_id, "reason": "too_late"}
        unit.epoch += 1
        self.renewed.append(unit.result_id)
        return {
            "result_id": unit.result_id,
            "lease": unit.lease,
            "deadline": 2_000_000_000,
            "expires_in_s": 600,
        }

    def _assign(self, unit: Unit) -> dict[str, Any]:
        program = unit.program.encode()
        return {
            "result_id": unit.result_id,
            "lease": unit.lease,
            "job": {"id": "j1", "name": "A <b>job", "job_type": "SUM", "page": "/jobs/j1"},
            "program": self._blob(program),
            "columns": [
                {
                    "name": one.name,
                    "type": one.type.value,
                    "physical": one.physical.value,
                    "nullable": one.nullable,
                }
                for one in unit.columns
            ],
            "inputs": [
                {
                    "column": one.name,
                    "chunk": number,
                    "rows": rows,
                    "first_row": first,
                    **self._blob(blob),
                }
                for number, (chunk, rows, first) in enumerate(
                    zip(unit.chunks, unit.rows, unit.first_rows, strict=True)
                )
                for one, blob in zip(unit.columns, chunk, strict=True)
            ],
            **({} if unit.points is None else {"points": unit.points}),
            "params": unit.params,
            "limits": {
                "time_limit_s": unit.time_limit_s,
                "output_bytes_max": 300_000,
                "inline_bytes_max": 65536,
            },
            "deadline": 2_000_000_000,
            "expires_in_s": 600,
        }

    def _blob(self, data: bytes) -> dict[str, Any]:
        digest = canonical.digest(data)
        return {"digest": digest, "url": f"/api/v1/blobs/{digest}", "bytes": len(data)}


def _handler(server: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path in server.pages:
                self._answer(200, *server.pages[path])
                return
            blob = server.blobs.get(path.removeprefix("/api/v1/blobs/"))
            if blob is not None:
                self._answer(200, "application/octet-stream", blob, {})
                return
            server.hits.append(self.path)
            self._answer(404, "text/plain", b"nothing here", OPEN_TO_ALL)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null")
            if self.path == "/api/v1/hosts":
                code, answer = server.enrol(body, self.headers["Authorization"])
            elif self.path == "/api/v1/work":
                code, answer = server.work(body)
                if code == 200 and server.lose > 0:
                    server.lose -= 1
                    self.close_connection = True
                    return
            elif self.path == "/api/v1/hosts/me/sandbox":
                server.told.append(body["reached"])
                code, answer = 200, {}
            else:
                server.hits.append(self.path)
                code, answer = 404, {"title": "Not Found"}
            self._answer(code, "application/json", json.dumps(answer).encode(), {})

        def do_PUT(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/api/v1/hosts/me":
                code, answer = server.come_back(json.loads(data), self.headers["Authorization"])
            else:
                code, answer = server.put_output(self.path, self.headers, data)
            self._answer(code, "application/json", json.dumps(answer).encode(), {})

        def _answer(self, code: int, kind: str, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in {"Content-Type": kind, **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Tests read `requests` and `hits`."""

    return Handler


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A volunteer that goes away in the middle of an answer is no error here."""


@contextmanager
def running() -> Iterator[FakeServer]:
    """A fake server on a port of its own."""
    server = FakeServer()
    http = _Http(("127.0.0.1", 0), _handler(server))
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
