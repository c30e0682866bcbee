"""This file is where a child takes the share of a core that it was given, and no more memory."""

from __future__ import annotations

import time

import pytest

from grid.engines import Computation, EngineError, TimeLimit
from grid.engines.child import Limits
from grid.engines.known import KNOWN, LEAST_BYTES, make

COUNT = """(function (inputs, params) {
  "use strict"; let x = 1;
  for (let i = 0; i < params; i += 1) x = (x * 16807) % 2147483647;
  return x;
})"""
LOOP = '(function () { "use strict"; for (;;); })'
BOMB = """(function (inputs, params) {
  "use strict"; const kept = [];
  for (let i = 0; i < params; i += 1) kept.push(new Float64Array(1 << 17).fill(1));
  return kept.length;
})"""


def job(program: str, params: object = None, time_limit_s: float = 100) -> Computation:
    return Computation(
        program=program, columns=(), chunks=(), rows=(), params=params, time_limit_s=time_limit_s
    )


@pytest.mark.parametrize("duty_percent", [25, 50])
def test_a_child_rests_for_its_share_of_the_time(duty_percent: int) -> None:
    with make("deno", Limits(duty_percent=duty_percent)) as engine:
        engine.compute(job(COUNT, 1))
        assert engine._child is not None
        before, begun = engine._child._cpu_s(), time.monotonic()
        engine.compute(job(COUNT, 25_000_000))
        cpu_s = engine._child._cpu_s() - before
        share = cpu_s / (time.monotonic() - begun)
    # Whatever else the machine does can only make it less.
    assert cpu_s > 0.05
    assert share <= (duty_percent + 10) / 100


def test_many_short_programs_rest_as_well() -> None:
    with make("deno", Limits(duty_percent=20)) as engine:
        engine.compute(job(COUNT, 1))
        begun, ran_s = time.monotonic(), 0.0
        assert engine._child is not None
        cpu_s = engine._child._cpu_s()
        for _ in range(20):
            engine.compute(job(COUNT, 2_000_000))
        ran_s = engine._child._cpu_s() - cpu_s
        assert ran_s / (time.monotonic() - begun) <= 0.3


def test_rest_is_no_part_of_the_time_limit() -> None:
    with make("deno", Limits(duty_percent=20)) as engine:
        begun = time.monotonic()
        with pytest.raises(TimeLimit):
            engine.compute(job(LOOP, time_limit_s=0.4))
        assert time.monotonic() - begun > 1.2


def test_a_child_that_rests_ends_at_once() -> None:
    with make("deno", Limits(duty_percent=1)) as engine:
        engine.compute(job(COUNT, 1))
    assert engine._child is None


@pytest.mark.parametrize("name", KNOWN)
def test_the_least_memory_is_enough_to_compute_and_its_limit_holds(name: str) -> None:
    limits = Limits(data_bytes_max=LEAST_BYTES[name])
    with make(name, limits) as engine:
        assert engine.compute(job(COUNT, 1)) == b"16807"
        with pytest.raises(EngineError, match=r"memory|allocation"):
            engine.compute(job(BOMB, LEAST_BYTES[name] >> 20))
        assert engine.compute(job(COUNT, 1)) == b"16807"
