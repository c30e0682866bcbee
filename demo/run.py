"""This file is where the whole path is shown once, on real data: `make demo`.

It starts a server, loads every flight that left New York in 2013, posts four questions, lets three
honest volunteers and a lying one answer them in processes of their own, and checks the answers
against the original file with code that knows nothing of Grid.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from demo.api import Api, answers
from demo.processes import Failed, Processes, tail
from demo.tables import table

#: Volunteers that compute what they are asked.
HONEST = 3
#: How long the server may take to start, and all jobs to be answered, on a slow machine.
START_S, JOBS_S = 60, 900
#: What is decided is in the log after this.
LOG_S = 2.0
JOB_TYPES = ("filterBy", "SUM", "MIN")
CHECK = Path(__file__).with_name("check.py")
GRID = Path(sys.executable).with_name("grid")

console = Console(highlight=False)


class Question(Struct, frozen=True, kw_only=True):
    """One job of the demonstration."""

    #: What `demo/check.py` calls it.
    key: str
    name: str
    description: str
    job_type: str
    table: str
    spec: dict[str, Any]


QUESTIONS = (
    Question(
        key="late-from-jfk",
        name="Flights more than an hour late from JFK",
        description="Every flight of 2013 that left JFK more than an hour after its time.",
        job_type="filterBy",
        table="flights",
        spec={
            "where": "dep_delay > 60 AND origin = 'JFK'",
            "columns": ["carrier", "flight", "dest", "dep_delay"],
        },
    ),
    Question(
        key="total-distance",
        name="Miles flown from New York in 2013",
        description="The distances of all flights, added as whole numbers.",
        job_type="SUM",
        table="flights",
        spec={"column": "distance"},
    ),
    Question(
        key="sum-of-temperatures",
        name="Sum of hourly temperatures",
        description="Fractions, added exactly and rounded once: the same bits in any order.",
        job_type="SUM",
        table="weather",
        spec={"column": "temp"},
    ),
    Question(
        key="earliest-departure",
        name="Earliest departure before its time",
        description="The smallest departure delay, in minutes.",
        job_type="MIN",
        table="flights",
        spec={"column": "dep_delay"},
    ),
)


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A shell that starts this in the background has SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = options.data_dir or Path(tempfile.mkdtemp(prefix="grid-demo-"))
    keep = options.data_dir is not None
    try:
        equal = _demonstrate(folder.resolve(), options)
        keep = keep or not equal
        return 0 if equal else 1
    except KeyboardInterrupt:
        console.print("\nStopped.")
        return 0 if not options.once else 130
    except (Failed, httpx.HTTPError) as error:
        keep = True
        console.print(f"\n[bold red]It did not work:[/] {escape(str(error))}", soft_wrap=True)
        _show_log(getattr(error, "log", None) or folder / "logs" / "server.log")
        return 1
    finally:
        if keep:
            console.print(f"Data and logs stay in {folder}", soft_wrap=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description="Grid, once, on real data.")
    parser.add_argument("--once", action="store_true", help="leave when the jobs are done")
    parser.add_argument("--port", type=int, default=8080, help="or any free one where it is taken")
    parser.add_argument("--cores", type=int, default=1, help="cores of each honest volunteer")
    parser.add_argument("--data-dir", type=Path, help="keep everything here; else it is temporary")
    return parser.parse_args()


def _demonstrate(folder: Path, options: argparse.Namespace) -> bool:
    """Everything in order; whether every answer was right."""
    port = _free_port(options.port)
    url = f"http://127.0.0.1:{port}"
    environment = {
        "GRID_DATA_DIR": str(folder),
        "GRID_HOST": "127.0.0.1",
        "GRID_PORT": str(port),
        "GRID_PUBLIC_URL": url,
        "VOLUNTEER_STATE": str(folder / "volunteers"),
        "XDG_STATE_HOME": str(folder / "state"),
        "GRID_TRAP_WAIT_S": "2",  # three volunteers: nobody is left for most traps
    }
    console.print(
        "\n[bold]Grid[/], a verified computing grid of web browsers, once on real data.\n"
    )
    with Processes(folder / "logs", environment) as processes:
        token = _start_server(processes, url, folder)
        with console.status("enabling the job types"):
            for name in JOB_TYPES:
                processes.run(f"enable-{name}", [str(GRID), "plugins", "enable", name, "--yes"])
        _done(f"enabled the job types {', '.join(JOB_TYPES)}")
        with Api(url, token) as api:
            datasets = _load(api)
            jobs = _submit(api, datasets)
            lying = [sys.executable, "-m", "demo.liar", "--server", url]
            processes.start("volunteer-that-lies", lying)
            for place in range(1, HONEST + 1):
                command = [str(GRID), "volunteer", "--server", url, "--cores", str(options.cores)]
                processes.start(f"volunteer-{place}", command)
            _done(f"{HONEST} honest volunteers and a lying one started, each a process of its own")
            console.print()
            _wait(api, processes, jobs)
            equal = _results(api, jobs, folder / "outputs")
            _say_trust(api, jobs)
            equal = _audit(api, processes, jobs, url) and equal
        if not options.once:
            _invite(url, folder, jobs["late-from-jfk"], datasets["flights"])
            while True:
                processes.check()
                time.sleep(1)
    return equal


def _start_server(processes: Processes, url: str, folder: Path) -> str:
    """Start `grid serve`; an admin's token, made when the folder is new."""
    kept = folder / "demo.token"
    if not kept.exists():
        kept.touch(mode=0o600)
        made = [str(GRID), "token", "create", "demo", "--scope", "admin", "--scope", "requester"]
        kept.write_text(processes.said("token", made).strip())
    processes.start("server", [str(GRID), "serve"])
    deadline = time.monotonic() + START_S
    with console.status("starting the server"):
        while not answers(url):
            processes.check()
            if time.monotonic() > deadline:
                raise Failed(f"no answer at {url} after {START_S} s", processes.log("server"))
            time.sleep(0.1)
    _done(f"server at [link={url}]{url}[/], SQLite in {folder}")
    return kept.read_text()


