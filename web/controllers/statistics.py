"""This file is where a job is summed up for pictures, and a place in one leads to its unit."""

from __future__ import annotations

from litestar import Response, get
from litestar.response import Redirect

from grid.db import listings, statistics
from grid.identifiers import Kind
from web import looks, public_view, statistics_view
from web.answers import as_json
from web.problems import AnyRequest, not_found
from web.routes import about


@get("/jobs/{id:str}/statistics", sync_to_thread=True, opt=about(problems=(404,)))
def show_statistics(request: AnyRequest) -> Response[bytes]:
    """Sums a job up: counts while it is sealed; afterwards its work units as a string of letters,
    and answers by minute and by engine."""
    server, caller = looks.asked(request)
    facts = looks.find_job(server, caller, request.path_params["id"])
    number, now = facts.job.id, server.store.now()
    with server.store.read() as connection:
        counts = listings.counts(connection, [number])[number]
        is_open = public_view.is_open(facts.job, now)
        summary = statistics.summary(connection, number) if is_open else None
    return as_json(statistics_view.statistics(facts, counts, summary, server.names, now))


@get("/jobs/{id:str}/workunits/{place:int}", sync_to_thread=True)
def find_workunit(request: AnyRequest) -> Redirect:
    """Leads to the work unit in this place, once the job's seal has opened; 404 before."""
    server, caller = looks.asked(request)
    facts = looks.find_job(server, caller, request.path_params["id"])
    if not public_view.is_open(facts.job, server.store.now()):
        raise not_found("work unit")
    place = request.path_params["place"]
    with server.store.read() as connection:
        within = 0 <= place < facts.job.workunit_count
        found = statistics.workunit_at(connection, facts.job.id, place) if within else None
    if found is None:
        raise not_found("work unit")
    return Redirect(f"/audit/workunits/{server.names.of(Kind.WORKUNIT, found)}")
