"""This file is where a host says that its sandbox is open, and where admins see that it did."""

from __future__ import annotations

import structlog
from litestar import Response, get, post

from grid.db import apply as writes
from grid.db import hosts
from grid.identifiers import Kind
from web import bodies, looks, public_view
from web.answers import as_json
from web.callers import require, unauthorized
from web.messages import ReachedBody
from web.problems import AnyRequest
from web.public_view import API
from web.routes import PAGED, about

log = structlog.get_logger("grid.web")


@post(
    "/hosts/me/sandbox",
    status_code=200,
    opt=about(body=ReachedBody, problems=(400, 401, 413, 415)),
)
async def note_open_sandbox(request: AnyRequest) -> Response[bytes]:
    """Notes what a host, by its own token, could reach from inside its sandbox.

    Saying it again is harmless, so it takes no Idempotency-Key.
    """
    server, caller = looks.asked(request)
    host_id = caller.host_id
    if host_id is None:
        raise unauthorized("this needs a host's token")
    body = await bodies.read(request, ReachedBody)
    reached = " ".join(dict.fromkeys(body.reached))
    await server.store.awrite(
        lambda tx: writes.note_open_sandbox(tx.connection, host_id, reached, tx.now)
    )
    log.warning("a sandbox is open", host=server.names.of(Kind.HOST, host_id), reached=reached)
    return as_json({"reached": list(body.reached)})


@get(
    "/admin/hosts/open-sandboxes",
    sync_to_thread=True,
    opt=about(query=PAGED, problems=(400, 401, 403)),
)
def list_open_sandboxes(request: AnyRequest) -> Response[bytes]:
    """Lists hosts whose sandbox let something through, newest first: what, on which engine."""
    server, caller = looks.asked(request)
    require(caller, "admin")
    bodies.allow_query(request, *PAGED)
    limit = looks.page_limit(request)
    before = looks.page_cursor(request, server, Kind.HOST)
    with server.store.read() as connection:
        found = hosts.open_sandboxes(connection, limit + 1, before)
    items = [
        {
            "id": server.names.of(Kind.HOST, one.id),
            "engine": one.engine,
            "reached": one.reached.split(),
            "at": one.at,
        }
        for one in found[:limit]
    ]
    here = f"{API}/admin/hosts/open-sandboxes?limit={limit}"
    following = f"{here}&cursor={items[-1]['id']}" if len(found) > limit else None
    return as_json(public_view.page(items, here, following))
