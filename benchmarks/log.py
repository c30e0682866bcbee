"""This file is where it is measured what the public log costs `/work`: the same server with it and
without it, in turns, in one run. What counts is the ratio, and the log's bytes a result.

    python -m benchmarks.log [--seconds 3] [--rounds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import sqlite3
import statistics
from contextlib import ExitStack, closing
from functools import partial

from benchmarks.serving import Serving, serving
from benchmarks.wire import Connection, Host, rate
from benchmarks.work import Grid

#: Hosts at once, and results a request.
CASES = ((16, 1), (16, 10), (128, 1))
#: What the log may cost of the rate, and how long it may be for each result.
SHARE_MAX, BYTES_MAX = 0.20, 100
OUTPUT = base64.b64encode(b'{"full":0,"keys":[],"states":[[1],["1"]]}').decode()
PROGRAMS = ("web.main", "benchmarks.unlogged")


async def measured(grid: Grid, hosts: int, batch: int, seconds: float) -> tuple[float, int]:
    """Results a second, and results in all."""
    job = grid.job()
    tokens = [grid.enrol() for _ in range(hosts)]
    crowd = [Host(await Connection.open(grid.port), [mine], batch) for mine in tokens]
    for _ in range(3):  # fill the hosts' hands
        await asyncio.gather(*(host.exchange(OUTPUT) for host in crowd))
    before = sum(host.results for host in crowd)
    await rate([partial(host.exchange, OUTPUT) for host in crowd], seconds)
    total = sum(host.results for host in crowd)
    assert not any(host.refused for host in crowd), "a report was refused"
    for host in crowd:
        host.connection.close()
    grid.cancel(job)
    return (total - before) / seconds, total


def log_bytes(server: Serving) -> int:
    """Bytes of all leaves, filed or not."""
    with closing(sqlite3.connect(server.folder / "grid.db")) as connection:
        (there,) = connection.execute("SELECT coalesce(sum(length(data)), 0) FROM leaf").fetchone()
    bundles = (server.folder / "log" / "tile" / "entries").rglob("*")
    return int(there) + sum(path.stat().st_size for path in bundles if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        servers = [stack.enter_context(serving("SUM", program=one)) for one in PROGRAMS]
        grids = [Grid(one.port, one.token, one.folder) for one in servers]
        print(f"/work with and without the log: medians of {chosen.rounds} rounds in turns")
        done = 0
        for hosts, batch in CASES:
            rounds = []
            for _ in range(chosen.rounds):
                found = [
                    asyncio.run(measured(grid, hosts, batch, chosen.seconds)) for grid in grids
                ]
                rounds.append([results for results, _ in found])
                done += found[0][1]
            on, off = (statistics.median(one) for one in zip(*rounds, strict=True))
            share = 1 - statistics.median(one[0] / one[1] for one in rounds)
            kept = "reached" if share <= SHARE_MAX else "MISSED"
            print(
                f"{hosts:>4} hosts, {batch:>3} results a request: {on:>6.0f} with, {off:>6.0f} "
                f"without, results/s: the log takes {share:.0%} (target {SHARE_MAX:.0%}: {kept})",
                flush=True,
            )
        each = log_bytes(servers[0]) / done
        kept = "reached" if each <= BYTES_MAX else "MISSED"
        print(f"{each:.0f} bytes of log a result while sealed (target {BYTES_MAX}: {kept})")


if __name__ == "__main__":
    main()
