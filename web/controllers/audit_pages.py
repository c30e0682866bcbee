"""This file is where people see the public log: its size, who vouches for it, what it says of one
work unit, and whatever they search for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from litestar import Response, get

from grid.audit.findings import NOT_PROVEN
from grid.db import leaves, listings, published
from grid.db.record import store as record
from grid.db.record.store import Hit
from grid.identifiers import Kind
from web import bodies, looks, proving, public_view, render, story
from web.addresses import server_origin
from web.problems import AnyRequest, Problem
from web.proving import Told
from web.server import Server

#: Bars of the picture of its growth.
DAYS = 14
DAY_S = 86_400
#: A search is for something as long as this, and for no longer one.
WANTED_MIN, WANTED_MAX = 8, 80
WANTED = re.compile(r"[A-Za-z0-9_]+")


@get("/audit", sync_to_thread=True)
def show_audit(request: AnyRequest) -> Response[str]:
    """The page of the public log: its size, checkpoint and witnesses, its growth, and a search."""
    server, _ = looks.asked(request)
    bodies.allow_query(request, "q")
    wanted = request.query_params.get("q", "").strip()
    now = server.store.now()
    newest = published.checkpoint(server.store.log)
    witnessed = published.checkpoint(server.store.log, published.WITNESSED)
    with server.store.read() as connection:
        keys = leaves.announced(connection, leaves.LOG)
    with server.store.record.read() as connection:
        grown = record.grown(connection, DAYS, now // DAY_S)
        kinds = record.kinds(connection)
    facts = {
        "here": "audit",
        "wanted": wanted,
        "hits": _hits(server, request, wanted) if wanted else [],
        "fault": _fault(wanted),
        "checkpoint": None if newest is None else newest[0],
        "size": 0 if newest is None else newest[1].size,
        "origin": "" if newest is None else newest[1].origin,
        "witnesses": [] if witnessed is None else proving.cosigners(witnessed[0]),
        "witnessed_size": 0 if witnessed is None else witnessed[1].size,
        "keys": keys,
        "kinds": kinds,
        "grown": [{"day": _date(day), "entries": count} for day, count in grown],
        "most": max((count for _, count in grown), default=0),
        "not_proven": NOT_PROVEN,
        "address": server_origin(request, server.settings),
    }
    return render.page("audit.html", facts, headers=SEARCHING)


#: The page with the search may send its form to this server; nothing else differs.
SEARCHING = {
    "Content-Security-Policy": render.policy().replace("form-action 'none'", "form-action 'self'")
}


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_S, UTC).strftime("%Y-%m-%d")


def _fault(wanted: str) -> str:
    if not wanted:
        return ""
    if not WANTED.fullmatch(wanted) or not WANTED_MIN <= len(wanted) <= WANTED_MAX:
        return f"A search is for {WANTED_MIN} to {WANTED_MAX} letters and digits."
    return ""


def _hits(server: Server, request: AnyRequest, wanted: str) -> list[dict[str, Any]]:
    if _fault(wanted):
        return []
    number = server.store.keyring.identifiers.internal(Kind.WORKUNIT, wanted)
    if number is not None:
        _, caller = looks.asked(request)
        unit, facts = looks.find_workunit(server, caller, wanted)
        hit = Hit(what="work unit", job=server.names.of(Kind.JOB, facts.job.id), said=wanted)
        return [_shown(hit, f"/audit/workunits/{server.names.of(Kind.WORKUNIT, unit.id)}")]
    with server.store.record.read() as connection:
        found = record.search(connection, wanted)
    return [_shown(one, _place(server, one)) for one in found]


def _shown(hit: Hit, href: str) -> dict[str, Any]:
    return {
        "what": hit.what,
        "job": hit.job,
        "work_unit": hit.work_unit,
        "said": hit.said,
        "href": href,
    }


def _place(server: Server, hit: Hit) -> str:
    if hit.work_unit is None or hit.work_unit < 0:
        return f"/jobs/{hit.job}"
    number = server.store.keyring.identifiers.internal(Kind.JOB, hit.job)
    with server.store.read() as connection:
        unit = listings.workunit_at(connection, number, hit.work_unit)
    if unit is None:
        return f"/jobs/{hit.job}"
    return f"/audit/workunits/{server.names.of(Kind.WORKUNIT, unit)}"


@get("/audit/workunits/{id:str}", sync_to_thread=True)
def show_story(request: AnyRequest) -> Response[str]:
    """A work unit's whole story in plain words, with proofs; a button computes it again."""
    server, caller = looks.asked(request)
    bodies.allow_query(request)
    unit, facts = looks.find_workunit(server, caller, request.path_params["id"])
    now = server.store.now()
    job = looks.job_views(server, [facts])[0]
    view = public_view.workunit(unit, facts.job, server.names, now)
    if view["sealed"]:
        raise Problem(409, "the job's seal is shut: its story is told once it has opened")
    said = proving.said_of_unit(server, job["id"], unit.ordinal) if facts.job.public else []
    told = Told(server, sorted({leaf for _, _, leaf in said}), revealed=True)
    origin = server.settings.sandbox_origin
    page = {
        "here": "audit",
        "unit": view,
        "job": job,
        "lines": story.told(view, job, said),
        "leaves": told.leaves,
        "size": told.tree.size,
        "origin": told.tree.origin,
        "sandbox_origin": origin,
        "verifiable": facts.job.public and view["canonical_digest"] is not None and bool(said),
    }
    return render.page(
        "story.html", page, headers={"Content-Security-Policy": render.policy(origin)}
    )


HANDLERS = (show_audit, show_story)
