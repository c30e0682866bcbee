"""This file is where people make, list, rotate and revoke their tokens over the API."""

from __future__ import annotations

from litestar import Response, get, post

from grid.db import accounts
from grid.db.accounts import Held
from grid.identifiers import Kind
from web import bodies, granting, looks, public_view
from web.answers import as_json
from web.messages import NewTokenBody
from web.problems import AnyRequest, Problem
from web.public_view import API
from web.routes import PAGED, about
from web.server import Server

NO_STORE = {"Cache-Control": "no-store"}


@get("/tokens", sync_to_thread=True, opt=about(query=PAGED, problems=(400, 401, 403)))
def list_tokens(request: AnyRequest) -> Response[bytes]:
    """Lists the caller's tokens, newest first: what they are for and when they end, never one
    itself."""
    server, caller = looks.asked(request)
    account_id = granting.mine(caller)
    bodies.allow_query(request, *PAGED)
    limit, now = looks.page_limit(request), server.store.now()
    before = looks.page_cursor(request, server, Kind.TOKEN)
    with server.store.read() as connection:
        found = accounts.tokens_of(connection, account_id, limit + 1, before)
    following = None
    if len(found) > limit:
        last = server.names.of(Kind.TOKEN, found[limit - 1].id)
        following = f"{API}/tokens?limit={limit}&cursor={last}"
    items = [granting.view(one, server.names, now) for one in found[:limit]]
    return as_json(public_view.page(items, f"{API}/tokens", following))


@post("/tokens", opt=about(body=NewTokenBody, code=201, problems=(400, 401, 403, 409, 413, 415)))
async def add_token(request: AnyRequest) -> Response[bytes]:
    """Makes a token for the caller, and shows it this once; it may do no more than the caller.

    One that is made with a token ends with it at the latest. The answer holds a secret, so no
    Idempotency-Key keeps it.
    """
    server, caller = looks.asked(request)
    account_id, passes = granting.mine(caller), server.store.keyring.passes
    body = await bodies.read(request, NewTokenBody)
    scopes, ends = granting.made(server, caller, body.scopes, body.days, body.label)
    number, token = await server.store.awrite(
        lambda tx: accounts.issue(tx, passes, account_id, scopes, ends, body.label)
    )
    return as_json(_shown_once(server, number, token), 201, NO_STORE)


@post(
    "/tokens/{id:str}/rotate",
    status_code=200,
    opt=about(problems=(401, 403, 404, 409)),
)
async def rotate_token(request: AnyRequest) -> Response[bytes]:
    """Ends a token and makes another in its place, for as long again. A token may rotate itself."""
    server, caller = looks.asked(request)
    old = granting.find(server, caller, request.path_params["id"])
    granting.require_own(caller, old)
    number, token = await rotated(server, old)
    return as_json(_shown_once(server, number, token), 200, NO_STORE)


@post(
    "/tokens/{id:str}/revoke",
    status_code=200,
    opt=about(problems=(401, 403, 404, 409)),
)
async def revoke_token(request: AnyRequest) -> Response[bytes]:
    """Ends a token; one that was for trusted hosts ends them as well. Owner or admin."""
    server, caller = looks.asked(request)
    found = granting.find(server, caller, request.path_params["id"])
    await revoked(server, found)
    return as_json(_as_it_is(server, found.id))


async def rotated(server: Server, old: Held) -> tuple[int, str]:
    """A new token in an old one's place; raises 409 when that has ended."""
    passes = server.store.keyring.passes
    new = await server.store.awrite(lambda tx: accounts.rotate(tx, passes, old.id))
    if new is None:
        raise Problem(409, "this token has ended already")
    return new


async def revoked(server: Server, token: Held) -> None:
    """End a token; raises 409 when it has ended."""
    if not await server.store.awrite(lambda tx: accounts.revoke(tx, token.id)):
        raise Problem(409, "this token has ended already")
    server.exchange.forget_hosts()


def _shown_once(server: Server, number: int, token: str) -> public_view.View:
    return {**_as_it_is(server, number), "token": token}


def _as_it_is(server: Server, number: int) -> public_view.View:
    with server.store.read() as connection:
        found = accounts.held(connection, number)
    assert found is not None, "tokens stay"
    return granting.view(found, server.names, server.store.now())
