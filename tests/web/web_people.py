"""This file is where tests of the HTTP face find their people: requesters, hosts, strangers."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio
import msgspec
from httpx import Response
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from grid import canonical, chunks
from grid.daemons import assimilator, generator, transitioner, trust
from grid.db import accounts, commands, queries
from grid.db.store import Store
from grid.db.transaction import Transaction
from grid.identifiers import Kind
from grid.items import PointRange
from grid.plugins.contract import Chunk
from grid.plugins.inputs import with_points
from grid.settings import Settings
from web.app import create_app, serving

API = "/api/v1"
PROTOCOL = 1

#: Ten rows that every test knows; column 2 sums to 47.
ROWS_CSV = (
    "id,name,score\n1,Bimal,7\n1,Utkarsh,6\n1,Bimal,3\n9,Suyash,5\n1,Bimal,7\n"
    "1,Suyash,3\n1,Bimal,3\n1,Bimal,3\n9,Suyash,9\n3,Utkarsh,1\n"
)


#: Apps of tests that passed, with nothing behind them: to register all routes anew takes longer
#: than most tests do.
IDLE: list[Litestar] = []


def enable(store: Store, *names: str, enabled: bool = True) -> None:
    """Let requesters use these job types, or not."""
    for name in names:
        found = store.job_types.find(name)
        assert found is not None
        store.write(
            lambda tx, found=found: commands.set_plugin(
                tx, found.manifest.name, found.manifest.version, found.digest, enabled
            )
        )


class People:
    """Everybody who speaks to one server."""

    def __init__(self, http: TestClient[Litestar], store: Store) -> None:
        self.http, self.store = http, store
        self.admin = self.token("admin", "admin")
        self.requester = self.token("ann", "requester")

    def token(self, account: str, scope: str, ttl_s: int | None = None) -> str:
        """A new token of this account, which may do that from then on."""
        passes = self.store.keyring.passes

        def issue(tx: Transaction) -> str:
            ends = None if ttl_s is None else tx.now + ttl_s
            number = accounts.grant(tx, account, [scope])
            return accounts.issue(tx, passes, number, [scope], ends)[1]

        return self.store.write(issue)

    def get(self, path: str, token: str | None = None, **options: Any) -> Response:
        return self.http.get(_below(path), headers=_headers(token, options), **options)

    def post(self, path: str, body: Any, token: str | None = None, **options: Any) -> Response:
        return self.http.post(_below(path), json=body, headers=_headers(token, options), **options)

    def upload(self, text: str | bytes, token: str | None = "", **query: Any) -> Response:
        """Posts CSV; by the requester unless told otherwise."""
        content = text.encode() if isinstance(text, str) else text
        asked = urlencode({"name": "rows", **query}, doseq=True)
        return self.http.post(
            f"{API}/datasets?{asked}",
            content=content,
            headers={"Content-Type": "text/csv", **_bearer(self._own(token))},
        )

    def dataset(self, text: str | bytes = ROWS_CSV, **query: Any) -> str:
        """The public id of a new data set."""
        answer = self.upload(text, **query)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def submit(
        self, spec: Any, dataset: str | None, job_type: str = "filterBy", token: str | None = "",
        **further: Any,
    ) -> Response:  # fmt: skip
        """Posts a job; by the requester unless told otherwise."""
        body = {"job_type": job_type, "spec": spec, **further}
        body |= {} if dataset is None else {"dataset": dataset}
        return self.post("/jobs", body, self._own(token))

    def job(self, spec: Any = None, dataset: str | None = None, **further: Any) -> str:
        """The public id of a new job."""
        spec = {"where": "name = 'Suyash'"} if spec is None else spec
        if dataset is None and "workunit_points" not in further:
            dataset = self.dataset(chunk_rows=4)
        answer = self.submit(spec, dataset, **further)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def host(self, token: str | None = None, engine: str = "deno/2") -> Host:
        """A new host, enrolled."""
        body = {"protocol": PROTOCOL, "kind": "headless", "engine": engine, "capabilities": {}}
        answer = self.post("/hosts", body, token)
        assert answer.status_code == 201, answer.text
        return Host(self, answer.json())

    def settle(self) -> None:
        """Do now what the daemons do from time to time."""
        for _ in range(3):
            for daemon in (trust, transitioner, generator, assimilator):
                daemon.do_pass(self.store, self.store.now())

    def finish(self, job_id: str, hosts: Sequence[Host]) -> dict[str, Any]:
        """Have a job computed by these hosts; its view afterwards."""
        for _ in range(50):
            for host in hosts:
                host.compute_all()
            self.settle()
            view = self.get(f"/jobs/{job_id}", self.admin).json()
            if view["state"] not in ("active", "paused"):
                return dict(view)
        raise AssertionError(f"{job_id} does not end: {view}")

    def until(self, job_id: str, state: str, limit_s: float = 60) -> dict[str, Any]:
        """The job's view once it is in this state, brought there by daemons."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            view = self.get(f"/jobs/{job_id}", self.admin).json()
            if view["state"] == state:
                return dict(view)
            time.sleep(0.02)
        raise AssertionError(f"{job_id} is {view['state']}, not {state}")

    def internal(self, kind: Kind, public_id: str) -> int:
        number = self.store.keyring.identifiers.internal(kind, public_id)
        assert number is not None
        return number

    def row_counts(self) -> dict[str, int]:
        """How many rows every table has: what a refused request must leave as it is."""
        from sqlalchemy import func, select
        from sqlmodel import SQLModel

        with self.store.read() as connection:
            return {
                table.name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
                for table in SQLModel.metadata.sorted_tables
            }

    def _own(self, token: str | None) -> str | None:
        return self.requester if token == "" else token


