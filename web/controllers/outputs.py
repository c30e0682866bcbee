"""This file is where what a job made is handed out: program, work units, output, events."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from litestar import Response, get
from litestar.response import Stream

from grid import canonical, chunks
from grid.db import listings, queries
from grid.db.rows import JobFacts
from grid.identifiers import Kind
from grid.items import Job
from grid.states import JobState
from web import blob_links, bodies, looks, public_view
from web.answers import CALLER, PRIVATE, as_json
from web.problems import AnyRequest, Problem, bad_field, not_found
from web.public_view import API
from web.routes import PAGED, about
from web.server import Server

FORMATS = {"csv": "text/csv; header=present", "json": "application/json"}
EVENT_STREAM = "text/event-stream"
JAVASCRIPT = "text/javascript"


@get(
    "/jobs/{id:str}/program",
    sync_to_thread=True,
    opt=about(answer=JAVASCRIPT, problems=(404,)),
)
def show_program(request: AnyRequest) -> Response[bytes]:
    """Gives the program that every work unit of the job runs, as volunteers get it."""
    server, caller = looks.asked(request)
    return _program(server, looks.find_job(server, caller, request.path_params["id"]).job)


@get(
    "/jobs/{id:str}/workunits",
    sync_to_thread=True,
    opt=about(query=PAGED, problems=(400, 404)),
)
def list_workunits(request: AnyRequest) -> Response[bytes]:
    """Lists a job's work units: open or decided, in random order; once the seal opened in order,
    with every vote."""
    server, caller = looks.asked(request)
    bodies.allow_query(request, *PAGED)
    limit, after = looks.page_limit(request), looks.page_cursor(request, server, Kind.WORKUNIT)
    facts = looks.find_job(server, caller, request.path_params["id"])
    items, more = workunit_views(server, facts, after, limit)
    base = f"{API}/jobs/{server.names.of(Kind.JOB, facts.job.id)}/workunits"
    following = f"{base}?limit={limit}&cursor={items[-1]['id']}" if more else None
    return as_json(public_view.page(items, base, following))


def workunit_views(
    server: Server, facts: JobFacts, after: int | None, limit: int
) -> tuple[list[public_view.View], bool]:
    """Some work units behind the one of id `after`, and whether there are more."""
    now = server.store.now()
    sealed = not public_view.is_open(facts.job, now)
    with server.store.read() as connection:
        units = listings.workunits(connection, facts.job.id, after, limit + 1, sealed)
    views = [public_view.workunit(unit, facts.job, server.names, now) for unit in units[:limit]]
    return views, len(units) > limit


@get("/workunits/{id:str}", sync_to_thread=True, opt=about(problems=(404,)))
def show_workunit(request: AnyRequest) -> Response[bytes]:
    """Shows a work unit; once the seal opened with every vote, the verdict and its answer. Whoever
    accepts `text/javascript` and no JSON gets the program that computes it."""
    server, caller = looks.asked(request)
    unit, facts = looks.find_workunit(server, caller, request.path_params["id"])
    if _wants_program(request):
        return _program(server, facts.job)
    with server.store.read() as connection:
        text = listings.canonical_output(connection, unit)
    answer = None if text is None else canonical.loads(text.encode())
    now, further = server.store.now(), {"canonical_output": answer}
    digest = public_view.canonical_digest(unit)
    if text is None and digest is not None:  # it is a file
        further["canonical_output_url"] = blob_links.public_link(digest)
    view = public_view.workunit(unit, facts.job, server.names, now, further)
    return as_json(view, headers={"Vary": f"Accept, {CALLER}"})


def _wants_program(request: AnyRequest) -> bool:
    accepted = request.headers.get("accept", "").lower().split(",")
    kinds = {one.partition(";")[0].strip() for one in accepted}
    return JAVASCRIPT in kinds and "application/json" not in kinds


def _program(server: Server, job: Job) -> Response[bytes]:
    return Response(
        server.store.blobs.get(job.program_digest),
        media_type=JAVASCRIPT,
        headers={
            "Cache-Control": PRIVATE,
            "Vary": f"Accept, {CALLER}",
            "ETag": f'"{job.program_digest}"',
            "Grid-Digest": f"sha-256={job.program_digest}",
        },
    )


@get(
    "/jobs/{id:str}/output",
    sync_to_thread=True,
    opt=about(
        query={
            "format": "`csv`, `json` or what the job type makes; `json` when not given",
            "version": "which version; the newest when not given",
            "rows": "so many rows from the first on; all when not given; `csv` and `json` only",
        },
        problems=(400, 404, 409),
    ),
)
def show_output(request: AnyRequest) -> Response[bytes] | Stream:
    """Gives the output of a completed job, streamed. 409 while there is none."""
    server, caller = looks.asked(request)
    bodies.allow_query(request, "format", "version", "rows")
    facts = looks.find_job(server, caller, request.path_params["id"])
    wanted = request.query_params.get("format", "json")
    media = {**looks.media(server, facts.job), **FORMATS}
    if wanted not in media:
        raise bad_field("/format", f"format: {', '.join(sorted(media))}")
    version = bodies.convert_query(request, "version", int)
    most = bodies.convert_query(request, "rows", int)
    if most is not None and (most < 0 or wanted not in FORMATS):
        raise bad_field("/rows", "rows: a whole number from 0, and for `csv` and `json` only")
    with server.store.read() as connection:
        made = listings.outputs(connection, [facts.job.id])[facts.job.id]
        newest = listings.counts(connection, [facts.job.id])[facts.job.id].output_version
    if not made:
        raise Problem(409, _no_output(facts))
    one = next((each for each in made if version in (None, each.output_version)), None)
    if one is None:
        raise not_found("version of this output")
    public_id = server.names.of(Kind.JOB, facts.job.id)
    return Stream(
        _written(server, facts, one.output_version, wanted, most),
        media_type=media[wanted],
        headers={
            "Cache-Control": PRIVATE,
            "Content-Disposition": f'attachment; filename="{public_id}.{wanted}"',
            "Grid-Output-Version": str(one.output_version),
            "Grid-Output-Superseded": "true" if one.output_version < newest else "false",
            "Grid-Manifest": one.manifest_digest,
        },
    )


def _written(
    server: Server, facts: JobFacts, version: int, wanted: str, most: int | None
) -> Iterator[bytes]:
    batches = output_batches(server, facts, version)
    if most is not None:
        batches = _first_rows(batches, most)
    if wanted in FORMATS:
        write = chunks.write_csv if wanted == "csv" else chunks.write_json
        return write(facts.output_columns, batches)
    with server.store.read() as connection:
        dataset = queries.dataset(connection, facts.job.dataset_id)
    columns = () if dataset is None else dataset.columns
    job_type = server.store.job_types.loaded(facts.job.job_type_digest).job_type
    return job_type.render(wanted, facts.job.spec, columns, batches)


def _first_rows(batches: Iterator[pa.RecordBatch], most: int) -> Iterator[pa.RecordBatch]:
    while most > 0 and (batch := next(batches, None)) is not None:
        yield batch.slice(0, most)
        most -= batch.num_rows


def output_batches(server: Server, facts: JobFacts, version: int) -> Iterator[pa.RecordBatch]:
    """The rows of one finished version, a part at a time."""
    with server.store.read() as connection:
        parts = listings.output_parts(connection, facts.job.id, version)
    return (chunks.decode_batch(server.store.blobs.get(part.digest)) for part in parts)


def _no_output(facts: JobFacts) -> str:
    job = facts.job
    if job.job_state in (JobState.ACTIVE, JobState.PAUSED):
        return f"the job is {job.job_state}; there is no output yet"
    return f"the job has {job.job_state}; there is no output" + (
        f": {job.failure}" if job.failure else ""
    )


@get("/jobs/{id:str}/events", opt=about(answer=EVENT_STREAM, problems=(404, 503)))
async def watch_job(request: AnyRequest) -> Stream:
    """Streams a job's progress as server-sent events until nothing of it will change any more."""
    server, caller = looks.asked(request)
    facts = looks.find_job(server, caller, request.path_params["id"])
    return event_stream(server, facts.job.id)


@get("/events", opt=about(answer=EVENT_STREAM, problems=(503,)))
async def watch_server(request: AnyRequest) -> Stream:
    """Streams what the whole server does as server-sent events."""
    server, _ = looks.asked(request)
    return event_stream(server, None)


def event_stream(server: Server, subject: int | None) -> Stream:
    """The answer that stays open; raises 503 when too many are."""
    if server.events.full:
        raise Problem(503, "too many watch already", headers={"Retry-After": "30"})
    return Stream(
        server.events.stream(subject),
        media_type=EVENT_STREAM,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