def _load(api: Api) -> dict[str, str]:
    """Upload each table; name → data set."""
    datasets = {}
    for name in dict.fromkeys(question.table for question in QUESTIONS):
        with console.status(f"uploading {name}"), table(name) as file:
            started = time.monotonic()
            dataset = api.upload(name, file, null="NA")
            taken = time.monotonic() - started
        datasets[name] = dataset["id"]
        _done(
            f"{name}: {dataset['rows']:,} rows, {len(dataset['columns'])} columns, "
            f"cut into chunks in {taken:.1f} s"
        )
    return datasets


def _submit(api: Api, datasets: dict[str, str]) -> dict[str, str]:
    """Post every question; its key → job."""
    jobs = {}
    for question in QUESTIONS:
        job = api.submit(
            {
                "job_type": question.job_type,
                "spec": question.spec,
                "dataset": datasets[question.table],
                "name": question.name,
                "metadata": {"description": question.description},
                "public": True,
                "policy": {"mode": "standard"},
            }
        )
        jobs[question.key] = job["id"]
    _done(f"{len(jobs)} jobs posted; a work unit may be wrong once in 10,000 times at most")
    return jobs


def _wait(api: Api, processes: Processes, jobs: dict[str, str]) -> None:
    """Show progress until every job is completed. Raises Failed where one is not."""
    progress = Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    deadline = time.monotonic() + JOBS_S
    with progress:
        bars = {q.key: progress.add_task(q.name, total=1.0) for q in QUESTIONS}
        pending = dict(jobs)
        while pending:
            processes.check()
            if time.monotonic() > deadline:
                raise Failed(f"not done after {JOBS_S} s", processes.log("volunteer-1"))
            for key, job_id in list(pending.items()):
                job = api.job(job_id)
                progress.update(bars[key], completed=job["progress"])
                if job["state"] in ("failed", "cancelled"):
                    raise Failed(f"the job {key} {job['state']}: {job.get('failure')}")
                if job["state"] == "completed":
                    progress.update(bars[key], completed=1.0)
                    del pending[key]
            time.sleep(0.2)


