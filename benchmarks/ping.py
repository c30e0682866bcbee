"""This file is where the exchange of one work unit is timed: pings, one host, one at a time.

Each measured request reports one answer, which is durable before it is acknowledged, and asks for
the next work unit.

    python -m benchmarks.ping [--count 1000]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import statistics
import time
from typing import Any

import httpx

from benchmarks.serving import serving
from benchmarks.wire import Connection

Json = Any


async def exchanges(port: int, token: str) -> list[float]:
    """Seconds of each request, until there is no more work."""
    connection = await Connection.open(port)
    reports: list[Json] = []
    taken: list[float] = []
    while True:
        body = {"protocol": 1, "token": token, "want": 1, "reports": reports}
        began = time.perf_counter()
        answer = json.loads(await connection.post("/api/v1/work", json.dumps(body).encode()))
        if reports:
            taken.append(time.perf_counter() - began)
            assert all(one["accepted"] for one in answer["reports"]), answer["reports"]
        if not answer["assignments"]:
            connection.close()
            return taken
        reports = [pong(one) for one in answer["assignments"]]


def pong(assignment: Json) -> Json:
    """The report of a right answer."""
    output = json.dumps({"last": 1, "pong": assignment["points"]["first"]}, separators=(",", ":"))
    return {
        "result_id": assignment["result_id"],
        "lease": assignment["lease"],
        "outcome": "success",
        "output": base64.b64encode(output.encode()).decode(),
        "elapsed_ms": 0,
    }


def measure(port: int, admin: str, count: int) -> list[float]:
    """Seconds of every exchange of a job of so many pings."""
    headers = {"Authorization": f"Bearer {admin}"}
    base = f"http://127.0.0.1:{port}/api/v1/"
    with httpx.Client(base_url=base, headers=headers, timeout=60, trust_env=False) as client:
        host = {"protocol": 1, "kind": "headless", "engine": "benchmark/1", "capabilities": {}}
        token = httpx.post(f"{base}hosts", json=host, trust_env=False).json()["token"]
        job = {
            "job_type": "pingPong",
            "spec": {"count": count},
            "policy": {"min_quorum": 1},
        }
        posted = client.post("jobs", json=job)
        posted.raise_for_status()
        taken = asyncio.run(exchanges(port, token))
        while client.get(f"jobs/{posted.json()['id']}").json()["state"] == "active":
            time.sleep(0.05)
        rows = client.get(f"jobs/{posted.json()['id']}/output").json()["rows"]
        assert rows == [[count, 0]], rows
        return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    chosen = parser.parse_args()
    with serving("pingPong") as server:
        taken = measure(server.port, server.token, chosen.count)
    parts = statistics.quantiles(taken, n=100)
    print(f"{len(taken)} exchanges, one at a time, every answer durable:")
    print(f"p50 {parts[49] * 1000:.1f} ms, p99 {parts[98] * 1000:.1f} ms, sum {sum(taken):.1f} s")


if __name__ == "__main__":
    main()
