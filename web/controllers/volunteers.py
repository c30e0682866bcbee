"""This file is where a volunteer joins its browsers, reads its own story, and is forgotten."""

from __future__ import annotations

import msgspec
from litestar import Response, delete, get, post

from grid.db import forgetting, history, notes
from grid.identifiers import Kind
from web import bodies, history_view, looks, public_view
from web.answers import as_json
from web.callers import Caller, unauthorized
from web.messages import ConsentBody
from web.problems import AnyRequest, Problem
from web.public_view import API
from web.routes import PAGED, about
from web.server import server_of

NOT_KEPT = {"Cache-Control": "no-store"}
STAYS = (
    "What was answered stays under the pseudonyms of the public log, for verdicts rest on it. They "
    "name nobody, and nothing that is left leads back to you."
)
ACCOUNT_STAYS = f"{STAYS} The account is closed by whoever signs in to it."


@post("/volunteers/me/pairing", opt=about(code=201, problems=(401, 409)))
async def make_pairing(request: AnyRequest) -> Response[bytes]:
    """Makes a code by which one more browser joins the caller's volunteer: once, within ten
    minutes. The answer holds a secret, so no Idempotency-Key keeps it."""
    server, caller = looks.asked(request)
    host_id = _host(caller)
    code = await server.store.awrite(lambda tx: notes.leave_pairing(tx, host_id))
    if code is None:
        raise Problem(409, "a banned volunteer takes nobody in")
    return as_json({"code": code, "expires_in_s": notes.PAIRING_S}, 201, NOT_KEPT)


@get("/volunteers/me/results", sync_to_thread=True, opt=about(query=PAGED, problems=(400, 401)))
def list_own_results(request: AnyRequest) -> Response[bytes]:
    """Lists what the caller's volunteer answered, newest first: sealed, right, or wrong and why."""
    server, caller = looks.asked(request)
    host_id = _host(caller)
    bodies.allow_query(request, *PAGED)
    limit = looks.page_limit(request)
    before = looks.page_cursor(request, server, Kind.RESULT)
    with server.store.read() as connection:
        found = history.answers(connection, host_id, limit + 1, before)
    items = [history_view.answer(one, server.names) for one in found[:limit]]
    here = f"{API}/volunteers/me/results?limit={limit}"
    following = f"{here}&cursor={items[-1]['id']}" if len(found) > limit else None
    return as_json(public_view.page(items, here, following))


@delete("/volunteers/me", status_code=200, opt=about(problems=(401,)))
async def forget_volunteer(request: AnyRequest) -> Response[bytes]:
    """Forgets the caller's volunteer: tokens of all its browsers, name, team, what is known of its
    machines. Doing it again is a 401, for then nobody asks."""
    server, caller = looks.asked(request)
    host_id = _host(caller)
    gone = await server.store.awrite(lambda tx: forgetting.forget(tx, host_id))
    server.exchange.forget_hosts()
    stays = ACCOUNT_STAYS if gone.account_stays else STAYS
    return as_json({"forgotten_hosts": gone.hosts, "stays": stays}, headers=NOT_KEPT)


@post("/consents", opt=about(body=ConsentBody, code=201, problems=(400, 413, 415, 429)))
async def leave_consent(request: AnyRequest) -> Response[bytes]:
    """Leaves a yes or no for the frame that knows the word; for a browser that lets the two pages
    not speak. Repeating it is harmless, so it takes no Idempotency-Key."""
    server = server_of(request)
    body = await bodies.read(request, ConsentBody)
    await server.rates.consent(request)
    answer = msgspec.to_builtins(body) if body.yes else {"yes": False}
    answer.pop("word", None)
    await server.store.awrite(lambda tx: notes.leave_consent(tx, body.word, answer))
    return as_json({"given": True}, 201, NOT_KEPT)


@get("/consents/{word:str}", sync_to_thread=True, opt=about())
def show_consent(request: AnyRequest) -> Response[bytes]:
    """Says whether a yes or a no was left under this word, and what was chosen with a yes; null
    until then."""
    server = server_of(request)
    with server.store.read() as connection:
        answer = notes.consent(connection, request.path_params["word"], server.store.now())
    return as_json({"answer": answer}, headers=NOT_KEPT)


def _host(caller: Caller) -> int:
    if caller.host_id is None:
        raise unauthorized("this needs a host's token")
    return caller.host_id
