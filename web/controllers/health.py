"""This file is where the server says whether it lives, and whether it can do its work."""

from __future__ import annotations

from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from grid.blobs import BlobsUnreachable
from grid.db import accounts
from web.answers import as_json
from web.problems import AnyRequest, Problem
from web.routes import about
from web.server import server_of

#: A daemon that has not finished a pass for so long hangs.
PASS_AGE_S_MAX = 60.0


@get("/healthz", opt=about())
async def show_health(request: AnyRequest) -> Response[bytes]:
    """Says that the process lives."""
    return as_json({"state": "alive"}, headers={"Cache-Control": "no-store"})


@get("/readyz", sync_to_thread=True, opt=about(problems=(503,)))
def show_readiness(request: AnyRequest) -> Response[bytes]:
    """Says whether the database answers, the blob folder takes bytes and the daemons run."""
    server = server_of(request)
    failing = []
    try:
        with server.store.read() as connection:
            accounts.has_admin(connection, server.store.now())
    except Exception as error:
        failing.append(f"database: {type(error).__name__}")
    try:
        server.store.blobs.check()
    except BlobsUnreachable as error:
        failing.append(f"blobs: {error}")
    if server.daemons is not None and server.daemons.seconds_since_pass() > PASS_AGE_S_MAX:
        failing.append("daemons: no pass was finished lately")
    if server.daemons is not None and server.daemons.log_trouble is not None:
        failing.append(f"log: {server.daemons.log_trouble}")
    if failing:
        raise Problem(503, "; ".join(failing), headers={"Retry-After": "5"})
    return as_json({"state": "ready"}, headers={"Cache-Control": "no-store"})


@get("/metrics", sync_to_thread=True, opt=about(answer="text/plain"))
def show_metrics(request: AnyRequest) -> Response[bytes]:
    """Gives this process's figures, in the text format of Prometheus."""
    said = generate_latest(server_of(request).metrics.registry)
    headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
    return Response(said, headers=headers)
