"""This file is where people see their account: their tokens, their password, their sessions."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get, post
from msgspec import Meta, Struct

from grid.db import accounts
from web import forms, granting, passwords, render
from web.callers import Caller
from web.controllers.signing_in import NoForm, begin
from web.controllers.tokens import revoked, rotated
from web.messages import Roles
from web.passwords import BadPassword
from web.problems import AnyRequest, sent_on
from web.server import Server

Field = Annotated[str, Meta(max_length=2_000)]


class TokenForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token for oneself."""

    scopes: Roles = ()
    days: Annotated[int, Meta(ge=1, le=3650)] = 90
    label: Field = ""


class ChangeForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another password."""

    old: Field
    new: Field


@get("/account", sync_to_thread=True)
def show_account(request: AnyRequest) -> Response[str]:
    """The page of one's own account: tokens, password, and the way out."""
    server, caller = forms.signed_in(request)
    return _page(server, caller)


@post("/account/tokens", status_code=200)
async def add_token(request: AnyRequest) -> Response[Any]:
    """Makes a token for who has signed in, and shows it on the page this once."""
    server, caller, form = await forms.read(request, TokenForm)
    scopes, ends = granting.made(server, caller, form.scopes, form.days, form.label)
    account_id, passes = granting.mine(caller), server.store.keyring.passes
    _, token = await server.store.awrite(
        lambda tx: accounts.issue(tx, passes, account_id, scopes, ends, form.label)
    )
    return _page(server, caller, token=token)


@post("/account/tokens/{id:str}/rotate", status_code=200)
async def rotate_token(request: AnyRequest) -> Response[Any]:
    """Ends a token and shows another in its place, this once."""
    server, caller, _ = await forms.read(request, NoForm)
    old = granting.find(server, caller, request.path_params["id"])
    granting.require_own(caller, old)
    _, token = await rotated(server, old)
    return _page(server, caller, token=token)


@post("/account/tokens/{id:str}/revoke", status_code=200)
async def revoke_token(request: AnyRequest) -> Response[Any]:
    """Ends a token."""
    server, caller, _ = await forms.read(request, NoForm)
    await revoked(server, granting.find(server, caller, request.path_params["id"]))
    return sent_on("/account")


@post("/account/password", status_code=200)
async def change_password(request: AnyRequest) -> Response[Any]:
    """Takes another password from who knows the old one; every other session ends."""
    server, caller, form = await forms.read(request, ChangeForm)
    account_id = granting.mine(caller)
    await server.rates.sign_in(request, caller.name)
    with server.store.read() as connection:
        account = accounts.by_id(connection, account_id)
    kept = None if account is None else account.password_hash
    if not await server.passwords.matches(kept, form.old):
        return _page(server, caller, wrong="That is not your password.")
    try:
        passwords.check_choice(form.new, caller.name)
    except BadPassword as bad:
        return _page(server, caller, wrong=f"Another password, please: {bad}.")
    fresh = await server.passwords.hashed(form.new)
    await server.store.awrite(lambda tx: accounts.choose_password(tx, account_id, fresh))
    return await begin(server, account_id, "/account")


@post("/account/sessions/end", status_code=200)
async def end_sessions(request: AnyRequest) -> Response[Any]:
    """Signs the account out in every browser, this one too."""
    server, caller, _ = await forms.read(request, NoForm)
    account_id = granting.mine(caller)
    await server.store.awrite(lambda tx: accounts.end_sessions(tx, account_id))
    return sent_on("/login")


def _page(server: Server, caller: Caller, *, token: str = "", wrong: str = "") -> Response[str]:
    assert caller.account_id is not None, "a session is an account's"
    now = server.store.now()
    with server.store.read() as connection:
        held = accounts.tokens_of(connection, caller.account_id, granting.TOKENS_LISTED)
    facts = {
        "here": "account",
        "csrf": forms.csrf_of(server, caller),
        "name": caller.name,
        "roles": accounts.words(caller.scopes).split(),
        "tokens": [granting.view(one, server.names, now) for one in held],
        "token": token,
        "wrong": wrong,
        **passwords.BOUNDS,
    }
    code = 400 if wrong else 200
    return render.page("account.html", facts, code=code, headers=forms.NO_STORE)


HANDLERS = (
    show_account,
    add_token,
    rotate_token,
    revoke_token,
    change_password,
    end_sessions,
)
