"""This file is where tests start a real server process and real volunteers, and act as hosts.

A `LiveHost` speaks `/work` over HTTP and computes as it is told: by the job type's Python
reference, by an engine, or falsely.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import live_computing
import postgres

from grid import canonical
from grid.db import accounts
from grid.db.store import Store
from grid.engines.deno import DenoEngine
from grid.plugins.registry import Registry
from grid.settings import Settings

ROOT = Path(__file__).parents[1]
#: Job types for tests only.
TEST_JOB_TYPES = Path(__file__).parent / "jobtypes"
PROTOCOL = 1
#: A start takes two seconds; on a busy machine ten times that.
START_S = 120
#: What is promised within a second; a busy machine gets more.
AT_ONCE_S = 5
#: What any wait for the server may take at most: ten thousand outputs of a job take ten seconds.
WAIT_S = 180
LISTENING = re.compile(r"^listening on http://127\.0\.0\.1:(\d+)$", re.MULTILINE)

#: Tests wait for what is due in fractions of a second, where operators wait for seconds.
#: Small crowds: nobody is left for most traps.
BRISK = {"daemon_interval_s": 0.2, "retry_after_s": 0.2, "trap_wait_s": 2}

View = dict[str, Any]
#: Assignment → output.
Answer = Callable[[View], Any]


def grid(
    *arguments: str, data: Path, environment: Mapping[str, str] | None = None, **settings: object
) -> subprocess.CompletedProcess[str]:
    """Run a `grid` command on a data folder, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "web.main", *arguments],
        env=_environment(data, settings, environment),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def token(data: Path, account: str, scope: str, database_url: str = "") -> str:
    """A new token, as `grid token create` makes one, in a data folder that may be new."""
    store = Store(Settings(data_dir=data, database_url=database_url))
    try:
        passes = store.keyring.passes
        return store.write(
            lambda tx: accounts.issue(tx, passes, accounts.grant(tx, account, [scope]), [scope])[1]
        )
    finally:
        store.close()


