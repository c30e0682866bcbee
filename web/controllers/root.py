"""This file is where a walk through the API begins."""

from __future__ import annotations

from litestar import Response, get

from grid import __version__
from web import public_view
from web.answers import as_json
from web.messages import PROTOCOL
from web.openapi import document
from web.problems import AnyRequest
from web.public_view import API
from web.routes import about


@get("/", opt=about())
async def show_root(request: AnyRequest) -> Response[bytes]:
    """Links to everything else."""
    hrefs = {
        "self": f"{API}/",
        "jobs": f"{API}/jobs",
        "datasets": f"{API}/datasets",
        "job_types": f"{API}/job-types",
        "hosts": f"{API}/hosts",
        "work": f"{API}/work",
        "events": f"{API}/events",
        "leaderboard": f"{API}/leaderboard",
        "tokens": f"{API}/tokens",
        "usage": f"{API}/usage",
        "openapi": f"{API}/openapi.json",
        "volunteer": "/volunteer",
    }
    return as_json({"grid": __version__, "protocol": PROTOCOL, **public_view.links(hrefs)})


@get("/openapi.json", opt=about())
async def show_openapi(request: AnyRequest) -> Response[bytes]:
    """Describes every route as OpenAPI 3.1, problems included."""
    return as_json(document(request.app.routes), headers={"Cache-Control": "public, max-age=300"})
