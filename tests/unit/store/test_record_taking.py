"""This file is where the public record is taken from the log by several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from world import World

from grid.daemons import recorder
from grid.daemons.integrator import Integrator


def test_daemon_and_pages_that_take_the_same_leaves_each_take_some_or_none(tmp_path):
    world = World(tmp_path / "grid")
    integrator = Integrator(world.store)
    for _ in range(12):
        world.job(chunks=1)
        integrator.do_pass(world.store, world.store.now())
    with ThreadPoolExecutor(8) as several:
        passes = [
            several.submit(recorder.do_pass, world.store, world.store.now()) for _ in range(24)
        ]
        took = [one.result() for one in passes]
    assert sum(took) == world.store.record.taken() > 0
