"""This file is where the `grid submit` command is: a job from a file or a line, to any server."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from grid import cli
from grid.client import asking
from grid.client.blocking import Job
from grid.client.commands import DEFAULT_SERVER, AsJson, Server, Timeout, asked, follow, say
from web.messages import JobBody


def submit(
    what: Annotated[str, typer.Argument(help="A file with the job as JSON, - to read it from"
    " standard input, or a job type, such as SUM.")],
    fields: Annotated[list[str] | None, typer.Argument(
        help="Of a job type: its spec, as name=value; JSON, or text.")] = None,
    data: Annotated[str | None, typer.Option(help="A CSV file, or a data set's id.")] = None,
    private: Annotated[
        bool, typer.Option("--private", help="For you and your hosts only.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it, and print its output.")] = False,
    timeout: Timeout = None,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Submit a job, with the token in TOKEN; prints where its page is.

    For instance: grid submit SUM column=amount --data sales.csv --wait
    """
    if not os.environ.get("TOKEN"):
        cli.stop("TOKEN is not set: make a token at /account, or with `grid token create`")
    whole = what == "-" or Path(what).is_file() or what.endswith(".json")
    if whole and (fields or data or private):
        cli.stop("a whole job takes no fields, --data or --private: it says them itself")
    body = _whole(what) if whole else None
    with asked(server) as grid:
        if body is not None:
            job = Job(grid, grid.take(asking.post(body)))
        else:
            spec = dict(map(_pair, fields or []))
            job = grid.submit(what, spec, data=data, public=not private)
        if not wait:
            _say(job, as_json)
            return
        follow(job, timeout, as_json=False)
        sys.stdout.buffer.write(job.output("json" if as_json else "csv"))


def _whole(file: str) -> Any:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return msgspec.to_builtins(msgspec.json.decode(text, type=JobBody))
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        cli.stop(f"{file}: {error}")


def _pair(field: str) -> tuple[str, Any]:
    name, equal, value = field.partition("=")
    if not equal:
        cli.stop(f"{field}: wanted as name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _say(job: Job, as_json: bool) -> None:
    if as_json:
        say(job.view)
    else:
        typer.echo(job.url)
