"""This file is where an operator's commands meet a running server: two processes, one folder."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live import TEST_JOB_TYPES, LiveHost, LiveServer, grid

from grid.plugins.loader import discover

ROWS = "n\n" + "".join(f"{number}\n" for number in range(30))


@pytest.fixture
def types(tmp_path: Path) -> Path:
    """A folder of further job types, of which one may change: `tally`."""
    folder = tmp_path / "types"
    shutil.copytree(TEST_JOB_TYPES / "tally", folder / "tally")
    return folder


@pytest.fixture
def server(tmp_path: Path, types: Path) -> Iterator[LiveServer]:
    with LiveServer(tmp_path, job_type_folders=types) as one:
        yield one


def _enable(server: LiveServer, name: str) -> None:
    done = server.grid("plugins", "enable", name, "--yes")
    assert done.returncode == 0, done.stderr


def _state(server: LiveServer, name: str) -> str:
    """What `grid plugins list` says about a job type."""
    done = server.grid("plugins", "list")
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.split()[:1] == [name]]
    return " ".join(line.split()[3:])


def _change(types: Path) -> None:
    with (types / "tally" / "README.md").open("a") as file:
        file.write("\nAnother line.\n")


def test_a_job_type_is_enabled_and_disabled_while_the_server_runs(server: LiveServer) -> None:
    assert _state(server, "SUM").startswith("disabled")
    dataset = server.dataset(ROWS, chunk_rows=10)
    spec = {"column": "n"}
    assert server.submit("SUM", spec, dataset).status_code == 409

    _enable(server, "SUM")
    assert _state(server, "SUM").startswith("enabled")
    assert [one["name"] for one in server.get("/job-types", token="")["items"]] == ["SUM"]
    open_job = server.job("SUM", spec, dataset, min_quorum=1)
    first = LiveHost(server)
    (assignment,) = first.take(1)

    disabled = server.grid("plugins", "disable", "SUM")
    assert (disabled.returncode, disabled.stdout) == (0, "SUM: disabled\n")
    refused = server.submit("SUM", spec, dataset)
    assert refused.status_code == 409
    assert refused.json()["errors"][0]["pointer"] == "/job_type"
    assert first.tell(first.computed(assignment))[0]["accepted"]
    assert len(first.compute_all()) == 2, "what runs is finished"
    server.until(open_job, "completed")
    assert server.output(open_job) == [[sum(range(30)), 30]]
    assert len(server.get("/jobs")["items"]) == 1


def test_a_job_type_that_does_not_exist_is_named(server: LiveServer) -> None:
    for verb in (("enable", "nothing", "--yes"), ("disable", "nothing")):
        done = server.grid("plugins", *verb)
        assert done.returncode == 2
        assert done.stderr.startswith("grid: nothing: no such job type; there are ")


def test_a_token_made_beside_the_running_server_is_good_at_once(server: LiveServer) -> None:
    _enable(server, "SUM")
    done = server.grid("token", "create", "ann")
    assert done.returncode == 0
    token = done.stdout.strip()
    body = {"job_type": "SUM", "spec": {"column": "n"}, "dataset": server.dataset(ROWS)}
    assert server.ask("POST", "/jobs", token=token, json=body).status_code == 201
    assert server.ask("GET", "/admin/plugins", token=token).status_code == 403
    assert server.ask("POST", "/jobs", token=token + "x", json=body).status_code == 401
    wrong = server.grid("token", "create", "ann", "--scope", "king")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    kept = b"".join(path.read_bytes() for path in server.data.iterdir() if path.is_file())
    assert token.encode() not in kept, "only its hash is stored"


def test_a_changed_folder_takes_no_jobs_until_it_is_enabled_again(
    server: LiveServer, types: Path
) -> None:
    _enable(server, "tally")
    dataset = server.dataset(ROWS)
    before = server.job("tally", {}, dataset, min_quorum=1)
    host = LiveHost(server)
    host.compute_all()
    server.until(before, "completed")

    _change(types)
    assert _state(server, "tally").startswith("changed: enable again")
    refused = server.submit("tally", {}, dataset)
    assert refused.status_code == 409
    assert "an admin must enable it first" in refused.json()["detail"]
    assert server.get("/job-types", token="")["items"] == []

    _enable(server, "tally")
    after = server.job("tally", {}, dataset, min_quorum=1)
    assert server.view(after)["job_type_digest"] != server.view(before)["job_type_digest"]
    host.compute_all()
    server.until(after, "completed")
    assert server.output(after) == [[30]]


def test_an_open_job_outlives_a_change_of_its_folder_until_the_server_stops(
    server: LiveServer, types: Path
) -> None:
    _enable(server, "tally")
    job_id = server.job("tally", {}, server.dataset(ROWS, chunk_rows=10), min_quorum=1)
    host = LiveHost(server)
    (assignment, *_) = host.take()
    right = host.computed(assignment)
    server.kill()
    server.start()
    _change(types)
    assert host.tell(right)[0]["accepted"], "its code was kept at the start"

    server.terminate()
    assert server.wait() == 0
    for command in ("serve", "plugins list"):
        refused = grid(*command.split(), data=server.data, job_type_folders=types, port=0)
        assert refused.returncode == 2
        assert refused.stdout == ""
        (line,) = refused.stderr.splitlines()
        assert line.startswith("grid: job 'tally of rows' is open") and "has changed" in line

    shutil.rmtree(types / "tally")
    shutil.copytree(TEST_JOB_TYPES / "tally", types / "tally")
    server.start()
    assert server.view(job_id)["counts"]["decided"] == 1


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"GRID_PROT": "8080"}, "GRID_PROT: no such setting"),
        ({"GRID_grid_port": "8080"}, "GRID_grid_port: no such setting"),
        ({"GRID_PORT": "eighty"}, "GRID_PORT: "),
        ({"GRID_HEARTBEAT_S": "0"}, "GRID_HEARTBEAT_S: "),
        ({"GRID_PUBLIC_URL": "grid.example"}, "GRID_PUBLIC_URL: "),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_wrong_setting_stops_the_start_and_is_named(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    done = grid("serve", data=tmp_path / "data", environment=environment)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"grid: {said}")
    assert not (tmp_path / "data").exists(), "nothing was begun"


def test_sigterm_answers_what_is_in_flight_and_exits_with_0(
    server: LiveServer, record_property: Callable[[str, object], None]
) -> None:
    head = (
        "POST /api/v1/datasets?name=late&header=true HTTP/1.1\r\nHost: grid\r\n"
        f"Authorization: Bearer {server.admin_token}\r\nContent-Type: text/csv\r\n"
        f"Content-Length: {len(ROWS)}\r\n\r\n"
    )
    watch = "GET /api/v1/events HTTP/1.1\r\nHost: grid\r\nAccept: text/event-stream\r\n\r\n"
    with (
        socket.create_connection(server.address, timeout=30) as upload,
        socket.create_connection(server.address, timeout=30) as watching,
    ):
        watching.sendall(watch.encode())
        assert watching.recv(1000).startswith(b"HTTP/1.1 200")
        upload.sendall((head + ROWS[:20]).encode())
        time.sleep(0.3)
        started = time.monotonic()
        server.terminate()
        time.sleep(0.3)
        upload.sendall(ROWS[20:].encode())
        answer = b""
        while piece := upload.recv(65536):
            answer += piece
        assert server.wait() == 0
        took_s = time.monotonic() - started
    assert answer.startswith(b"HTTP/1.1 201")
    record_property("seconds_to_stop", round(took_s, 2))
    assert took_s < 25, "five are promised; a busy machine gets more"
    server.start()
    assert [one["name"] for one in server.get("/datasets")["items"]] == ["late"], "and it is kept"


def test_a_strangers_job_type_is_listed_unread_and_runs_once_enabled(tmp_path: Path) -> None:
    site, marker = tmp_path / "site", tmp_path / "imported"
    _install(site, marker)
    environment = {"PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
    with LiveServer(tmp_path, environment=environment) as server:
        assert _state(server, "stranger").startswith("disabled")
        there = {one["name"] for one in server.get("/admin/plugins")["items"]}
        assert there == {"stranger", *(found.manifest.name for found in discover())}
        dataset = server.dataset(ROWS, chunk_rows=10)
        assert server.submit("stranger", {}, dataset).status_code == 409
        assert not marker.exists(), "listed, and not a line of it was run"

        _enable(server, "stranger")
        assert marker.exists()
        job_id = server.job("stranger", {}, dataset, min_quorum=1)
        LiveHost(server, lambda assignment: {"rows": assignment["inputs"][0]["rows"]}).compute_all()
        server.until(job_id, "completed")
        assert server.output(job_id) == [[30]]


def _install(site: Path, marker: Path) -> None:
    """A distribution as pip would leave it: a package, and metadata that point to it."""
    package, metadata = site / "stranger", site / "stranger-1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    for path in (TEST_JOB_TYPES / "tally").glob("*.*"):
        text = path.read_text().replace("tally", "stranger")
        if path.suffix == ".py":
            text += f"\n\nwith open({str(marker)!r}, 'w'):\n    pass\n"
        (package / path.name).write_text(text)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[grid.jobtypes]\nstranger = stranger\n")
    (metadata / "RECORD").write_text("")
