"""This file is where requesters' programs meet a real server: the README's example, and frames."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from live import ROOT, WAIT_S, LiveHost, LiveServer, token
from typer.testing import CliRunner, Result

from grid.client import AsyncGrid, BadRequest, Grid, Unauthorized, as_completed
from web.main import app


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose work two hosts compute all the time."""
    with LiveServer(tmp_path_factory.mktemp("client"), default_mode="fixed") as one:
        for name in ("SUM", "filterBy"):
            one.set_plugin(name)
        over = threading.Event()

        def compute() -> None:
            hosts = [LiveHost(one) for _ in range(2)]
            while not over.wait(0.05):
                for host in hosts:
                    host.compute_all()

        crowd = threading.Thread(target=compute)
        crowd.start()
        yield one
        over.set()
        crowd.join()


@pytest.fixture(scope="module")
def requester(server: LiveServer) -> str:
    return token(server.data, "ann", "requester")


def test_row_18_the_readmes_five_lines_submit_and_print_the_answer(
    server: LiveServer, requester: str, tmp_path: Path
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = [line for line in example.splitlines() if line.strip()]
    assert len(lines) <= 7
    (tmp_path / "sales.csv").write_text("amount,shop\n1.5,a\n2.25,b\n-0.75,a\n")
    done = subprocess.run(
        [sys.executable, "-c", example.replace("http://127.0.0.1:8080", server.url)],
        env={**os.environ, "TOKEN": requester, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "3.0\n"


def test_frames_go_in_and_come_out(server: LiveServer, requester: str) -> None:
    frame = pd.DataFrame({"n": [3, 1, 2], "s": ["x", "y", "x"]})
    with Grid(server.url, requester) as grid:
        data = grid.upload(frame, "frame")
        job = grid.submit("filterBy", where="s = 'x'", data=data)
        found = job.result(WAIT_S).to_pandas()
        assert found.to_dict("list") == {"n": [3, 2], "s": ["x", "x"]}
        assert job.output("csv") == b"n,s\r\n3,x\r\n2,x\r\n"
        sums = grid.map("SUM", [{"column": "n"}, {"column": "n", "where": "n > 1"}], data=data)
        assert [one.value for one in sums] == [6, 5]
        several = [grid.submit("SUM", column="n", data=data) for _ in range(3)]
        assert {one.id for one in as_completed(several, WAIT_S)} == {one.id for one in several}
        assert job.id in {one["id"] for one in grid.jobs()}
        with pytest.raises(BadRequest, match="there is no column") as refused:
            grid.submit("SUM", column="m", data=data)
        assert refused.value.pointer == "/spec/column"


def test_the_same_awaited(server: LiveServer, requester: str) -> None:
    async def ask() -> list[int]:
        async with AsyncGrid(server.url, requester) as grid:
            data = await grid.upload(({"n": number} for number in range(100)), "lazy")
            jobs = [await grid.submit("SUM", column="n", data=data) for _ in range(2)]
            outputs = await asyncio.gather(*(job.result(WAIT_S) for job in jobs))
            return [one.value for one in outputs]

    assert asyncio.run(ask()) == [4950, 4950]


def test_a_token_that_is_none_is_told_at_once(server: LiveServer) -> None:
    with Grid(server.url, "made.up") as grid, pytest.raises(Unauthorized, match="unknown"):
        grid.jobs()


@pytest.fixture
def command(
    server: LiveServer, requester: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Result]:
    """The `grid` command of a requester."""
    monkeypatch.setenv("SERVER", server.url)
    monkeypatch.setenv("TOKEN", requester)
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [*words])


def test_a_command_submits_waits_and_prints(command: Callable[..., Result]) -> None:
    Path("sales.csv").write_text("amount,shop\n3,a\n4,b\n")
    done = command("submit", "SUM", "column=amount", "--data", "sales.csv", "--wait")
    assert (done.exit_code, done.stdout) == (0, "sum,count\n7,2\n"), done.output
    uploaded = command("datasets", "upload", "sales.csv", "--name", "told").stdout.strip()
    listed = json.loads(command("datasets", "list", "--json").stdout)
    assert (listed[0]["id"], listed[0]["name"]) == (uploaded, "told")
    body = {"job_type": "SUM", "spec": {"column": "amount"}, "dataset": uploaded, "name": "whole"}
    Path("job.json").write_text(json.dumps(body))
    job = json.loads(command("submit", "job.json", "--json").stdout)
    watched = command("watch", job["id"], "--json")
    assert (watched.exit_code, json.loads(watched.stdout)["state"]) == (0, "completed")
    assert command("output", job["id"], "--to", "out.json", "--format", "json").exit_code == 0
    assert json.loads(Path("out.json").read_text())["rows"] == [[7, 2]]
    assert "out.json" in command("output", job["id"], "--to", "out.json").stderr, "none is replaced"
    assert job["id"] in command("jobs").stdout and "whole" in command("jobs").stdout
    late = command("cancel", job["id"])
    assert late.exit_code == 2 and "has ended already: it is completed" in late.stderr
    assert "idle" in command("hosts").stdout or "busy" in command("hosts").stdout


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["watch", "job_0"], 2, "there is no such job"),
        (["submit", "SUM", "column"], 2, "wanted as name=value"),
        (["submit", "SUM", "column=x"], 2, "SUM needs a data set"),
        (["submit", "none.json"], 2, "No such file"),
        (["submit", "SUM", "column=x", "--data", "none.csv"], 2, "there is no such file"),
        (["ban", "vol_0", "--reason", "x"], 2, "an admin"),
        (["ban", "vol_0"], 2, "--reason"),
        (["jobs", "--state", "asleep"], 2, "state: one of"),
        (["jobs", "--server", "http://127.0.0.1:9"], 3, "no answer"),
    ],
)
def test_what_goes_wrong_is_a_line_and_an_exit_code(
    command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    code: int,
    why: str,
) -> None:
    monkeypatch.setattr("grid.client.steps.time.sleep", lambda _: None)
    done = command(*words)
    assert (done.exit_code, done.stdout) == (code, ""), done.output
    assert why in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_job_that_is_cancelled_or_goes_on_is_told_by_the_exit_code(
    command: Callable[..., Result], server: LiveServer, requester: str
) -> None:
    with Grid(server.url, requester) as grid:
        job = grid.submit("SUM", column="n", data=[{"n": 1}], policy={"min_quorum": 3})
    assert command("watch", job.id, "--timeout", "0").exit_code == 4
    assert command("cancel", job.id).stdout == f"{job.id}: cancelled\n"
    assert command("watch", job.id).exit_code == 1