class Host:
    """A volunteer's machine that computes by the job type's reference."""

    def __init__(self, people: People, identity: dict[str, Any]) -> None:
        self.people, self.identity = people, identity
        self.token: str = identity["token"]
        self.id: str = identity["host_id"]

    def work(self, want: int = 0, reports: Any = (), renew: Any = ()) -> Response:
        body = {
            "protocol": PROTOCOL, "token": self.token, "want": want,
            "reports": list(reports), "renew": list(renew),
        }  # fmt: skip
        return self.people.post("/work", body)

    def ask(self, want: int = 1) -> list[dict[str, Any]]:
        answer = self.work(want)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["assignments"])

    def tell(self, *reports: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.work(0, reports)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["reports"])

    def compute_all(self) -> int:
        """Take and compute whatever there is; how much it was."""
        count = 0
        while assignments := self.ask(16):
            for reported in self.tell(*map(self.computed, assignments)):
                assert reported["accepted"], reported
            count += len(assignments)
        return count

    def computed(self, assignment: dict[str, Any]) -> dict[str, Any]:
        """A right report."""
        return report(assignment, output_of(self.people.store, assignment))


def report(assignment: dict[str, Any], output: Any, **further: Any) -> dict[str, Any]:
    """A report of success with this output, whatever it is."""
    return {
        "result_id": assignment["result_id"],
        "lease": assignment["lease"],
        "outcome": "success",
        "output": base64.b64encode(canonical.dumps(output)).decode(),
        **further,
    }


def output_of(store: Store, assignment: dict[str, Any]) -> Any:
    """The right output, computed by the job type's Python reference from the job's blobs."""
    number = store.keyring.identifiers.internal(Kind.JOB, assignment["job"]["id"])
    with store.read() as connection:
        facts = queries.job(connection, number)
        assert facts is not None
        dataset = queries.dataset(connection, facts.job.dataset_id)
        job_type = store.job_types.loaded(facts.job.job_type_digest).job_type
        if dataset is None:
            points = msgspec.convert(assignment["points"], PointRange)
            return job_type.reference(facts.job.spec, (), with_points(points, (), ()))
        found = sorted({one["chunk"] for one in assignment["inputs"]})
        names = [column.name for column in dataset.columns]
        parts = queries.chunk_columns(connection, dataset, found[0], len(found), names)
    tables: dict[int, dict[str, Any]] = {}
    for part in parts:
        values = chunks.to_python(chunks.decode_column(store.blobs.get(part.digest)))
        tables.setdefault(part.chunk, {})[part.column] = values
    given: Sequence[Chunk] = [tables[chunk] for chunk in found]
    if assignment.get("points"):
        points = msgspec.convert(assignment["points"], PointRange)
        first_rows = [dataset.chunk_rows * chunk for chunk in found]
        given = with_points(points, first_rows, given)
    return job_type.reference(facts.job.spec, dataset.columns, given)


@contextmanager
def opened(folder: Path, *, run_daemons: bool, **further: object) -> Iterator[People]:
    """An app over a new store in `folder`, with people; `further` are settings."""
    settings = Settings(
        data_dir=folder,
        body_bytes_max=200_000,
        upload_bytes_max=100_000,
        daemon_interval_s=0.1,
        **{"default_mode": "fixed", **further},
    )
    store = Store(settings)
    enable(store, "filterBy", "SUM", "MIN")
    app = IDLE.pop() if IDLE else create_app(settings)
    app._lifespan_managers[0] = serving(settings, store, run_daemons)
    with TestClient(app, base_url="http://grid.example") as http:
        yield People(http, store)
    store.close()
    IDLE.append(app)


def _below(path: str) -> str:
    return path if path.startswith(("/api", "http")) else API + path


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _headers(token: str | None, options: dict[str, Any]) -> dict[str, str]:
    return {**_bearer(token), **options.pop("headers", {})}


def watch(people: People, path: str, frames: int, token: str | None = None) -> list[bytes]:
    """The first so many pieces of a streamed answer; then the watcher leaves."""
    left = anyio.Event
    pieces: list[bytes] = []

    async def call() -> None:
        enough = left()

        async def receive() -> dict[str, Any]:
            await enough.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message.get("body"):
                pieces.append(message["body"])
            over = message["type"] == "http.response.body" and not message.get("more_body")
            if len(pieces) >= frames or over:
                enough.set()

        headers = [(b"host", b"grid.example")]
        headers += [(key.lower().encode(), text.encode()) for key, text in _bearer(token).items()]
        scope = {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
            "query_string": b"", "headers": headers, "scheme": "http", "root_path": "",
            "client": ("testclient", 50000), "server": ("grid.example", 80),
            "http_version": "1.1", "extensions": {}, "state": {},
        }  # fmt: skip
        with anyio.fail_after(20):
            await people.http.app(scope, receive, send)  # type: ignore[arg-type]

    with people.http.portal() as portal:
        portal.call(call)
    return pieces


def public_routes(app: Litestar) -> list[str]:
    """The path of every GET route, as the app knows them; files of `/static` aside."""
    return sorted(
        route.path
        for route in app.routes
        if isinstance(route, HTTPRoute) and "GET" in route.methods
        if not route.path.startswith("/static")
    )
