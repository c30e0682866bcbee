"""This file is where it is measured how a job's speed grows with the browsers that compute it.

Each browser is a Chromium with a share of a core of its own (a control group of Linux), behind a
link of its own (the browser's network emulation), so that neither cores nor the machine's network
are what is measured. The same job is computed by one browser, then by more; the speed of all
against the speed of one is what counts.

    python -m benchmarks.scaling [--browsers 1 4 8] [--core 0.12] [--jobs sweep pairwise]

It needs root, for the control groups, and Debian's Chromium.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct
from playwright.sync_api import BrowserType, Page, sync_playwright

from benchmarks.serving import serving

Json = Any

#: Every browser's link: a usual one at home.
LATENCY_MS, LINK_BITS = 50, 50_000_000
#: Speed of n browsers against n times that of one, at least; and the estimate against what it took.
TARGET, ESTIMATE_WITHIN = 0.8, 0.3
#: How far a job is when its page is asked how long it takes yet.
ASKED_AT = 0.25
GROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 20_000
#: Chromium is an executable script: what is started in its place joins the group first.
LAUNCHER = """#!/bin/sh
echo $$ > "{tasks}"
exec /usr/bin/chromium "$@"
"""
FLAGS = """
--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
--disable-background-networking --disable-component-update
--disable-backgrounding-occluded-windows --disable-renderer-backgrounding
"""
START, STOP, STATE = '[data-grid="start"]', '[data-grid="stop"]', '[data-grid="state"]'
READY_MS = 120_000


class Case(Struct, frozen=True, kw_only=True):
    """A job whose work is all computing."""

    spec: Json
    workunit_points: int
    #: Names to be matched, one a row; 0 for no data set.
    rows: int = 0


#: A minute or two for one browser with an eighth of a core.
CASES: Mapping[str, Case] = {
    "sweep": Case(
        spec={
            "parameters": [
                {"name": "x", "from": -5.0, "to": 5.0, "steps": 10_000},
                {"name": "y", "from": -5.0, "to": 5.0, "steps": 1_000},
            ],
            "value": "sin(3.1 * x) * cos(2.3 * y) + exp(-(x * x + y * y) / 4) * ln(2 + x * x)",
            "best": "argmin",
        },
        workunit_points=62_500,
    ),
    "pairwise": Case(
        spec={
            "value": "jaro_winkler_similarity(a.name, b.name)",
            "best": "argmax",
            "top": 10,
        },
        workunit_points=100,
        rows=20_000,
    ),
}


class Core:
    """A share of a core, as a control group; all that starts within stays within."""

    def __init__(self, name: str) -> None:
        first = GROUPS / "cpu"
        self._old = first.is_dir()
        self._folder = (first if self._old else GROUPS) / name
        self._folder.mkdir()
        self.tasks = self._folder / "cgroup.procs"

    def limit(self, share: float | None) -> None:
        """At most so much of a core; None for no limit."""
        quota = -1 if share is None else round(PERIOD_US * share)
        if self._old:
            (self._folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (self._folder / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            spelled = "max" if share is None else str(quota)
            (self._folder / "cpu.max").write_text(f"{spelled} {PERIOD_US}")

    def remove(self) -> None:
        """Once nothing runs in it."""
        deadline = time.monotonic() + 20
        while self.tasks.read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        self._folder.rmdir()


class Volunteer:
    """A browser on the volunteer page."""

    def __init__(self, core: Core, page: Page) -> None:
        self._core, self._page = core, page
        link = page.context.new_cdp_session(page)
        link.send("Network.enable")
        each_way = LINK_BITS // 8
        link.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": LATENCY_MS,
                "downloadThroughput": each_way,
                "uploadThroughput": each_way,
            },
        )

    def start(self, share: float) -> None:
        """Take part, with this share of a core from now on."""
        self._page.click(START)
        self._page.wait_for_function(
            "place => /Waiting for work/.test(document.querySelector(place).textContent)",
            arg=STATE,
            timeout=READY_MS,
        )
        self._core.limit(share)

    def stop(self) -> None:
        """Take no more part."""
        self._core.limit(None)
        self._page.click(STOP)


@contextmanager
def volunteer(chromium: BrowserType, number: int, url: str) -> Iterator[Volunteer]:
    """A browser of its own in a group of its own."""
    core = Core(f"grid-scaling-{number}")
    with tempfile.TemporaryDirectory() as folder:
        launcher = Path(folder) / "chromium"
        launcher.write_text(LAUNCHER.format(tasks=core.tasks))
        launcher.chmod(0o755)
        browser = chromium.launch(executable_path=launcher, args=FLAGS.split())
        try:
            page = browser.new_page()
            page.goto(f"{url}/volunteer")
            yield Volunteer(core, page)
        finally:
            core.limit(None)
            browser.close()
            core.remove()


class Requester:
    """Submits the job again and again."""

    def __init__(self, url: str, token: str, name: str, case: Case) -> None:
        self._http = httpx.Client(
            base_url=f"{url}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            trust_env=False,
        )
        self._name, self._case = name, case
        self._dataset = {}
        if case.rows:
            query = {"header": "true", "name": "names", "chunk_rows": "1000"}
            kind = {"Content-Type": "text/csv"}
            body = names(case.rows)
            sent = self._http.post("datasets", params=query, headers=kind, content=body)
            sent.raise_for_status()
            self._dataset = {"dataset": sent.json()["id"]}

    def seconds(self) -> tuple[float, float, Json]:
        """From the submission of a job to its end; what its page said a quarter of the way on how
        long that would be; and its output."""
        body = {
            "job_type": self._name,
            "spec": self._case.spec,
            **self._dataset,
            "policy": {"min_quorum": 1},
            "workunit_points": self._case.workunit_points,
        }
        began = time.monotonic()
        posted = self._http.post("jobs", json=body)
        posted.raise_for_status()
        address = f"jobs/{posted.json()['id']}"
        guessed = 0.0
        while (view := self._http.get(address).json())["state"] == "active":
            if not guessed and view["progress"] >= ASKED_AT and view["left_s"]:
                guessed = time.monotonic() - began + view["left_s"]
            time.sleep(0.1)
        taken = time.monotonic() - began
        if view["state"] != "completed":
            raise RuntimeError(f"the job {view['state']}")
        return taken, guessed, self._http.get(f"{address}/output").json()["rows"]

    def estimate_s(self) -> float:
        """What the server says that the job takes one volunteer of the usual speed."""
        body = {"spec": self._case.spec, **self._dataset}
        answer = self._http.post(f"job-types/{self._name}/preview", json=body)
        answer.raise_for_status()
        cost = answer.json()["cost"]
        return float(cost["work_units"] * cost["workunit_ms"] / 1000)


def names(count: int) -> bytes:
    """A column of made-up names."""
    parts = ("an", "bel", "car", "do", "el", "fa", "gus", "hen", "is", "jo", "kas", "lu", "mar")
    lines = ["name"]
    for number in range(count):
        digits = (number * 7919 + 13) % 13**4
        lines.append("".join(parts[digits // 13**place % 13] for place in range(4)))
    return "\n".join([*lines, ""]).encode()


def measure(url: str, token: str, name: str, crowds: list[int], share: float) -> None:
    """Compute one job with each number of browsers, and print how they compare."""
    asked = Requester(url, token, name, CASES[name])
    print(f"{name}: browsers of {share:g} of a core, {LINK_BITS // 10**6} Mbit/s, {LATENCY_MS} ms")
    print(
        f"{'browsers':>8} {'seconds':>8} {'speed':>6} {'of n × 1':>8} {f'≥ {TARGET:g}':>8}"
        f" {'before':>10} {'page':>8} {f'±{ESTIMATE_WITHIN:.0%}':>8}",
        flush=True,
    )
    alone, output = 0.0, None
    with ExitStack() as stack:
        chromium = stack.enter_context(sync_playwright()).chromium
        everybody = [
            stack.enter_context(volunteer(chromium, number, url)) for number in range(max(crowds))
        ]
        for count in crowds:
            for one in everybody[:count]:
                one.start(share)
            before = asked.estimate_s() / count
            taken, guessed, found = asked.seconds()
            for one in everybody[:count]:
                one.stop()
            alone, output = alone or taken * count, output or found
            if found != output:
                raise RuntimeError(f"another answer: {found}, not {output}")
            speed = alone / taken
            kept = "reached" if speed / count >= TARGET else "MISSED"
            near = "reached" if abs(guessed / taken - 1) <= ESTIMATE_WITHIN else "MISSED"
            print(
                f"{count:>8} {taken:>8.1f} {speed:>6.2f} {speed / count:>8.2f} {kept:>8}"
                f" {before:>9.1f}s {guessed:>7.1f}s {near:>8}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browsers", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--core", type=float, default=0.12, help="each one's share of a core")
    parser.add_argument("--jobs", nargs="+", default=list(CASES), choices=list(CASES))
    chosen = parser.parse_args()
    for name in chosen.jobs:
        with serving(name) as server:
            measure(server.url, server.token, name, chosen.browsers, chosen.core)


if __name__ == "__main__":
    main()
