"""This file is where people sign in and out, and choose the password that they sign in with."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get, post
from msgspec import Meta, Struct

from grid.db import accounts
from grid.db.apply import accounts as changes
from web import cookies, forms, looks, passwords, render
from web.callers import SessionOver
from web.passwords import BadPassword
from web.problems import AnyRequest, Problem, SeeOther, sent_on
from web.server import Server, server_of

#: One answer for every reason: who guesses learns not even whose names there are.
WRONG = "There is no such name with this password."

Field = Annotated[str, Meta(max_length=2_000)]


class SignInForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who somebody is, and what proves it."""

    name: Field
    password: Field
    next: Field = forms.HOME


class PasswordForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A password that somebody chooses by a link."""

    link: Field
    password: Field


class NoForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing but a button."""


@get("/login", sync_to_thread=True)
def show_login(request: AnyRequest) -> Response[Any]:
    """The page where people sign in."""
    place = forms.local(request.query_params.get("next", forms.HOME))
    try:
        server, caller = looks.asked(request)
    except SessionOver as over:
        raise SeeOther(f"/login?next={place}", *over.cookies) from over
    if caller.session is not None:
        return sent_on(place)
    return _login_page(request, server, place)


@post("/login", status_code=200)
async def sign_in(request: AnyRequest) -> Response[Any]:
    """Signs somebody in: a new session, whatever cookie the browser had before."""
    server, form = await forms.read_before_signing_in(request, SignInForm)
    await server.rates.sign_in(request, form.name)
    with server.store.read() as connection:
        account = accounts.by_name(connection, form.name)
    kept = None
    if account is not None and account.disabled_at is None:
        kept = account.password_hash
    if not await server.passwords.matches(kept, form.password) or account is None:
        return _login_page(request, server, forms.local(form.next), WRONG, form.name)
    if kept is not None and server.passwords.outdated(kept):
        fresh, number = await server.passwords.hashed(form.password), account.id
        await server.store.awrite(lambda tx: changes.set_password(tx.connection, number, fresh))
    return await begin(server, account.id, forms.local(form.next))


@post("/logout", status_code=200)
async def sign_out(request: AnyRequest) -> Response[Any]:
    """Ends the session, on the server too: its cookie is worth nothing any more."""
    server, caller, _ = await forms.read(request, NoForm)
    number = caller.token_id
    assert number is not None
    await server.store.awrite(lambda tx: accounts.revoke(tx, number))
    return sent_on(
        "/login", cookies.dropped(cookies.session_name(server.settings), server.settings)
    )


@get("/setup", sync_to_thread=True)
def show_setup(request: AnyRequest) -> Response[Any]:
    """The page of a one-time link, where somebody chooses a password."""
    server = server_of(request)
    link = request.query_params.get("link", "")
    return _setup_page(request, server, link, _known(server, link).name)


@post("/setup", status_code=200)
async def set_up(request: AnyRequest) -> Response[Any]:
    """Takes the password that somebody chose by a link, ends the link, and signs them in."""
    server, form = await forms.read_before_signing_in(request, PasswordForm)
    await server.rates.sign_in(request, form.link)
    name = _known(server, form.link).name
    try:
        passwords.check_choice(form.password, name)
    except BadPassword as bad:
        return _setup_page(request, server, form.link, name, f"Another password, please: {bad}.")
    kept = await server.passwords.hashed(form.password)
    found = await server.store.awrite(lambda tx: accounts.use_link(tx, form.link, kept))
    if found is None:
        raise Problem(410, "this link was used or has ended: ask for a new one")
    return await begin(server, found.account_id, forms.HOME)


async def begin(server: Server, account_id: int, place: str) -> Response[Any]:
    """The answer that begins a session, and sends the browser on."""
    ttl_s = server.settings.session_ttl_s
    passes = server.store.keyring.passes
    _, text = await server.store.awrite(
        lambda tx: accounts.start_session(tx, passes, account_id, ttl_s)
    )
    settings = server.settings
    return sent_on(
        place,
        cookies.kept(cookies.session_name(settings), text, ttl_s, settings),
        cookies.dropped(cookies.form_name(settings), settings),
    )


def _known(server: Server, link: str) -> accounts.Known:
    with server.store.read() as connection:
        found = accounts.known(connection, "link", link, server.store.now())
    if found is None:
        raise Problem(410, "this link was used or has ended: ask for a new one")
    return found


def _login_page(
    request: AnyRequest, server: Server, place: str, wrong: str = "", name: str = ""
) -> Response[str]:
    csrf, cookie = forms.for_nobody(request, server)
    facts = {
        "here": "account",
        "csrf": csrf,
        "next": place,
        "wrong": wrong,
        "name": name,
        "open": server.settings.registration == "open",
    }
    code = 401 if wrong else 200
    return render.page("login.html", facts, code=code, headers=forms.NO_STORE, cookies=[cookie])


def _setup_page(
    request: AnyRequest, server: Server, link: str, name: str, wrong: str = ""
) -> Response[str]:
    csrf, cookie = forms.for_nobody(request, server)
    facts = {
        "here": "account",
        "csrf": csrf,
        "link": link,
        "name": name,
        "wrong": wrong,
        **passwords.BOUNDS,
    }
    code = 400 if wrong else 200
    return render.page("setup.html", facts, code=code, headers=forms.NO_STORE, cookies=[cookie])


HANDLERS = (show_login, sign_in, sign_out, show_setup, set_up)
