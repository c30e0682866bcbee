"""This file is where requesters' and admins' commands are that ask a server over HTTP.

The server is `--server` or `SERVER`, the token `TOKEN`: an option would stand in the list of
processes. Exit codes: 0 done; 1 the job ended without an output; 2 refused, or asked wrongly;
3 no answer; 4 the job goes on.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Column, Table

from grid.client import asking
from grid.client.blocking import Grid, Job
from grid.client.errors import GridError, JobCancelled, JobFailed, TimedOut, Unreachable

DEFAULT_SERVER = "http://127.0.0.1:8080"
LISTED = 50
#: "data_" and 32 hexadecimal digits.
ID_CHARS = 37
CODES: dict[type[GridError], int] = {JobFailed: 1, JobCancelled: 1, Unreachable: 3, TimedOut: 4}

Server = Annotated[str, typer.Option(envvar="SERVER", help="The server's address.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
Timeout = Annotated[
    float | None, typer.Option(min=0, help="Seconds to wait at most; the job goes on.")
]
Limit = Annotated[int, typer.Option(min=1, help="How many, newest first.")]

datasets_app = typer.Typer(no_args_is_help=True, help="Put tables on a server, and list them.")
console = Console()


def stop(message: str, code: int = 2) -> NoReturn:
    """Say what is wrong on standard error, and leave."""
    typer.echo(f"grid: {message}", err=True)
    raise typer.Exit(code)


@contextmanager
def asked(server: str) -> Iterator[Grid]:
    """The server, asked with the token in TOKEN; one line and an exit code for what goes wrong."""
    try:
        with Grid(server, os.environ.get("TOKEN") or None) as grid:
            yield grid
    except GridError as error:
        stop(str(error), CODES.get(type(error), 2))


def jobs(
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Limit = LISTED,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """List jobs: all public ones, and your own."""
    with asked(server) as grid:
        found = grid.jobs(limit, **({} if state is None else {"state": state}))
    if as_json:
        say(found)
        return
    table = Table(_ids("job"), "name", "type", "state", "done", "submitted", box=None)
    for one in found:
        done = f"{one['progress']:.0%}"
        when = _utc(one["created_at"])
        table.add_row(one["id"], one["name"], one["job_type"], one["state"], done, when)
    console.print(table)


def watch(
    job: JobId,
    timeout: Timeout = None,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Follow a job until it has ended; exit code 1 if it ends without an output."""
    with asked(server) as grid:
        followed = grid.job(job)
        follow(followed, timeout, as_json)


def follow(job: Job, timeout: float | None, as_json: bool) -> None:
    """Show a job until it has ended; raises GridError unless it has an output."""
    failed = job.follow(timeout, progress=False if as_json else None)
    if as_json:
        say(job.view)
    if failed is not None:
        raise failed


def output(
    job: JobId,
    to: Annotated[
        Path | None, typer.Option("--to", help="A new file; standard output else.")
    ] = None,
    kind: Annotated[
        str, typer.Option("--format", help="csv, json, or another one that the job type has.")
    ] = "csv",
    server: Server = DEFAULT_SERVER,
) -> None:
    """Write a job's output."""
    with asked(server) as grid:
        data = grid.job(job).output(kind)
    if to is None:
        sys.stdout.buffer.write(data)
        return
    try:
        with to.open("xb") as file:
            file.write(data)
    except OSError as error:
        stop(f"{to}: {error.strerror}")


def cancel(job: JobId, server: Server = DEFAULT_SERVER, as_json: AsJson = False) -> None:
    """Cancel a job of yours for good."""
    with asked(server) as grid:
        found = grid.job(job)
        if not found.cancel():
            stop(f"{job} has ended already: it is {found.view['state']}")
    if as_json:
        say(found.view)
    else:
        typer.echo(f"{job}: cancelled")


@datasets_app.command("list")
def list_datasets(
    limit: Limit = LISTED, server: Server = DEFAULT_SERVER, as_json: AsJson = False
) -> None:
    """List data sets: all public ones, and your own."""
    with asked(server) as grid:
        found = grid.datasets(limit)
    if as_json:
        say(found)
        return
    table = Table(_ids("data set"), "name", "rows", "bytes", "columns", box=None)
    for one in found:
        columns = ", ".join(column["name"] for column in one["columns"])
        table.add_row(one["id"], one["name"], f"{one['rows']:,}", f"{one['bytes']:,}", columns)
    console.print(table)


@datasets_app.command("upload")
def upload(
    file: Annotated[Path, typer.Argument(help="A CSV file.")],
    name: Annotated[str | None, typer.Option(help="The file's name when not given.")] = None,
    private: Annotated[
        bool, typer.Option("--private", help="For you and your hosts only.")
    ] = False,
    null: Annotated[
        list[str] | None, typer.Option(help="An unquoted field that means NULL; repeatable.")
    ] = None,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Put a CSV file on the server; prints its id."""
    options: dict[str, Any] = {} if not null else {"null": null}
    with asked(server) as grid:
        made = grid.upload(file, name, public=not private, **options)
    if as_json:
        say(made.view)
    else:
        typer.echo(made.id)


def hosts(server: Server = DEFAULT_SERVER, as_json: AsJson = False) -> None:
    """List the hosts that are here now: what they have, and whether they are busy."""
    with asked(server) as grid:
        found = grid.take(asking.hosts())
    if as_json:
        say(found)
        return
    table = Table("kind", "engine", "cores", "memory", "state", box=None)
    for one in found["items"]:
        state = "reserved" if one["reserved"] else "busy" if one["busy"] else "idle"
        have = one.get("capabilities", one)
        table.add_row(one["kind"], one["engine"], _told(have, "cores"),
                      _told(have, "memory_mb"), state)  # fmt: skip
    console.print(table)


def ban(
    volunteer: Annotated[str, typer.Argument(metavar="VOLUNTEER", help="The volunteer's id.")],
    reason: Annotated[str, typer.Option(help="Why, as the volunteer will read it.")] = "",
    lift: Annotated[bool, typer.Option("--lift", help="Grant an appeal instead.")] = False,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Shut a volunteer out: what it answered is computed again. For admins."""
    if not lift and not reason:
        stop("--reason: a volunteer is told why it is banned")
    with asked(server) as grid:
        view = grid.take(asking.ban(volunteer, None if lift else reason))
    if as_json:
        say(view)
    else:
        typer.echo(f"{volunteer}: {'let in again' if lift else 'banned'}")


def say(value: Any) -> None:
    """Print JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _ids(title: str) -> Column:
    """Ids are to be copied, so they are whole however narrow the terminal is."""
    return Column(title, no_wrap=True, min_width=ID_CHARS)


def _told(have: dict[str, Any], name: str) -> str:
    return str(have.get(name, "")) if have.get(name) is not None else ""


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
