"""This file is where the owner of a private job names who may audit it."""

from __future__ import annotations

from litestar import Response, get, post

from grid import canonical
from grid.db import auditors
from grid.db.transaction import Transaction
from grid.items import Json
from web import bodies, looks, public_view
from web.answers import as_json
from web.callers import require_owner
from web.idempotency import Key
from web.messages import AuditorsBody
from web.problems import AnyRequest, bad_field
from web.public_view import API, View
from web.routes import about


@get("/jobs/{id:str}/auditors", sync_to_thread=True, opt=about(problems=(401, 403, 404)))
def list_auditors(request: AnyRequest) -> Response[bytes]:
    """Lists who may read a private job besides its owner. Owner or admin."""
    server, caller = looks.asked(request)
    public_id = request.path_params["id"]
    facts = looks.find_job(server, caller, public_id)
    require_owner(caller, facts.job, "job")
    with server.store.read() as connection:
        names = auditors.names(connection, facts.job.id)
    return as_json(_view(public_id, names))


@post(
    "/jobs/{id:str}/auditors",
    status_code=200,
    opt=about(body=AuditorsBody, problems=(400, 401, 403, 404, 409, 413, 415, 422)),
)
async def name_auditors(request: AnyRequest) -> Response[bytes]:
    """Names the accounts that may read a private job, all of them anew. Owner or admin.

    They read what its owner reads, its data set too, with a session or token of scope `auditor`.
    """
    server, caller = looks.asked(request)
    public_id = request.path_params["id"]
    facts = looks.find_job(server, caller, public_id)
    require_owner(caller, facts.job, "job")
    key = Key(request, caller)
    body = await bodies.read(request, AuditorsBody)
    if facts.job.public:
        raise bad_field("/auditors", "a public job is audited by everybody", 409)
    body_digest = canonical.digest(await request.body())
    replayed = key.replayed(server.store, body_digest)
    if replayed is not None:
        return replayed

    def name(transaction: Transaction) -> tuple[int, Json]:
        unknown = auditors.name(transaction, facts.job.id, body.auditors)
        if unknown:
            place = body.auditors.index(unknown[0])
            raise bad_field(f"/auditors/{place}", f"there is no account {unknown[0]!r}")
        return 200, _view(public_id, sorted(set(body.auditors)))

    response, _ = await key.once(server.store, body_digest, name)
    return response


def _view(public_id: str, names: list[str]) -> View:
    base = f"{API}/jobs/{public_id}"
    return {
        "auditors": names,
        "_links": {
            "self": public_view.link(f"{base}/auditors"),
            "job": public_view.link(base),
        },
    }
