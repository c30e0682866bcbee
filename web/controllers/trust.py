"""This file is where admins decide appeals, and where a volunteer sees how it stands."""

from __future__ import annotations

from collections.abc import Callable

from litestar import Response, get, post

from grid import canonical
from grid.db import appeals, queries
from grid.db.transaction import Transaction
from grid.identifiers import Kind
from grid.items import Json
from grid.states import IllegalMove
from web import bodies, looks, public_view, trust_view
from web.answers import as_json
from web.callers import Caller, require, unauthorized
from web.idempotency import Effect, Key
from web.messages import BanBody, EngineBody, ResumeBody
from web.problems import AnyRequest, Problem, bad_field, not_found
from web.public_view import API
from web.routes import PAGED, about
from web.server import Server

ADMIN = (401, 403)


@get("/hosts/me", sync_to_thread=True, opt=about(problems=(401,)))
def show_own_host(request: AnyRequest) -> Response[bytes]:
    """Shows a host, by its own token, how its volunteer stands: answers, bans, and why.

    What it answered in sealed jobs is counted, and not judged: `in_sealed_jobs`.
    """
    server, caller = looks.asked(request)
    if caller.host_id is None:
        raise unauthorized("this needs a host's token")
    with server.store.read() as connection:
        found = appeals.own(connection, caller.host_id)
    return as_json(trust_view.own(found, caller.host_id, server.names))


@get(
    "/admin/volunteers",
    sync_to_thread=True,
    opt=about(query={"banned": "`true` or `false`: only those", **PAGED}, problems=(400, *ADMIN)),
)
def list_volunteers(request: AnyRequest) -> Response[bytes]:
    """Lists volunteers, newest first: who is banned, since when and why."""
    server, caller = looks.asked(request)
    require(caller, "admin")
    bodies.allow_query(request, "banned", *PAGED)
    banned = bodies.convert_query(request, "banned", bool)
    limit = looks.page_limit(request)
    before = looks.page_cursor(request, server, Kind.VOLUNTEER)
    with server.store.read() as connection:
        found = appeals.volunteers(connection, limit + 1, before, banned)
    items = [trust_view.volunteer(one, server.names) for one in found[:limit]]
    here = f"{API}/admin/volunteers?limit={limit}"
    here += "" if banned is None else f"&banned={str(banned).lower()}"
    following = f"{here}&cursor={items[-1]['id']}" if len(found) > limit else None
    return as_json(public_view.page(items, here, following))


@post(
    "/admin/volunteers/{id:str}/ban",
    status_code=200,
    opt=about(body=BanBody, problems=(400, *ADMIN, 404, 409, 413, 415, 422)),
)
async def ban_volunteer(request: AnyRequest) -> Response[bytes]:
    """Shuts a volunteer out: what it answered counts no more, and is computed by others."""
    require(looks.asked(request)[1], "admin")
    body = await bodies.read(request, BanBody)

    def change(transaction: Transaction, number: int) -> None:
        if not appeals.ban(transaction, number, body.reason):
            raise Problem(409, "this volunteer is banned already")

    return await _of_volunteer(request, change)


@post(
    "/admin/volunteers/{id:str}/unban",
    status_code=200,
    opt=about(problems=(*ADMIN, 404, 409, 422)),
)
async def unban_volunteer(request: AnyRequest) -> Response[bytes]:
    """Grants an appeal: what the volunteer answered counts again, and it begins anew."""

    def change(transaction: Transaction, number: int) -> None:
        if not appeals.unban(transaction, number):
            raise Problem(409, "this volunteer is not banned")

    return await _of_volunteer(request, change)


@get(
    "/admin/jobs/{id:str}/quarantine",
    sync_to_thread=True,
    opt=about(problems=(*ADMIN, 404)),
)
def list_quarantine(request: AnyRequest) -> Response[bytes]:
    """Lists the engines that get nothing of a job, because they seem to compute it wrongly."""
    server, caller = looks.asked(request)
    require(caller, "admin")
    job = looks.find_job(server, caller, request.path_params["id"]).job
    with server.store.read() as connection:
        found = appeals.quarantines(connection, job.id)
    here = f"{API}/admin/jobs/{server.names.of(Kind.JOB, job.id)}/quarantine"
    return as_json(public_view.page([trust_view.suspected(one) for one in found], here, None))


