"""This file is where requesters' programs meet a real server: the README's example, and frames."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from live import ROOT, WAIT_S, LiveHost, LiveServer, token

from grid.client import AsyncGrid, BadRequest, Grid, Unauthorized, as_completed


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
