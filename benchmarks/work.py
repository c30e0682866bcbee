"""This file is where `/work` is measured: report and fetch, quorum 2, everything durable.

It starts a real server on SQLite and a bare Litestar echo handler, each a process of its own, and
lets the same simulated hosts talk to both in turn. What counts is the ratio.

    python -m benchmarks.work [--seconds 3] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import sqlite3
import statistics
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx

from benchmarks.serving import free_port, process, serving
from benchmarks.wire import Connection, Host, rate

HOSTS = (1, 16, 128)
BATCHES = (1, 10, 50)
#: Work units of one job: more than the fastest round finishes.
WORKUNITS = 20_000
#: Hosts at once → least share of the echo's rate, at one result a request.
TARGETS = {1: 0.1, 16: 0.2, 128: 0.2}
#: How often it is looked whether a cancelled job is tidied up, and for how long at most.
REST_S, REST_MAX_S = 0.5, 120
#: Whether the daemons still have to end work units of a cancelled job, or call back its copies.
UNTIDY = """
    SELECT 1 FROM workunit WHERE assimilate_state <> 'done'
    UNION ALL SELECT 1 FROM result WHERE server_state = 'unsent' LIMIT 1
"""


class Grid:
    """The server under measurement."""

    def __init__(self, port: int, token: str, folder: Path) -> None:
        self.port, self._folder = port, folder
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=300,
            trust_env=False,
        )
        body = b"a\n" + b"1\n" * WORKUNITS
        query = {"header": "true", "chunk_rows": "1", "name": "ones"}
        kind = {"Content-Type": "text/csv"}
        self._dataset = self._json("POST", "datasets", params=query, headers=kind, content=body)

    def _json(self, method: str, path: str, **further: object) -> dict[str, str]:
        answer = self._client.request(method, path, **further)  # type: ignore[arg-type]
        answer.raise_for_status()
        return dict(answer.json())

    def job(self) -> str:
        """A fresh job of many work units; its id."""
        body = {
            "job_type": "SUM",
            "spec": {"column": "a"},
            "dataset": self._dataset["id"],
            "policy": {"min_quorum": 2},
        }
        return self._json("POST", "jobs", json=body)["id"]

    def cancel(self, job: str) -> None:
        """End the job, and let the server tidy up, so that the next one starts alone."""
        self._json("POST", f"jobs/{job}/cancel")
        deadline = time.monotonic() + REST_MAX_S
        with closing(sqlite3.connect(self._folder / "grid.db")) as connection:
            while connection.execute(UNTIDY).fetchall() and time.monotonic() < deadline:
                time.sleep(REST_S)
        time.sleep(REST_S)

    def enrol(self) -> str:
        """A new anonymous host's token: hosts of one account would count as one."""
        body = {"protocol": 1, "kind": "headless", "engine": "benchmark/1", "capabilities": {}}
        answer = httpx.post(f"{self._client.base_url}hosts", json=body, trust_env=False)
        answer.raise_for_status()
        return str(answer.json()["token"])


async def measure(
    grid: Grid, echo_port: int, hosts: int, batch: int, seconds: float, output: str
) -> tuple[float, float, float]:
    """Requests a second of grid and echo, and results a second of grid."""
    job = grid.job()
    names = 2 if hosts == 1 else 1
    tokens = [[grid.enrol() for _ in range(names)] for _ in range(hosts)]
    crowd = [Host(await Connection.open(grid.port), mine, batch) for mine in tokens]
    sent = b""
    for _ in range(3):  # fill the hosts' hands, so that every measured request reports and asks
        sent = max(await asyncio.gather(*(host.exchange(output) for host in crowd)), key=len)
    before = sum(host.results for host in crowd)
    ours = await rate([lambda host=host: host.exchange(output) for host in crowd], seconds)
    results = sum(host.results for host in crowd) - before
    assert not any(host.refused for host in crowd), "a report was refused"
    grid.cancel(job)
    echoes = [await Connection.open(echo_port) for _ in range(hosts)]
    theirs = await rate([lambda one=one: one.post("/api/v1/work", sent) for one in echoes], seconds)
    for one in (*echoes, *(host.connection for host in crowd)):
        one.close()
    return ours, theirs, results / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    output = base64.b64encode(b'{"full":0,"keys":[],"states":[[1],["1"]]}').decode()
    port = free_port()
    echo = (sys.executable, "-m", "benchmarks.echo", str(port))
    with serving("SUM") as server, process(port, *echo):
        grid = Grid(server.port, server.token, server.folder)
        report(grid, port, chosen.seconds, chosen.rounds, output)


def report(grid: Grid, echo_port: int, seconds: float, rounds: int, output: str) -> None:
    """Measure every case and print it; medians of alternating rounds."""
    print(f"/work and a bare Litestar echo handler: medians of {rounds} rounds of {seconds:g} s")
    print(f"{'hosts':>5} {'results':>8} {'/work':>9} {'echo':>9} {'ratio':>6} {'results':>9}")
    print(f"{'':>5} {'/request':>8} {'req/s':>9} {'req/s':>9} {'':>6} {'/s':>9}")
    for hosts in HOSTS:
        for batch in BATCHES:
            taken = [
                asyncio.run(measure(grid, echo_port, hosts, batch, seconds, output))
                for _ in range(rounds)
            ]
            ours, theirs, results = map(statistics.median, zip(*taken, strict=True))
            ratio = statistics.median(one[0] / one[1] for one in taken)
            verdict = ""
            if batch == 1:
                kept = "reached" if ratio >= TARGETS[hosts] else "MISSED"
                verdict = f"target {TARGETS[hosts]:g}: {kept}"
            print(
                f"{hosts:>5} {batch:>8} {ours:>9.0f} {theirs:>9.0f} {ratio:>6.2f} {results:>9.0f}"
                f"  {verdict}",
                flush=True,
            )


if __name__ == "__main__":
    main()
