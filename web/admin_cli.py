"""This file is where the `grid admin` command is: everything that the pages do by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from grid import cli
from grid.db import deeds
from web import links
from web.deeds import DEEDS, Doing, did
from web.deeds.base import OPERATOR
from web.problems import Problem
from web.server import Server

#: What `--log` shows at most.
LISTED_MAX = 1_000


def admin(
    deed: Annotated[str, typer.Argument(help="What to do; left out, all of it is listed.")] = "",
    on: Annotated[str, typer.Argument(help="The id or name of what it is done to.")] = "",
    fields: Annotated[
        list[str] | None, typer.Argument(help="What else it asks for, as name=value.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    log: Annotated[bool, typer.Option("--log", help="List what was done by hand.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The log as JSON.")] = False,
) -> None:
    """Do by hand what the pages do: pause jobs, enable job types, ban, shut out, take down."""
    if log:
        _log(as_json)
    elif not deed:
        _list()
    else:
        _do(deed, on, fields or [], yes)


def _list() -> None:
    table = Table("deed", "on and fields", "what it does", box=None)
    for one in DEEDS.values():
        table.add_row(one.name, " ".join(["ON", *(f"{ask.name}=…" for ask in one.asks)]), one.says)
    cli.console.print(table)


def _do(name: str, on: str, fields: list[str], yes: bool) -> None:
    deed = DEEDS.get(name)
    if deed is None:
        cli.stop(f"{name}: `grid admin` lists what there is")
    given = {"on": on, **dict(_pair(one) for one in fields)}
    try:
        form = msgspec.convert(given, deed.form, strict=False)
    except msgspec.ValidationError as error:
        cli.stop(str(error))
    typer.echo(f"{deed.title}: {on}\n{deed.says}", err=True)
    if not yes and not typer.confirm("Do it?", err=True):
        raise typer.Exit(1)
    with cli.open_store() as store:
        server = Server(store.settings, store, None)
        doing = Doing(server=server, caller=OPERATOR, origin=links.origin(store.settings))
        try:
            said = store.write(did(deed, doing, form))
        except Problem as problem:
            cli.stop(problem.detail)
    typer.echo(said or "done")


def _pair(field: str) -> tuple[str, str]:
    name, equal, value = field.partition("=")
    if not equal:
        cli.stop(f"{field}: wanted as name=value")
    return name, value


def _log(as_json: bool) -> None:
    with cli.open_store() as store, store.read() as connection:
        found = deeds.newest(connection, LISTED_MAX)
    if as_json:
        typer.echo(json.dumps([msgspec.to_builtins(one) for one in found], indent=2))
        return
    table = Table("when", "who", "what", "on", "with", box=None)
    for one in found:
        when = datetime.fromtimestamp(one.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(when, one.who, one.what, one.subject, _words(dict(one.details)))
    cli.console.print(table)


def _words(details: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in details.items())
