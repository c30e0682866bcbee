"""This file is where programs try to build a clock, in three browsers: none survives the lockdown.

A clock finer than a millisecond would let a program time the processor's caches, and read what
others have there. In a plain page's Web Worker the same attempts tick, or they would prove nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sink as sinks
from sink import Sink

from grid import canonical
from grid.engines import Computation
from web.browsers.engine import BrowserEngine
from web.browsers.starting import BROWSERS, opened

pytestmark = pytest.mark.slow

CLOCKS = (Path(__file__).parent / "clocks.js").read_text()
#: Finer than a millisecond: more ticks than milliseconds in the time watched.
WATCHED_MS = 150
#: Every browser has message channels and workers, whatever it does to its clocks.
FINE_AT_LEAST = 3
ISOLATED = {
    "Content-Type": "text/html; charset=utf-8",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


SOME = [one if one == "chromium" else pytest.param(one, marks=pytest.mark.slow) for one in BROWSERS]


@pytest.fixture(params=SOME)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sinks.running() as one:
        yield one


def test_in_a_plain_web_worker_several_clocks_are_finer_than_a_millisecond(
    name: str, sink: Sink, tmp_path: Path
) -> None:
    control = (Path(__file__).parent / "clocks_measured.js").read_text()
    script = (
        f"{control} measured({json.dumps(CLOCKS)}, {WATCHED_MS})"
        ".then((ticks) => fetch(`/say?ticks=${ticks}`));"
    ).replace("</", "<\\/")
    page = f'<!doctype html><meta charset="utf-8"><script>{script}</script>'
    sink.pages["/clocks.html"] = (page.encode(), ISOLATED)
    with opened(name, tmp_path, f"{sink.url}/clocks.html"):
        (said,) = sink.wait_for("ticks")
    found = {one: int(count) for one, _, count in (each.partition(":") for each in said.split(","))}
    print(name, found)
    assert len([one for one, count in found.items() if count > WATCHED_MS]) >= FINE_AT_LEAST


#: Which clocks could be begun, and whether any of them ticks before the program ends.
BY_A_PROGRAM = (
    "(function () { %s let n = 0; const begun = [];"
    " const all = clocks(() => { n += 1; });"
    " for (const name of Object.keys(all)) { try { all[name](); begun.push(name); } catch {} }"
    " for (let spins = 0; spins < 2e6; spins++) if (n > 0) break;"
    " return [begun, n]; })"
)
#: A program that keeps what it has from one work unit to the next, to count what came in between.
KEEPING = (
    "(() => { %s let n = 0; const begun = []; const all = clocks(() => { n += 1; });"
    " for (const name of Object.keys(all)) { try { all[name](); begun.push(name); } catch {} }"
    " return () => [begun, n]; })()"
)


def test_job_code_finds_no_clock_and_nothing_that_ticks(name: str) -> None:
    with BrowserEngine(name) as engine:
        for text in (BY_A_PROGRAM, KEEPING, KEEPING):
            job = Computation(
                program=text % CLOCKS, columns=(), chunks=(), rows=(), params=None, time_limit_s=60
            )
            assert canonical.loads(engine.compute(job)) == [[], 0]
