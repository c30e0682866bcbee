"""This file is where threads and processes race for the same results on one database file."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import postgres
import pytest
from world import World, rows

from grid.db.tables import ResultRow
from grid.db.work import WorkRequest
from grid.items import Host

UNITS = 120

#: Takes all there is for some hosts, one after another, once it is told to begin.
RACER = """
import asyncio, json, sys
from pathlib import Path
from grid.db import queries
from grid.db.store import Store
from grid.db.work import WorkRequest
from grid.settings import Settings

folder, types, *numbers = sys.argv[1:]
store = Store(Settings(data_dir=Path(folder), job_type_folders=(types,)))
with store.read() as connection:
    hosts = [queries.host(connection, int(number)) for number in numbers]
print("ready", flush=True)
sys.stdin.readline()
taken = []

def take():
    got = 0
    for host in hosts:
        answer = asyncio.run(store.work(WorkRequest(host=host, want=2)))
        taken.extend((one.lease.result_id, host.id) for one in answer.assigned)
        got += len(answer.assigned)
    return got

take()
print("begun", flush=True)  # a slow starter gets its share all the same
sys.stdin.readline()
while take():
    pass
print(json.dumps(taken))
store.close()
"""


@pytest.fixture
def world(tmp_path):
    one = World(tmp_path / "grid")
    yield one
    one.close()


def check_all(world: World, taken: Sequence[tuple[int, int]]) -> None:
    """Every result went out once, to whom the database says, and no work unit twice to one."""
    assert len(taken) == UNITS * 2
    assert [
        number for number, count in Counter(result for result, _ in taken).items() if count > 1
    ] == []
    held = {row.id: row.host_id for row in rows(world.store, ResultRow)}
    assert held == dict(taken)
    units = [(row.workunit_id, row.principal_id) for row in rows(world.store, ResultRow)]
    assert len(set(units)) == len(units)


def test_two_threads_racing_for_the_same_results_never_get_one_twice(world):
    world.job(chunks=UNITS)
    crews = [[world.host() for _ in range(4)] for _ in range(2)]
    taken: list[tuple[int, int]] = []
    barrier = threading.Barrier(2)

    def race(hosts: list[Host]) -> None:
        barrier.wait()
        while True:
            got = [
                (one.lease.result_id, host.id)
                for host in hosts
                for one in asyncio.run(world.store.work(WorkRequest(host=host, want=2))).assigned
            ]
            if not got:
                return
            taken.extend(got)

    threads = [threading.Thread(target=race, args=(crew,)) for crew in crews]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_all(world, taken)


@pytest.mark.parametrize("processes", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_processes_racing_for_the_same_results_never_get_one_twice(world, processes):
    world.job(chunks=UNITS)
    crews = [[str(world.host().id) for _ in range(4)] for _ in range(processes)]
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("GRID_")}
    root = Path(__file__).parents[2]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(world.settings.data_dir),
             str(root / "tests" / "jobtypes"), *crew],
            cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**inherited, **postgres.environment(world.settings.data_dir)},
        )
        for crew in crews
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        assert racer.stdout.readline() == "begun\n"
    for racer in racers:
        racer.stdin.write("on\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=120)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * processes
    shares = [[tuple(one) for one in json.loads(answer)] for answer in answers]
    assert all(shares), "each had some"
    check_all(world, [one for share in shares for one in share])
