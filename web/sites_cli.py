"""This file is where the `grid sites` commands are: who embeds, who may not, the line to copy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from grid import cli
from grid.db import sites
from grid.db.sites import Site, origin_of
from web import embed_script

app = typer.Typer(no_args_is_help=True, help="See and decide which sites embed.")

#: What `list` shows at most; the API pages through more.
LISTED_MAX = 1_000

Origin = Annotated[str, typer.Argument(help="Such as https://example.org: scheme and host.")]


@app.command("list")
def sites_list(
    revoked: Annotated[bool, typer.Option("--revoked", help="Only those that may not.")] = False,
) -> None:
    """List the sites that have embedded the volunteer page, and whether they may."""
    with cli.open_store() as store, store.read() as connection:
        found = sites.sites(connection, LISTED_MAX, revoked=True if revoked else None)
    shown = Table(box=None)
    for name in ("site", "first seen", "last seen", "may embed"):
        shown.add_column(name, no_wrap=True)
    shown.add_column("why not")
    for one in found:
        may = "yes" if one.revoked_at is None else "no"
        shown.add_row(one.origin, _day(one.first_seen_at), _day(one.last_seen_at), may, one.reason)
    cli.console.print(shown)


@app.command("revoke")
def sites_revoke(
    origin: Origin,
    reason: Annotated[str, typer.Option(help="What its visitors read.")] = "",
) -> None:
    """Let a site embed no more; pages that are open already compute on until they are closed."""
    _set(origin, allowed=False, reason=reason)


@app.command("allow")
def sites_allow(origin: Origin) -> None:
    """Let a site embed again."""
    _set(origin, allowed=True)


@app.command("line")
def sites_line(
    address: Annotated[str, typer.Argument(help="What the server is called from outside.")],
    owner: Annotated[str, typer.Option(help="The requester whom the visitors shall help.")] = "",
) -> None:
    """Print the lines that sites copy, with the script's integrity."""
    found = origin_of(address)
    if found is None:
        cli.stop("the address: wanted as https://grid.example.org")
    try:
        script = embed_script.newest()
    except FileNotFoundError:
        cli.stop("the client was not built, so there is no embed.js")
    typer.echo(embed_script.iframe_line(found, owner))
    typer.echo(embed_script.script_line(found, script, owner))


def _set(origin: str, *, allowed: bool, reason: str = "") -> None:
    if origin_of(origin) != origin:
        cli.stop("wanted as https://example.org: scheme and host, no more")
    with cli.open_store() as store:
        if allowed:
            store.write(lambda tx: sites.allow(tx, origin))
        else:
            store.write(lambda tx: sites.revoke(tx, origin, reason))
        with store.read() as connection:
            known = sites.site(connection, origin)
    assert isinstance(known, Site), "just written"
    typer.echo(f"{origin}: {'may embed' if known.revoked_at is None else 'may not embed'}")


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
