"""This file is where an admin lets people in, says what they may do, and shuts them out."""

from __future__ import annotations

from litestar import Response, get, post
from msgspec import UNSET

from grid.db import accounts
from grid.db.accounts import Account, LastAdmin
from grid.db.transaction import Transaction
from grid.identifiers import Kind
from web import bodies, granting, links, looks, public_view
from web.addresses import server_origin
from web.answers import as_json
from web.callers import require
from web.controllers.tokens import NO_STORE
from web.messages import AccountBody, NewAccountBody
from web.problems import AnyRequest, Problem, bad_field, not_found
from web.public_view import API
from web.routes import PAGED, about
from web.server import Server


@get("/admin/accounts", sync_to_thread=True, opt=about(query=PAGED, problems=(400, 401, 403)))
def list_accounts(request: AnyRequest) -> Response[bytes]:
    """Lists accounts, newest first: what they may do, and whether they can sign in."""
    server, caller = looks.asked(request)
    require(caller, "admin")
    bodies.allow_query(request, *PAGED)
    limit = looks.page_limit(request)
    before = looks.page_cursor(request, server, Kind.ACCOUNT)
    with server.store.read() as connection:
        found = accounts.listed(connection, limit + 1, before)
    following = None
    if len(found) > limit:
        last = server.names.of(Kind.ACCOUNT, found[limit - 1].id)
        following = f"{API}/admin/accounts?limit={limit}&cursor={last}"
    items = [granting.account_view(one, server.names) for one in found[:limit]]
    return as_json(public_view.page(items, f"{API}/admin/accounts", following))


@post(
    "/admin/accounts",
    opt=about(body=NewAccountBody, code=201, problems=(400, 401, 403, 409, 413, 415)),
)
async def add_account(request: AnyRequest) -> Response[bytes]:
    """Makes an account, and shows once the link by which its owner chooses a password."""
    server, caller = looks.asked(request)
    require(caller, "admin")
    body = await bodies.read(request, NewAccountBody)

    def add(transaction: Transaction) -> tuple[int, str]:
        if accounts.by_name(transaction.connection, body.name) is not None:
            raise bad_field("/name", "there is an account of this name", 409)
        number = accounts.grant(transaction, body.name, body.roles)
        return number, accounts.make_link(transaction, number)

    number, secret = await server.store.awrite(add)
    view = granting.account_view(_account(server, number), server.names)
    return as_json({**view, "set_up": set_up_link(request, server, secret)}, 201, NO_STORE)


@get("/admin/accounts/{id:str}", sync_to_thread=True, opt=about(problems=(401, 403, 404)))
def show_account(request: AnyRequest) -> Response[bytes]:
    """Shows an account."""
    server, caller = looks.asked(request)
    require(caller, "admin")
    found = _find(server, request.path_params["id"])
    return as_json(granting.account_view(found, server.names))


@post(
    "/admin/accounts/{id:str}",
    status_code=200,
    opt=about(body=AccountBody, problems=(400, 401, 403, 404, 409, 413, 415)),
)
async def change_account(request: AnyRequest) -> Response[bytes]:
    """Gives an account exactly these roles, shuts it out or lets it in; what is left out stays.

    It takes effect at once, for its tokens and sessions too.
    """
    server, caller = looks.asked(request)
    require(caller, "admin")
    found = _find(server, request.path_params["id"])
    body = await bodies.read(request, AccountBody)
    roles = None if body.roles is UNSET else body.roles
    disabled = None if body.disabled is UNSET else body.disabled
    try:
        await server.store.awrite(lambda tx: accounts.change(tx, found.id, roles, disabled))
    except LastAdmin as error:
        raise Problem(409, "nobody would be left who may administer this server") from error
    server.exchange.forget_hosts()
    return as_json(granting.account_view(_account(server, found.id), server.names))


@post(
    "/admin/accounts/{id:str}/link",
    opt=about(code=201, problems=(401, 403, 404)),
)
async def make_link(request: AnyRequest) -> Response[bytes]:
    """Makes a one-time link by which an account's owner chooses a new password, and shows it once.

    Earlier links end. The password is as it was until the link is used.
    """
    server, caller = looks.asked(request)
    require(caller, "admin")
    found = _find(server, request.path_params["id"])
    secret = await server.store.awrite(lambda tx: accounts.make_link(tx, found.id))
    said = {"account": found.name, "set_up": set_up_link(request, server, secret)}
    return as_json({**said, "expires_in_s": accounts.LINK_TTL_S}, 201, NO_STORE)


def set_up_link(request: AnyRequest, server: Server, secret: str) -> str:
    """The link to be handed to whoever is to choose a password."""
    return links.set_up(server_origin(request, server.settings), secret)


def _find(server: Server, public_id: str) -> Account:
    number = server.store.keyring.identifiers.internal(Kind.ACCOUNT, public_id)
    with server.store.read() as connection:
        found = accounts.by_id(connection, number)
    if found is None:
        raise not_found("account")
    return found


def _account(server: Server, number: int) -> Account:
    with server.store.read() as connection:
        found = accounts.by_id(connection, number)
    assert found is not None, "accounts stay"
    return found
