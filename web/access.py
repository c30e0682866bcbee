"""This file is where the commands are that give people access: `grid user` and `grid token`.

They work on the data folder, beside a running server or without one: whoever may read that folder
is the operator. Exit code 0 means done, 2 that nothing was, with one line that says why.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from grid.cli import console, open_store, stop
from grid.db import accounts
from grid.db.accounts import ROLES, Account, LastAdmin
from grid.db.commands import DAY_S
from grid.db.store import Store
from grid.db.transaction import Transaction
from grid.identifiers import Kind
from web import granting, links, public_view
from web.messages import AccountName, Role
from web.public_view import Names

user = typer.Typer(no_args_is_help=True, help="Let people in, and shut them out.")
token = typer.Typer(no_args_is_help=True, help="Give programs access in somebody's name.")

Name = Annotated[str, typer.Argument(help="What the account is called.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RolesOption = Annotated[
    list[str], typer.Option("--role", help=f"One of {', '.join(ROLES)}; may be given repeatedly.")
]
#: More than an operator reads; programs page through the API.
LISTED = 1000


@user.command("add")
def add(name: Name, role: RolesOption = ["requester"], as_json: AsJson = False) -> None:  # noqa: B006
    """Make an account and print, once, the link by which its owner chooses a password."""
    roles = _roles(role)
    _check_name(name)

    def make(transaction: Transaction) -> tuple[int, str] | None:
        if accounts.by_name(transaction.connection, name) is not None:
            return None
        number = accounts.grant(transaction, name, roles)
        return number, accounts.make_link(transaction, number)

    with open_store() as store:
        made = store.write(make)
        if made is None:
            stop(f"{name}: there is an account of this name")
        _say_link(store, _find(store, name), made[1], as_json)


@user.command("link")
def link(name: Name, as_json: AsJson = False) -> None:
    """Print a new link by which an account's owner chooses another password; earlier ones end."""
    with open_store() as store:
        found = _find(store, name)
        secret = store.write(lambda tx: accounts.make_link(tx, found.id))
        _say_link(store, found, secret, as_json)


@user.command("list")
def list_users(as_json: AsJson = False) -> None:
    """List accounts, newest first: what they may do, and whether they can sign in."""
    with open_store() as store:
        with store.read() as connection:
            found = accounts.listed(connection, LISTED)
        views = [granting.account_view(one, _names(store)) for one in found]
    if as_json:
        _print(views)
        return
    table = Table("account", "roles", "since", "state", box=None)
    for one in views:
        state = "signs in" if one["has_password"] else "has no password"
        roles = ", ".join(one["roles"]) or "none"
        said = "disabled" if one["disabled_at"] is not None else state
        table.add_row(one["name"], roles, _utc(one["created_at"]), said)
    console.print(table)


@user.command("roles")
def set_roles(name: Name, role: RolesOption = [], as_json: AsJson = False) -> None:  # noqa: B006
    """Give an account exactly these roles, or none; it counts at once."""
    roles = _roles(role)
    _change(name, as_json, roles=roles)


@user.command("disable")
def disable(name: Name, as_json: AsJson = False) -> None:
    """Shut an account out: its sessions end, and its tokens rest until it is enabled."""
    _change(name, as_json, disabled=True)


@user.command("enable")
def enable(name: Name, as_json: AsJson = False) -> None:
    """Let an account in again: with its password, its tokens, and a new session."""
    _change(name, as_json, disabled=False)


