"""This file is where an admin decides which code is let in, and who gets a token."""

from __future__ import annotations

import asyncio

from litestar import Response, get, post

from grid import canonical
from grid.db import accounts, commands
from grid.db.transaction import Transaction
from grid.items import Json
from grid.plugins.loader import PluginError
from web import bodies, looks, public_view
from web.answers import as_json
from web.callers import require
from web.controllers.job_types import all_types
from web.idempotency import Key
from web.messages import PluginBody, TokenBody
from web.problems import AnyRequest, bad_field
from web.public_view import API
from web.routes import about


@get("/admin/plugins", sync_to_thread=True, opt=about(problems=(401, 403)))
def list_plugins(request: AnyRequest) -> Response[bytes]:
    """Lists every job type that is there, with its digest and whether it is enabled."""
    server, caller = looks.asked(request)
    require(caller, "admin")
    return as_json(public_view.page(all_types(server), f"{API}/admin/plugins", None))


@post(
    "/admin/plugins",
    opt=about(body=PluginBody, problems=(400, 401, 403, 409, 413, 415, 422)),
)
async def set_plugin(request: AnyRequest) -> Response[bytes]:
    """Enables or disables a job type, for exactly the code of the digest that is named."""
    server, caller = looks.asked(request)
    require(caller, "admin")
    key = Key(request, caller)
    body = await bodies.read(request, PluginBody)
    body_digest = canonical.digest(await request.body())
    replayed = key.replayed(server.store, body_digest)
    if replayed is not None:
        return replayed
    try:
        found = await asyncio.to_thread(server.store.job_types.find, body.name)
    except PluginError as error:
        raise bad_field("/name", str(error), 409) from error
    if found is None:
        raise bad_field("/name", f"there is no job type {body.name!r}")
    if found.digest != body.digest:
        detail = f"the code that is there has the digest {found.digest}; look at it again"
        raise bad_field("/digest", detail, 409)
    if body.enabled and found.manifest.caution and not body.caution:
        said = f'{found.manifest.caution} Whoever has read this says "caution": true.'
        raise bad_field("/caution", said, 409)
    if body.enabled:
        try:
            await asyncio.to_thread(server.store.job_types.loaded, found.digest)
        except PluginError as error:
            raise bad_field("/name", str(error), 409) from error

    def change(transaction: Transaction) -> tuple[int, Json]:
        version = found.manifest.version
        commands.set_plugin(transaction, body.name, version, found.digest, body.enabled)
        return 200, public_view.job_type(found, body.enabled)

    response, _ = await key.once(server.store, body_digest, change)
    return response


@post("/admin/tokens", opt=about(body=TokenBody, code=201, problems=(400, 401, 403, 413, 415)))
async def make_token(request: AnyRequest) -> Response[bytes]:
    """Makes a token for a named account, which may do that from then on, and shows it this once.

    The answer holds a secret, so no Idempotency-Key keeps it.
    """
    server, caller = looks.asked(request)
    require(caller, "admin")
    body = await bodies.read(request, TokenBody)

    def make(transaction: Transaction) -> str:
        account_id = accounts.grant(transaction, body.account, [body.scope])
        expires_at = transaction.now + body.days * commands.DAY_S
        passes = server.store.keyring.passes
        return accounts.issue(transaction, passes, account_id, [body.scope], expires_at)[1]

    token = await server.store.awrite(make)
    answer = {"account": body.account, "scope": body.scope, "days": body.days, "token": token}
    return as_json(answer, 201, {"Cache-Control": "no-store"})