def _results(api: Api, jobs: dict[str, str], folder: Path) -> bool:
    """Download, check and show every answer; whether all were right."""
    shown = Table(
        title="Answers",
        title_justify="left",
        caption="check: recomputed from the original CSV by demo/check.py",
        caption_justify="left",
    )
    shown.add_column("job type", no_wrap=True)
    shown.add_column("question")
    shown.add_column("answer", no_wrap=True)
    shown.add_column("check")
    equal = True
    for question in QUESTIONS:
        output = folder / f"{question.key}.csv"
        api.download(jobs[question.key], output)
        checked = subprocess.run(
            [sys.executable, "-I", str(CHECK), question.key, str(output)],
            capture_output=True,
            text=True,
            check=False,
        )
        verdict = checked.stdout.strip() or checked.stderr.strip()
        good = checked.returncode == 0
        equal = equal and good
        colour = "green" if good else "bold red"
        shown.add_row(
            question.job_type, question.name, _answer(output), f"[{colour}]{escape(verdict)}[/]"
        )
    console.print()
    console.print(shown)
    return equal


def _say_trust(api: Api, jobs: dict[str, str]) -> None:
    """Who agreed on the answers, and who was caught."""
    found = [api.job(job_id)["support"] for job_id in jobs.values()]
    agreed, trusted, below = (
        sum(one[name] for one in found) for name in ("agreed", "trusted", "below_target")
    )
    total = agreed + trusted + below
    console.print()
    _done(
        f"{total} work units: volunteers agreed on {agreed / total:.0%}, the server ran "
        f"{trusted / total:.0%}, {below} agreed below the target"
    )
    for one in api.banned():
        _done(f"caught {one['id']}: {one['banned']['reason']}")


def _audit(api: Api, processes: Processes, jobs: dict[str, str], url: str) -> bool:
    """Have a stranger check it all, and compute it all again; whether everything holds."""
    deadline = time.monotonic() + JOBS_S
    with console.status("waiting for the seals to open, then auditing"):
        while any(api.job(job_id)["sealed"] for job_id in jobs.values()):
            processes.check()
            if time.monotonic() > deadline:
                raise Failed("a seal does not open", processes.log("server"))
            time.sleep(0.2)
        time.sleep(LOG_S)
        command = [str(GRID), "audit", url, "--rerun", "all", "--json"]
        found = json.loads(processes.said("audit", command))
    again = sum(one["check"] == "rerun" for one in found["findings"])
    _done(
        f"grid audit --rerun all: {len(found['findings'])} checks hold; all work units of {again} "
        f"jobs computed again; {found['bytes']:,} bytes read in {found['seconds']:.1f} s"
    )
    return bool(found["verdict"] == "holds") and again == len(jobs)


def _answer(output: Path) -> str:
    """One line: the row of a total, or how many rows there are."""
    with output.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    if "count" not in header or len(rows) != 1:
        return f"{len(rows):,} rows"
    row = dict(zip(header, rows[0], strict=True))
    count = int(row.pop("count"))
    (value,) = row.values()
    return (
        f"{int(value):,} (of {count:,})"
        if value.lstrip("-").isdigit()
        else f"{value} (of {count:,})"
    )


def _invite(url: str, folder: Path, job: str, dataset: str) -> None:
    console.print(
        f"""
[bold]Now you.[/] The server and its volunteers stay up until Ctrl-C.

  [bold]Watch[/]       {url}/
  [bold]Volunteer[/]   open {url}/volunteer in a browser and click Start
  [bold]Audit[/]       {url}/jobs/{job}
              {url}/api/v1/jobs/{job}/program
              {url}/api/v1/jobs/{job}/output?format=csv
  [bold]Request[/]     export TOKEN=$(cat {folder / "demo.token"})
              curl -s {url}/api/v1/jobs -H "Authorization: Bearer $TOKEN" \\
                -H "Content-Type: application/json" -d '{{"job_type": "MIN",
                "dataset": "{dataset}", "name": "shortest flight", "public": true,
                "spec": {{"column": "air_time"}}, "policy": {{"mode": "standard"}}}}'
""",
        soft_wrap=True,
    )


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)) as server:
            return int(server.getsockname()[1])
    raise Failed("no free port")


def _show_log(log: Path) -> None:
    console.print(f"\n[bold]{log}[/] ends with", soft_wrap=True)
    console.print(tail(log), markup=False, soft_wrap=True)


def _done(text: str) -> None:
    console.print(f"  [green]✓[/] {text}", soft_wrap=True)


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent)
    sys.exit(main())
