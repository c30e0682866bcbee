"""This file is where people's pages are put together, from the same views as the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from litestar import Response, Router, get
from litestar.static_files import create_static_files_router

from grid import chunks
from grid.db import listings, queries
from grid.db.rows import JobFacts
from grid.identifiers import Kind
from grid.states import JobState
from web import advice, blob_links, forms, looks, proving, public_view, render
from web.callers import Caller
from web.controllers.datasets import PREVIEW_ROWS, first_rows
from web.controllers.job_types import all_types, whole
from web.controllers.outputs import output_batches, workunit_views
from web.deeds import of_jobs
from web.problems import AnyRequest, bad_field
from web.public_view import API
from web.server import Server

STATIC = Path(__file__).parents[1] / "static"

#: Jobs that a page shows in passing, and that the page of jobs lists.
JOBS_BESIDE = 6
JOBS_LISTED = 25
WORKUNITS_LISTED = 50
CHUNKS_LISTED = 10


@get("/", sync_to_thread=True)
def show_home(request: AnyRequest) -> Response[str]:
    """The first page: what the server does now."""
    server, caller = looks.asked(request)
    with server.store.read() as connection:
        totals = listings.totals(connection)
        found = listings.jobs(connection, caller.viewer, JOBS_BESIDE)
    facts = {
        "server": public_view.server(totals, server.presence.live(server.store.now())),
        "jobs": looks.job_views(server, found),
        "job_types": [one for one in all_types(server) if one["enabled"]],
    }
    return render.page("home.html", facts)


@get("/jobs", sync_to_thread=True)
def show_jobs(request: AnyRequest) -> Response[str]:
    """The page of jobs, newest first, with their progress."""
    server, caller = looks.asked(request)
    state = request.query_params.get("state")
    if state is not None and state not in set(JobState):
        raise bad_field("/state", f"state: one of {', '.join(JobState)}")
    before = looks.page_cursor(request, server, Kind.JOB)
    with server.store.read() as connection:
        found = listings.jobs(connection, caller.viewer, JOBS_LISTED + 1, before, state)
    shown = found[:JOBS_LISTED]
    chosen = {} if state is None else {"state": state}
    following = None
    if len(found) > JOBS_LISTED:
        last = server.names.of(Kind.JOB, shown[-1].job.id)
        following = "/jobs?" + urlencode({**chosen, "cursor": last})
    here = {**chosen, "limit": JOBS_LISTED}
    if "cursor" in request.query_params:
        here["cursor"] = request.query_params["cursor"]
    facts = {
        "here": "jobs",
        "state": state,
        "states": list(JobState),
        "jobs": looks.job_views(server, shown),
        "following": following,
        "api": f"{API}/jobs?{urlencode(here)}",
    }
    return render.page("jobs.html", facts)


@get("/jobs/{id:str}", sync_to_thread=True)
def show_job(request: AnyRequest) -> Response[str]:
    """A job's page: progress, output, spec, program and work units with their verdicts."""
    server, caller = looks.asked(request)
    job = looks.find_job(server, caller, request.path_params["id"])
    after = looks.page_cursor(request, server, Kind.WORKUNIT)
    view = looks.job_views(server, [job])[0]
    units, more = workunit_views(server, job, after, WORKUNITS_LISTED)
    with server.store.read() as connection:
        dataset = queries.dataset(connection, job.job.dataset_id)
    output = view["outputs"][0] if view["outputs"] else None
    facts = {
        "here": "jobs",
        "job": view,
        "dataset": None if dataset is None else public_view.dataset(dataset, server.names),
        "program": server.store.blobs.get(job.job.program_digest).decode("ascii"),
        "units": units,
        "following": f"/jobs/{view['id']}?cursor={units[-1]['id']}" if more else None,
        "output": output,
        "media": sorted(looks.media(server, job.job)),
        "preview": None if output is None else _first_output_rows(server, job, output["version"]),
        "at_rest": public_view.at_rest(job, server.store.now()),
        "vouched": proving.vouched(server),
        "provable": not view["sealed"] and proving.is_revealed(server, str(view["id"])),
        "sandbox_origin": server.settings.sandbox_origin,
        "advice": advice.of(view),
        **_may_do(server, caller, job),
    }
    headers = {"Content-Security-Policy": render.policy(server.settings.sandbox_origin)}
    return render.page("job.html", facts, headers=headers)


def _may_do(server: Server, caller: Caller, job: JobFacts) -> dict[str, Any]:
    """What who has signed in may do with the job by hand, and the pass for its forms."""
    if caller.session is None or not caller.owns(job.job):
        return {"csrf": "", "may_do": ()}
    wanted = of_jobs.possible(job.job, caller.admin)
    return {"csrf": forms.csrf_of(server, caller), "may_do": wanted}


def _first_output_rows(server: Server, job: JobFacts, version: int) -> dict[str, Any]:
    first = next(output_batches(server, job, version), None)
    batches = [] if first is None else [first.slice(0, PREVIEW_ROWS)]
    decoded: dict[str, Any] = json.loads(b"".join(chunks.write_json(job.output_columns, batches)))
    return decoded


@get("/datasets/{id:str}", sync_to_thread=True)
def show_dataset(request: AnyRequest) -> Response[str]:
    """A data set's page: columns, first rows, chunks, and the jobs on it."""
    server, caller = looks.asked(request)
    dataset = looks.find_dataset(server, caller, request.path_params["id"])
    names = [column.name for column in dataset.columns]
    with server.store.read() as connection:
        found = listings.jobs(connection, caller.viewer, JOBS_BESIDE, dataset_id=dataset.id)
        parts = queries.chunk_columns(connection, dataset, 0, CHUNKS_LISTED, names)
    facts = {
        "dataset": public_view.dataset(dataset, server.names),
        "preview": first_rows(server, dataset, PREVIEW_ROWS),
        "jobs": looks.job_views(server, found),
        "chunks": [
            {
                "chunk": one.chunk,
                "rows": one.rows,
                "column": one.column,
                "bytes": one.bytes,
                "digest": one.digest,
                "url": blob_links.public_link(one.digest),
            }
            for one in parts
        ],
    }
    return render.page("dataset.html", facts)


@get("/job-types/{name:str}", sync_to_thread=True)
def show_job_type(request: AnyRequest) -> Response[str]:
    """A job type's page: README, schemas and examples."""
    server, _ = looks.asked(request)
    return render.page("job_type.html", {"one": whole(server, request.path_params["name"])})


HANDLERS = (show_home, show_jobs, show_job, show_dataset, show_job_type)


def static_files() -> Router:
    """Style sheets and scripts."""
    return create_static_files_router("/static", [STATIC], include_in_schema=False)
