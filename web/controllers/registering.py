"""This file is where strangers make accounts of their own, where the operator lets them."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from msgspec import Struct

from grid.db import accounts
from grid.db.transaction import Transaction
from web import forms, passwords, render
from web.controllers.signing_in import Field, begin
from web.messages import AccountName
from web.passwords import BadPassword
from web.problems import AnyRequest, Problem
from web.server import Server, server_of

#: What whoever comes by may do.
ROLES = ("requester",)


class RegisterForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who wants an account."""

    name: Field
    password: Field


@get("/register", sync_to_thread=True)
def show_register(request: AnyRequest) -> Response[Any]:
    """The page where somebody makes an account, on a server that is open to everybody."""
    server = _open(server_of(request))
    return _page(request, server)


@post("/register", status_code=200)
async def register(request: AnyRequest) -> Response[Any]:
    """Makes an account that may submit jobs, and signs it in."""
    _open(server_of(request))
    server, form = await forms.read_before_signing_in(request, RegisterForm)
    await server.rates.register(request)
    try:
        msgspec.convert(form.name, AccountName)
    except msgspec.ValidationError:
        said = "Up to 50 letters, digits, spaces and any of ._@+- are wanted as a name."
        return _page(request, server, said, form.name)
    try:
        passwords.check_choice(form.password, form.name)
    except BadPassword as bad:
        return _page(request, server, f"Another password, please: {bad}.", form.name)
    kept = await server.passwords.hashed(form.password)

    def add(transaction: Transaction) -> int | None:
        if accounts.by_name(transaction.connection, form.name) is not None:
            return None
        number = accounts.grant(transaction, form.name, ROLES)
        accounts.choose_password(transaction, number, kept)
        return number

    made = await server.store.awrite(add)
    if made is None:
        return _page(request, server, "This name is taken.", form.name)
    return await begin(server, made, forms.HOME)


def _open(server: Server) -> Server:
    if server.settings.registration != "open":
        raise Problem(404, "accounts here are made by an admin: ask for one")
    return server


def _page(request: AnyRequest, server: Server, wrong: str = "", name: str = "") -> Response[str]:
    csrf, cookie = forms.for_nobody(request, server)
    facts = {"here": "account", "csrf": csrf, "wrong": wrong, "name": name, **passwords.BOUNDS}
    code = 400 if wrong else 200
    return render.page("register.html", facts, code=code, headers=forms.NO_STORE, cookies=[cookie])


HANDLERS = (show_register, register)