@token.command("create")
def create(
    account: Annotated[str, typer.Argument(help="Whose token: a name; made if new.")],
    scope: Annotated[
        list[str], typer.Option(help=f"One of {', '.join(ROLES)}; may be given repeatedly.")
    ] = ["requester"],  # noqa: B006
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is good for.")] = 365,
    label: Annotated[str, typer.Option(help="What you call it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once; the account may do from now on what it is for."""
    scopes = _roles(scope, "--scope")
    _check_name(account)
    if len(label) > granting.LABEL_CHARS_MAX or not label.isprintable():
        stop(f"--label: at most {granting.LABEL_CHARS_MAX} printable characters")

    def make(transaction: Transaction) -> tuple[int, str]:
        number = accounts.grant(transaction, account, scopes)
        ends = transaction.now + days * DAY_S
        return accounts.issue(transaction, store.keyring.passes, number, scopes, ends, label)

    with open_store() as store:
        _say_token(store, *store.write(make), as_json)


@token.command("list")
def list_tokens(account: Name, as_json: AsJson = False) -> None:
    """List an account's tokens, newest first: what for and until when; never one itself."""
    with open_store() as store:
        found = _find(store, account)
        with store.read() as connection:
            held = accounts.tokens_of(connection, found.id, LISTED)
        views = [granting.view(one, _names(store), store.now()) for one in held]
    if as_json:
        _print(views)
        return
    table = Table("token", "for", "called", "ends", "state", box=None)
    for one in views:
        ends = "never" if one["expires_at"] is None else _utc(one["expires_at"])
        table.add_row(one["id"], ", ".join(one["scopes"]), one["label"], ends, one["state"])
    console.print(table)


@token.command("rotate")
def rotate(
    which: Annotated[str, typer.Argument(help="The token's id, or the token itself.")],
    as_json: AsJson = False,
) -> None:
    """End a token and print another in its place, for as long again."""
    with open_store() as store:
        number = _token(store, which)
        made = store.write(lambda tx: accounts.rotate(tx, store.keyring.passes, number))
        if made is None:
            stop("no such token, or it has ended already")
        _say_token(store, *made, as_json)


@token.command("revoke")
def revoke(
    which: Annotated[str, typer.Argument(help="The token's id, or the token itself.")],
    as_json: AsJson = False,
) -> None:
    """End a token, and trusted hosts with it; a running server believes a host's for some seconds
    more."""
    with open_store() as store:
        number = _token(store, which)
        if not store.write(lambda tx: accounts.revoke(tx, number)):
            stop("no such token, or it has ended already")
    if as_json:
        _print({"revoked": True})
    else:
        typer.echo("revoked")


def _change(
    name: str, as_json: bool, roles: list[Role] | None = None, disabled: bool | None = None
) -> None:
    with open_store() as store:
        found = _find(store, name)
        try:
            store.write(lambda tx: accounts.change(tx, found.id, roles, disabled))
        except LastAdmin:
            stop("nobody would be left who may administer this server")
        view = granting.account_view(_find(store, name), _names(store))
    if as_json:
        _print(view)
        return
    state = "disabled" if view["disabled_at"] is not None else "enabled"
    typer.echo(f"{name}: {state}, {', '.join(view['roles']) or 'no roles'}")


def _find(store: Store, name: str) -> Account:
    with store.read() as connection:
        found = accounts.by_name(connection, name)
    if found is None:
        stop(f"{name}: there is no such account")
    return found


def _token(store: Store, which: str) -> int:
    number = store.keyring.identifiers.internal(Kind.TOKEN, which)
    if number is None:
        with store.read() as connection:
            number = accounts.find(connection, store.keyring.passes, which, store.now())
    if number is None:
        stop("no such token, or it has ended already")
    return number


def _roles(given: list[str], option: str = "--role") -> list[Role]:
    try:
        return msgspec.convert(given, list[Role])
    except msgspec.ValidationError:
        stop(f"{option}: one of {', '.join(ROLES)}")


def _check_name(name: str) -> None:
    try:
        msgspec.convert(name, AccountName)
    except msgspec.ValidationError:
        stop(f"{name!r}: up to 50 ASCII letters, digits, spaces and any of ._@+- are wanted")


def _names(store: Store) -> Names:
    return public_view.names(store.keyring.identifiers, store.keyring.pseudonym_key)


def _say_link(store: Store, account: Account, secret: str, as_json: bool) -> None:
    place = links.set_up(links.origin(store.settings), secret)
    if as_json:
        _print({**granting.account_view(account, _names(store)), "set_up": place})
        return
    typer.echo(place)
    typer.echo("This link is good for a day and for one password: hand it over as one.", err=True)


def _say_token(store: Store, number: int, text: str, as_json: bool) -> None:
    if not as_json:
        typer.echo(text)
        return
    with store.read() as connection:
        held = accounts.held(connection, number)
    assert held is not None, "it was just made"
    _print({**granting.view(held, _names(store), store.now()), "token": text})


def _print(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2))


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
