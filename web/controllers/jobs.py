"""This file is where jobs are submitted, listed, shown, paused, resumed and cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlencode

from litestar import Response, get, post

from grid import canonical
from grid.db import commands, deeds, listings
from grid.db.listings import Counts
from grid.db.transaction import Transaction
from grid.identifiers import Kind
from grid.items import Json
from grid.states import JobState
from web import bodies, looks, moving, public_view
from web.allowing import require_disk, require_room
from web.answers import as_json
from web.callers import Caller, require, require_owner
from web.idempotency import Key
from web.messages import JobBody, PriorityBody
from web.problems import AnyRequest, bad_field
from web.public_view import API
from web.routes import PAGED, about
from web.server import Server
from web.submission import first_workunits, prepare

FILTERS = {
    "state": "only jobs in this state: " + ", ".join(JobState),
    "job_type": "only jobs of this type",
    "dataset": "only jobs on this data set",
}


@get("/jobs", sync_to_thread=True, opt=about(query={**FILTERS, **PAGED}, problems=(400, 404)))
def list_jobs(request: AnyRequest) -> Response[bytes]:
    """Lists jobs, newest first: all public ones, and the caller's own."""
    server, caller = looks.asked(request)
    bodies.allow_query(request, *FILTERS, *PAGED)
    limit = looks.page_limit(request)
    wanted = {name: request.query_params.get(name) for name in FILTERS}
    if wanted["state"] is not None and wanted["state"] not in set(JobState):
        raise bad_field("/state", f"state: one of {', '.join(JobState)}")
    dataset_id = None
    if wanted["dataset"] is not None:
        dataset_id = looks.find_dataset(server, caller, wanted["dataset"]).id
    with server.store.read() as connection:
        found = listings.jobs(
            connection,
            caller.viewer,
            limit + 1,
            before=looks.page_cursor(request, server, Kind.JOB),
            state=wanted["state"],
            job_type=wanted["job_type"],
            dataset_id=dataset_id,
        )
    following = None
    if len(found) > limit:
        last = server.names.of(Kind.JOB, found[limit - 1].job.id)
        given = {name: value for name, value in wanted.items() if value is not None}
        following = f"{API}/jobs?{urlencode({**given, 'limit': limit, 'cursor': last})}"
    items = looks.job_views(server, found[:limit])
    return as_json(public_view.page(items, f"{API}/jobs", following))


@post(
    "/jobs",
    opt=about(body=JobBody, code=201, problems=(400, 401, 403, 404, 409, 413, 415, 422, 429, 507)),
)
async def submit_job(request: AnyRequest) -> Response[bytes]:
    """Submits a job: checks the spec, generates the program, and makes the first work units.

    Needs a requester's or admin's token. Creates nothing unless everything is in order.
    """
    server, caller = looks.asked(request)
    account_id = require(caller, "requester", "admin")
    key = Key(request, caller)
    body = await bodies.read(request, JobBody)
    body_digest = server.store.keyring.body_digest(await request.body())
    replayed = key.replayed(server.store, body_digest)
    if replayed is not None:
        return replayed
    await server.rates.account(account_id)
    require_disk(server)
    new = await asyncio.to_thread(prepare, server, caller, account_id, body)
    made: list[int] = []

    def add(transaction: Transaction) -> tuple[int, Json]:
        job = commands.add_job(transaction, new, server.store.keyring)
        require_room(server, transaction, caller)
        made.append(job.id)
        facts = looks.facts_in(transaction, job.id)
        return 201, public_view.job(facts, Counts(), [], server.names, transaction.now)

    response, fresh = await key.once(server.store, body_digest, add)
    if fresh:
        await first_workunits(server, made[-1])
    return response


@get("/jobs/{id:str}", sync_to_thread=True, opt=about(problems=(404,)))
def show_job(request: AnyRequest) -> Response[bytes]:
    """Shows a job: what was asked for, how far it is, and where everything of it is."""
    server, caller = looks.asked(request)
    facts = looks.find_job(server, caller, request.path_params["id"])
    return as_json(looks.job_views(server, [facts])[0])


Change = Callable[[Transaction, Server, Caller, int], None]


async def _changed(request: AnyRequest, change: Change, what: str) -> Response[bytes]:
    """Change a job that is the caller's to change, once, and keep that they did."""
    server, caller = looks.asked(request)
    facts = looks.find_job(server, caller, request.path_params["id"])
    require_owner(caller, facts.job, "job")
    key = Key(request, caller)
    body_digest = canonical.digest(await request.body())
    replayed = key.replayed(server.store, body_digest)
    if replayed is not None:
        return replayed
    public_id = server.names.of(Kind.JOB, facts.job.id)

    def do(transaction: Transaction) -> tuple[int, Json]:
        change(transaction, server, caller, facts.job.id)
        deeds.note(transaction, caller.account_id, caller.name, what, public_id, {})
        return 200, looks.view_in(server, transaction, facts.job.id)

    response, _ = await key.once(server.store, body_digest, do)
    return response


def _to(state: JobState) -> Change:
    def change(transaction: Transaction, server: Server, _: Caller, job_id: int) -> None:
        moving.move(server, transaction, job_id, state)

    return change


@post("/jobs/{id:str}/pause", opt=about(problems=(401, 403, 404, 409, 422)))
async def pause_job(request: AnyRequest) -> Response[bytes]:
    """Pauses a job: nothing of it is dispatched; what is out may come back. Owner or admin."""
    return await _changed(request, _to(JobState.PAUSED), "pause")


@post("/jobs/{id:str}/resume", opt=about(problems=(401, 403, 404, 409, 422)))
async def resume_job(request: AnyRequest) -> Response[bytes]:
    """Resumes a paused job. Owner or admin."""
    return await _changed(request, _to(JobState.ACTIVE), "resume")


@post("/jobs/{id:str}/cancel", opt=about(problems=(401, 403, 404, 409, 422)))
async def cancel_job(request: AnyRequest) -> Response[bytes]:
    """Cancels a job for good: work in flight is taken, and merged no more. Owner or admin."""
    return await _changed(request, _to(JobState.CANCELLED), "cancel")


@post(
    "/jobs/{id:str}/priority",
    status_code=200,
    opt=about(body=PriorityBody, problems=(400, 401, 403, 404, 409, 413, 415, 422)),
)
async def change_priority(request: AnyRequest) -> Response[bytes]:
    """Puts a job before others, or behind them: larger goes first, above 0 is an admin's to give.
    Owner or admin."""
    server, caller = looks.asked(request)
    require_owner(caller, looks.find_job(server, caller, request.path_params["id"]).job, "job")
    body = await bodies.read(request, PriorityBody)

    def change(transaction: Transaction, _: Server, caller: Caller, job_id: int) -> None:
        moving.put_before(transaction, caller, job_id, body.priority)

    return await _changed(request, change, "priority")
