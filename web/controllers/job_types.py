"""This file is where job types are listed and explained, and specs are tried out."""

from __future__ import annotations

import asyncio

from litestar import Response, get, post

from grid.db import queries
from web import bodies, looks, public_view
from web.answers import as_json
from web.callers import require
from web.messages import PreviewBody
from web.previewing import look
from web.problems import AnyRequest, Problem, not_found
from web.public_view import API, View
from web.routes import about
from web.server import Server
from web.submission import enabled, usual_mode


@get("/job-types", sync_to_thread=True, opt=about())
def list_job_types(request: AnyRequest) -> Response[bytes]:
    """Lists the enabled job types; an admin sees the disabled ones as well."""
    server, caller = looks.asked(request)
    items = [one for one in all_types(server) if one["enabled"] or caller.admin]
    return as_json(public_view.page(items, f"{API}/job-types", None))


def all_types(server: Server) -> list[View]:
    """Every job type that is there, enabled or not, by name."""
    with server.store.read() as connection:
        known = queries.plugins(connection)
    views = []
    for found in server.store.job_types.found():
        row = known.get(found.manifest.name)
        on = row is not None and row.enabled and row.digest == found.digest
        views.append(public_view.job_type(found, on))
    return views


@get("/job-types/{name:str}", sync_to_thread=True, opt=about(problems=(404,)))
def show_job_type(request: AnyRequest) -> Response[bytes]:
    """Shows an enabled job type: the schema of its spec, its README and examples."""
    server, _ = looks.asked(request)
    return as_json(whole(server, request.path_params["name"]))


def whole(server: Server, name: str) -> View:
    """An enabled job type with all that a requester needs; raises 404 for any other name."""
    try:
        found, loaded = enabled(server, name, "/name")
    except Problem as problem:
        raise not_found("enabled job type") from problem
    usual = usual_mode(server, loaded)
    return {**public_view.whole_job_type(found, loaded), "default_mode": str(usual)}


@post(
    "/job-types/{name:str}/preview",
    opt=about(body=PreviewBody, problems=(400, 401, 403, 404, 409, 413, 415)),
)
async def preview_job(request: AnyRequest) -> Response[bytes]:
    """Shows what a spec would become: program, output columns, cost. Creates nothing.

    Needs a requester's or admin's token.
    """
    server, caller = looks.asked(request)
    require(caller, "requester", "admin")  # it makes the server work
    name = request.path_params["name"]
    if not server.store.job_types.knows(name):
        raise not_found("job type")
    body = await bodies.read(request, PreviewBody)

    return as_json(await asyncio.to_thread(look, server, caller, name, body.spec, body.dataset))