@post(
    "/admin/jobs/{id:str}/quarantine/lift",
    status_code=200,
    opt=about(body=EngineBody, problems=(400, *ADMIN, 404, 413, 415, 422)),
)
async def lift_quarantine(request: AnyRequest) -> Response[bytes]:
    """Clears an engine of a job: what it answered counts again, and it gets work again."""
    require(looks.asked(request)[1], "admin")
    body = await bodies.read(request, EngineBody)

    def change(server: Server, transaction: Transaction, job_id: int) -> Json:
        if not appeals.lift(transaction, job_id, body.engine):
            raise bad_field("/engine", f"{body.engine}: is not suspected in this job")
        left = appeals.quarantines(transaction.connection, job_id)
        return {"items": [trust_view.suspected(one) for one in left]}

    return await _of_job(request, change)


@get("/admin/jobs/frozen", sync_to_thread=True, opt=about(problems=ADMIN))
def list_frozen(request: AnyRequest) -> Response[bytes]:
    """Lists jobs that the server has paused because their job type is suspect, and why."""
    server, caller = looks.asked(request)
    require(caller, "admin")
    with server.store.read() as connection:
        jobs = queries.jobs(connection, appeals.frozen(connection))
    items = [trust_view.frozen(jobs[number], server.names) for number in sorted(jobs)]
    return as_json(public_view.page(items, f"{API}/admin/jobs/frozen", None))


@post(
    "/admin/jobs/{id:str}/resume",
    status_code=200,
    opt=about(body=ResumeBody, problems=(400, *ADMIN, 404, 409, 413, 415, 422)),
)
async def thaw_job(request: AnyRequest) -> Response[bytes]:
    """Lets a frozen job go on: where volunteers on different engines spoke against the server, the
    admin says whom to believe."""
    require(looks.asked(request)[1], "admin")
    body = await bodies.read(request, ResumeBody)

    def change(server: Server, transaction: Transaction, job_id: int) -> Json:
        try:
            appeals.thaw(transaction, job_id, body.believe == "volunteers", server.store.context)
        except IllegalMove as error:
            raise Problem(409, f"the job is over: {error.before} → {error.after}") from error
        return looks.view_in(server, transaction, job_id)

    return await _of_job(request, change)


async def _of_volunteer(
    request: AnyRequest, change: Callable[[Transaction, int], None]
) -> Response[bytes]:
    server, caller = looks.asked(request)
    require(caller, "admin")
    text = request.path_params["id"]
    number = server.store.keyring.identifiers.internal(Kind.VOLUNTEER, text)
    with server.store.read() as connection:
        if number is None or appeals.volunteer(connection, number) is None:
            raise not_found("volunteer")
    volunteer_id = number

    def do(transaction: Transaction) -> tuple[int, Json]:
        change(transaction, volunteer_id)
        now = appeals.volunteer(transaction.connection, volunteer_id)
        assert now is not None, "volunteers stay"
        return 200, trust_view.volunteer(now, server.names)

    return await _once(request, server, caller, do)


async def _of_job(
    request: AnyRequest, change: Callable[[Server, Transaction, int], Json]
) -> Response[bytes]:
    server, caller = looks.asked(request)
    require(caller, "admin")
    job_id = looks.find_job(server, caller, request.path_params["id"]).job.id

    def do(transaction: Transaction) -> tuple[int, Json]:
        return 200, change(server, transaction, job_id)

    return await _once(request, server, caller, do)


async def _once(
    request: AnyRequest, server: Server, caller: Caller, effect: Effect
) -> Response[bytes]:
    key, digest = Key(request, caller), canonical.digest(await request.body())
    replayed = key.replayed(server.store, digest)
    if replayed is not None:
        return replayed
    response, _ = await key.once(server.store, digest, effect)
    return response
