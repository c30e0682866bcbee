"""This file is where a requester sees which hosts are here, and keeps some for a job."""

from __future__ import annotations

import msgspec
from litestar import Response, get, post

from grid import canonical
from grid.db import hosts
from grid.db.transaction import Transaction
from grid.items import Json
from web import bodies, looks, reserving
from web.answers import as_json
from web.callers import require, require_owner
from web.idempotency import Key
from web.messages import ReservationBody
from web.problems import AnyRequest
from web.routes import about
from web.server import Server, server_of

#: Hosts of one list: what a person looks through.
LISTED_MAX = 1000


@get("/hosts", sync_to_thread=True, opt=about(problems=(400, 401, 403)))
def list_hosts(request: AnyRequest) -> Response[bytes]:
    """Lists the hosts that are here now, for requesters: what they can do, and whether they are
    busy or reserved. Nothing tells whose a host is or what it computes."""
    server, caller = looks.asked(request)
    bodies.allow_query(request)
    require(caller, "requester", "admin")
    with server.store.read() as connection:
        found = hosts.online(connection, server.store.now(), LISTED_MAX)
    items = [msgspec.to_builtins(one) for one in found]
    free = sum(not one.busy and not one.reserved for one in found)
    return as_json({"items": items, "online": len(items), "idle": free})


@post(
    "/jobs/{id:str}/reserve",
    opt=about(body=ReservationBody, problems=(400, 401, 403, 404, 409, 413, 415, 422)),
)
async def reserve_hosts(request: AnyRequest) -> Response[bytes]:
    """Keeps hosts for a job until it ends: they get its work and no other. Owner or admin.

    All that were asked for, or none and a 409 that says how many there are; with `fewer`, those.
    """
    server, caller = looks.asked(request)
    facts = looks.find_job(server, caller, request.path_params["id"])
    require_owner(caller, facts.job, "job")
    key = Key(request, caller)
    body = await bodies.read(request, ReservationBody)
    body_digest = canonical.digest(await request.body())
    replayed = key.replayed(server.store, body_digest)
    if replayed is not None:
        return replayed

    def reserve(transaction: Transaction) -> tuple[int, Json]:
        taken = reserving.reserve(server, transaction, caller, facts.job.id, body)
        total = hosts.reserved_for(transaction.connection, [facts.job.id])
        return 200, {"taken": taken, "reserved": total}

    response, _ = await key.once(server.store, body_digest, reserve)
    return response


@post("/jobs/{id:str}/release", opt=about(problems=(401, 403, 404)))
async def release_hosts(request: AnyRequest) -> Response[bytes]:
    """Gives a job's reserved hosts back to everybody; its end does the same. Owner or admin."""
    server: Server = server_of(request)
    _, caller = looks.asked(request)
    facts = looks.find_job(server, caller, request.path_params["id"])
    require_owner(caller, facts.job, "job")
    count = await server.store.awrite(lambda tx: hosts.release(tx, facts.job.id))
    return as_json({"released": count})
