"""This file is where outputs are put that are too large for their reports."""

from __future__ import annotations

import asyncio
import re

from litestar import Response, put

from grid import leases
from grid.db import put as puts
from grid.identifiers import Kind
from grid.leases import Lease
from grid.report import Refusal
from web import bodies
from web.answers import as_json
from web.callers import unauthorized
from web.problems import AnyRequest, Problem, bad_field, not_found
from web.receiving import received
from web.routes import about
from web.server import Server, server_of

#: The largest output over a line of a quarter of a megabit a second.
BODY_LIMIT_S = 300.0

_DIGEST = re.compile(r"[0-9a-f]{64}")


@put(
    "/results/{id:str}/outputs/{digest:str}",
    request_max_body_size=None,
    status_code=201,
    opt=about(
        body="application/octet-stream",
        code=201,
        problems=(400, 401, 403, 404, 408, 409, 413, 415, 429, 503),
    ),
)
async def put_output(request: AnyRequest) -> Response[bytes]:
    """Takes an output that is too large for its report, which then says its SHA-256.

    Needs the host's token, and the lease of the result as `Grid-Lease`. The body is the output's
    canonical JSON in ASCII. Putting the same again is harmless.
    """
    server = server_of(request)
    digest = request.path_params["digest"]
    if not _DIGEST.fullmatch(digest):
        raise bad_field("/digest", "SHA-256 as 64 lower-case hex digits is wanted")
    lease = _lease(request, server)
    limit = server.exchange.output_bytes_max(lease.result_id)
    if limit is None:
        raise not_found("result")
    _check_headers(request, limit)
    store, folder = server.store, server.settings.data_dir / "uploads"
    with server.lines.place(lease.host_id):
        async with received(request.stream(), limit, BODY_LIMIT_S, folder) as body:
            if body.digest != digest:
                raise bad_field("/body", f"these bytes have the digest {body.digest}")
            refusal = await store.awrite(lambda tx: puts.reserve(tx, lease, digest, body.bytes))
            if refusal is not None:
                raise Problem(_CODES.get(refusal, 409), _WORDS.get(refusal, refusal))
            await asyncio.to_thread(store.outputs.put_file, body.path, digest)
    return as_json({"digest": digest, "bytes": body.bytes}, 201, {"Cache-Control": "no-store"})


_CODES: dict[str, int] = {
    Refusal.UNKNOWN_RESULT: 404,
    Refusal.NOT_YOURS: 403,
    Refusal.BAD_LEASE: 403,
}
_WORDS: dict[str, str] = {
    Refusal.UNKNOWN_RESULT: "there is no such result",
    Refusal.NOT_YOURS: "this result is another host's",
    Refusal.BAD_LEASE: "this lease is void",
    Refusal.ALREADY_REPORTED: "this result is over",
    Refusal.TOO_LATE: "the deadline has passed and the work unit is settled",
    puts.TOO_MANY: "too many different outputs were put under this lease",
}


def _lease(request: AnyRequest, server: Server) -> Lease:
    """The lease that allows it; raises Problem."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise unauthorized("wanted: Authorization: Bearer <the host's token>")
    host = server.exchange.authenticate(token.strip(), server.store.now())
    keyring = server.store.keyring
    number = keyring.identifiers.internal(Kind.RESULT, request.path_params["id"])
    if number is None:
        raise not_found("result")
    text = request.headers.get("grid-lease", "")
    lease = leases.verify(keyring.lease_key, text, number, host.id)
    if lease is None:
        raise Problem(403, "Grid-Lease: not a lease of this host for this result")
    return lease


def _check_headers(request: AnyRequest, limit: int) -> None:
    bodies.require_content_type(request, "application/octet-stream")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise bad_field("/content-encoding", "the body must come as it is", 415)
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise bad_field("/body", f"more than {limit:,} bytes", 413)
