"""This file is where `grid serve` is started as people start it, and stopped as systems stop it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 60


class Process:
    """A server process and what it has printed."""

    def __init__(self, folder: Path, **environment: str) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("GRID_")}
        self.child = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "web.main", "serve"],
            cwd=ROOT,
            env={**inherited, "GRID_DATA_DIR": str(folder), "GRID_PORT": "0", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []

    def url(self) -> str:
        """Where it listens, once it does."""
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("listening on "):
                return line.split()[-1]
        raise AssertionError(self.child.stderr and self.child.stderr.read())

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Its exit code, and the seconds that it took."""
        started = time.monotonic()
        self.child.send_signal(how)
        self.child.wait(60)
        return self.child.returncode, time.monotonic() - started


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Process]:
    process = Process(folder, **environment)
    try:
        yield process
    finally:
        process.child.kill()
        process.child.wait()
        for stream in (process.child.stdout, process.child.stderr):
            assert stream is not None
            stream.close()


def test_a_start_prints_a_link_for_the_first_admin_until_one_can_get_in(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as first:
        url = first.url()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d{2,5}", url) and not url.endswith(":0")
        (said,) = [line for line in first.lines if line.startswith("set up the admin: ")]
        link = said.removeprefix("set up the admin: ")
        assert link.startswith(f"{url}/setup?link=")
        while (ready := httpx.get(f"{url}/readyz")).status_code == 503:
            time.sleep(0.05)
        assert ready.json() == {"state": "ready"}
        assert len(first.lines) <= 5
        assert first.end()[0] == 0
    with serving(tmp_path / "data") as second:
        url = second.url()
        (said,) = [line for line in second.lines if line.startswith("set up the admin: ")]
        secret = said.partition("link=")[2]
        with httpx.Client(base_url=url) as http:
            assert http.get(f"/setup?link={link.partition('link=')[2]}").status_code == 410
            page = http.get("/setup", params={"link": secret})
            csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
            assert csrf is not None
            chosen = {"csrf": csrf[1], "link": secret, "password": "a sentence of mine"}
            assert http.post("/setup", data=chosen).status_code == 303
            assert http.get("/api/v1/admin/plugins").status_code == 200
        assert second.end(signal.SIGINT)[0] == 0
    with serving(tmp_path / "data") as third:
        url = third.url()
        assert third.lines == [f"listening on {url}"]
        assert httpx.get(f"{url}/setup", params={"link": secret}).status_code == 410
        assert third.end()[0] == 0
    kept = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert not [one for one in kept if secret.encode() in one or b"a sentence of mine" in one]


def test_sigterm_answers_what_is_in_flight_and_ends_streams(tmp_path: Path) -> None:
    answers: list[int] = []
    streamed: list[str] = []
    with serving(tmp_path / "data") as process:
        url = process.url()
        enrolment = {"protocol": 1, "kind": "headless", "engine": "x/1"}
        token = httpx.post(f"{url}/api/v1/hosts", json=enrolment).json()["token"]
        stop = threading.Event()

        def ask() -> None:
            with httpx.Client() as http:
                while not stop.is_set():
                    body = {"protocol": 1, "token": token, "want": 1}
                    try:
                        answers.append(http.post(f"{url}/api/v1/work", json=body).status_code)
                    except httpx.ConnectError:
                        return

        def look() -> None:
            with httpx.stream("GET", f"{url}/api/v1/events", timeout=60) as response:
                streamed.extend(response.iter_lines())

        people = [threading.Thread(target=ask), threading.Thread(target=look)]
        for one in people:
            one.start()
        while not (streamed and len(answers) > 20):
            time.sleep(0.02)
        code, seconds = process.end()
        stop.set()
        for one in people:
            one.join(60)
    assert code == 0
    assert seconds < 25, "five are promised; a busy machine gets more"
    assert set(answers) <= {200, 503}
    assert streamed[0] == "event: server"


@pytest.mark.parametrize(
    ("environment", "word"),
    [({"GRID_PROT": "1"}, "GRID_PROT"), ({"GRID_PORT": "many"}, "GRID_PORT")],
)
def test_a_wrong_setting_stops_the_start_with_its_name(
    tmp_path: Path, environment: dict[str, str], word: str
) -> None:
    with serving(tmp_path / "data", **environment) as process:
        said, errors = process.child.communicate(timeout=START_LIMIT_S)
    assert process.child.returncode == 2
    assert word in errors and len(errors.splitlines()) == 1
    assert said == ""


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with serving(tmp_path / "one") as first:
        port = first.url().rpartition(":")[2]
        with serving(tmp_path / "two", GRID_PORT=port) as second:
            _, errors = second.child.communicate(timeout=START_LIMIT_S)
    assert second.child.returncode == 2
    assert port in errors and len(errors.splitlines()) == 1