class LiveServer:
    """A `grid serve` process over a data folder of its own, on a port that outlives it."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str] | None = None, **settings: object
    ) -> None:
        self.data, self.log = folder / "data", folder / "server.log"
        self._settings = {**BRISK, **settings}
        self._extra = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self.admin_token = ""
        self.http = httpx.Client(trust_env=False, timeout=WAIT_S)
        folders = str(self._settings.get("job_type_folders", ""))
        self.job_types = Registry(Path(one) for one in folders.split(",") if one)
        self._blobs: dict[str, bytes] = {}
        self.facts: dict[str, live_computing.Facts] = {}

    def __enter__(self) -> LiveServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        if self._process is not None and self._process.poll() is None:
            self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self._port

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and wait until it listens."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.touch()
        where = str(self._settings.get("database_url", ""))
        self.admin_token = self.admin_token or token(self.data, "admin", "admin", where)
        known = len(self.log.read_text())
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "web.main", "serve"],
                env=_environment(self.data, {**self._settings, "port": self._port}, self._extra),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        for _ in waiting(START_S, f"the server to listen; see {self.log}"):
            said = self.log.read_text()[known:]
            assert self._process.poll() is None, f"the server ended: {said}"
            if listening := LISTENING.search(said):
                self._port = int(listening[1])
                break

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self.wait()

    def terminate(self) -> None:
        """SIGTERM; does not wait."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self, limit_s: float = WAIT_S) -> int:
        """How it exited."""
        assert self._process is not None
        return self._process.wait(limit_s)

    def grid(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A `grid` command by its operator, beside the running server."""
        return grid(*arguments, data=self.data, environment=self._extra, **self._settings)

    def ask(self, method: str, path: str, *, token: str | None = None, **options: Any) -> Any:
        """A request to the API, by the admin unless a token (or "" for none) is given."""
        used = self.admin_token if token is None else token
        headers = {"Authorization": f"Bearer {used}"} if used else {}
        below = path if path.startswith(("/api", "http")) else f"/api/v1{path}"
        headers |= options.pop("headers", {})
        return self.http.request(method, f"{self.url}{below}", headers=headers, **options)

    def get(self, path: str, **options: Any) -> View:
        """The JSON of a GET that succeeds."""
        answer = self.ask("GET", path, **options)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def pages(self, path: str) -> Iterator[list[View]]:
        """Every page of a list, by following its links."""
        following: str | None = path
        while following is not None:
            page = self.get(following)
            yield page["items"]
            following = page["_links"].get("next", {}).get("href")

    def set_plugin(self, name: str, enabled: bool = True) -> None:
        """Enable or disable a job type as it is there now, whatever it warns of."""
        there = {one["name"]: one["digest"] for one in self.get("/admin/plugins")["items"]}
        body = {"name": name, "digest": there[name], "enabled": enabled, "caution": True}
        answer = self.ask("POST", "/admin/plugins", json=body)
        assert answer.status_code == 200, answer.text

    def dataset(self, text: str | bytes, **query: Any) -> str:
        """Upload CSV with a header row; the data set's id."""
        answer = self.ask(
            "POST",
            "/datasets",
            params={"name": "rows", "header": "true", **query},
            headers={"Content-Type": "text/csv"},
            content=text.encode() if isinstance(text, str) else text,
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def submit(
        self,
        job_type: str,
        spec: Any,
        dataset: str | None = None,
        points: int | None = None,
        **policy: Any,
    ) -> httpx.Response:
        """Post a job, whatever comes of it; `points` are those of a work unit."""
        body = {"job_type": job_type, "spec": spec, "policy": policy}
        body |= {} if dataset is None else {"dataset": dataset}
        body |= {} if points is None else {"workunit_points": points}
        response: httpx.Response = self.ask("POST", "/jobs", json=body)
        return response

    def job(
        self,
        job_type: str,
        spec: Any,
        dataset: str | None = None,
        points: int | None = None,
        **policy: Any,
    ) -> str:
        """Post a job that is accepted; its id."""
        answer = self.submit(job_type, spec, dataset, points, **policy)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def view(self, job_id: str) -> View:
        """A job as it is now."""
        return self.get(f"/jobs/{job_id}")

    def until(self, job_id: str, state: str, limit_s: float = WAIT_S) -> View:
        """The job once it is in this state, with its seal open if it has ended."""
        for _ in waiting(limit_s, f"{job_id} to be {state}"):
            view = self.view(job_id)
            if view["state"] == state and not (view["ended_at"] and view["sealed"]):
                return view
            assert view["state"] in ("active", "paused", state), view
        raise AssertionError

    def output(self, job_id: str) -> list[list[Any]]:
        """The rows of a completed job."""
        return list(self.get(f"/jobs/{job_id}/output")["rows"])

    def output_csv(self, job_id: str) -> str:
        """The output as CSV."""
        answer = self.ask("GET", f"/jobs/{job_id}/output", params={"format": "csv"})
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def workunits(self, job_id: str) -> list[View]:
        """All work units of a job, in order."""
        return [one for page in self.pages(f"/jobs/{job_id}/workunits?limit=200") for one in page]

    def cancel_open_jobs(self) -> None:
        """End what a test has left unfinished, so that the next one's hosts do not get it."""
        for page in self.pages("/jobs?state=active&limit=200"):
            for one in page:
                self.ask("POST", f"/jobs/{one['id']}/cancel", json={})

    def blob(self, url: str, digest: str) -> bytes:
        """The bytes of a blob; fetched once."""
        if digest not in self._blobs:
            answer = self.ask("GET", url, token="")
            assert answer.status_code == 200, answer.text
            assert canonical.digest(answer.content) == digest
            self._blobs[digest] = answer.content
        return self._blobs[digest]

    def reference(self, assignment: View) -> Any:
        """The right answer, by the job type's Python reference over the fetched inputs."""
        return live_computing.reference(self, assignment)

    def engine(self, engine: DenoEngine) -> Answer:
        """Answers by the very program of the job, in an engine."""
        return lambda assignment: live_computing.computed(self, engine, assignment)


class LiveHost:
    """An enrolled host; `answer` gives its output for an assignment."""

    def __init__(
        self, server: LiveServer, answer: Answer | None = None, **capabilities: object
    ) -> None:
        self.server = server
        self._answer = answer or server.reference
        body = {
            "protocol": PROTOCOL,
            "kind": "headless",
            "engine": "test/1",
            "capabilities": capabilities,
        }
        enrolled = server.ask("POST", "/hosts", token="", json=body)
        assert enrolled.status_code == 201, enrolled.text
        self.identity: View = dict(enrolled.json())
        self.token: str = self.identity["token"]

    def work(self, want: int = 0, reports: Sequence[View] = (), **further: object) -> View:
        """One exchange; `further` are the request's other fields."""
        body = {"protocol": PROTOCOL, "token": self.token, "want": want, "reports": list(reports)}
        body |= further
        answer = self.server.ask("POST", "/work", token="", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def take(self, want: int = 64) -> list[View]:
        """Assignments."""
        return list(self.work(want)["assignments"])

    def tell(self, *reports: View) -> list[View]:
        """What became of these reports."""
        return list(self.work(0, reports)["reports"])

    def computed(self, assignment: View) -> View:
        """The report of its answer."""
        return report(assignment, self._answer(assignment))

    def compute_all(self, want: int = 16) -> list[View]:
        """Compute whatever there is for it; what it was given."""
        given: list[View] = []
        while assignments := self.take(want):
            for said in self.tell(*map(self.computed, assignments)):
                assert said["accepted"], said
            given += assignments
        return given


def report(assignment: View, output: Any) -> View:
    """A report of success with this output, whatever it is."""
    return {
        "result_id": assignment["result_id"],
        "lease": assignment["lease"],
        "outcome": "success",
        "output": base64.b64encode(canonical.dumps(output)).decode(),
    }


def chunks_of(assignment: View) -> tuple[int, ...]:
    """Which chunks of its data set it is about."""
    return tuple(sorted({one["chunk"] for one in assignment["inputs"]}))


@contextmanager
def volunteer(server: LiveServer, log: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A `grid volunteer` process that computes in Deno; asked to leave at the end."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "web.main", "volunteer", "--server", server.url, *options],
            cwd=ROOT,
            env=_environment(server.data, {}, {"VOLUNTEER_STATE": str(log.with_suffix(".state"))}),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def until_named(server: LiveServer) -> None:
    """Wait until the log names the program of the only open job, whose first unit is given back:
    five times at most by one host, so each turn has a host of its own."""
    for _ in waiting(60, "the log to name the program", pause_s=0.7):
        host = LiveHost(server)
        (held,) = host.take(1)
        host.tell({**{key: held[key] for key in ("result_id", "lease")}, "outcome": "released"})
        if "leaf" in held["program"]:
            return


def waiting(limit_s: float, what: str, pause_s: float = 0.03) -> Iterator[None]:
    """Turns of a loop until it is left; fails after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        yield
        time.sleep(pause_s)
    raise AssertionError(f"waited {limit_s:g} s for {what}")


def _environment(
    data: Path, settings: Mapping[str, object], extra: Mapping[str, str] | None
) -> dict[str, str]:
    """The environment without what an operator has set here, and with these settings."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("GRID_")}
    # What is said of quorums was said of a fixed one; other modes are asked for by name.
    settings = {"default_mode": "fixed", **settings}
    chosen = {f"GRID_{name.upper()}": str(value) for name, value in settings.items()}
    return {**inherited, **postgres.environment(data), **chosen, **(extra or {})}
