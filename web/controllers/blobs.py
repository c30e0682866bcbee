"""This file is where bytes are read by their digest: by reference, not by knowing it."""

from __future__ import annotations

from litestar import Response, get
from litestar.response import Stream

from grid.blobs import ENCODINGS, BlobMissing
from grid.db import listings, queries
from grid.db.listings import Access
from web import blob_links, looks
from web.callers import Caller
from web.problems import AnyRequest, not_found
from web.routes import about
from web.server import Server

#: Bytes of a digest never change; who fetched them is nobody's business, so no shared cache.
KEPT_FOR_EVER = "private, max-age=31536000, immutable"


@get(
    "/blobs/{digest:str}",
    sync_to_thread=True,
    opt=about(
        answer="application/octet-stream",
        query={
            "until": "of a signed link",
            "signature": "of a signed link: opens a private blob for whoever computes on it",
        },
        problems=(404,),
    ),
)
def show_blob(request: AnyRequest) -> Response[bytes] | Stream:
    """Gives the bytes whose SHA-256 this is, if something the caller may read refers to them."""
    server, caller = looks.asked(request)
    digest = request.path_params["digest"]
    with server.store.read() as connection:
        access = listings.access(connection, digest, server.store.now())
    if access is None or not (access.public or _may_read(request, server, caller, access, digest)):
        raise not_found("blob")
    headers = {
        "Cache-Control": KEPT_FOR_EVER,
        "ETag": f'"{digest}"',
        "Content-Disposition": f'attachment; filename="{digest}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    if f'"{digest}' in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    for kept in (server.store.blobs, server.store.outputs):
        try:
            size, pieces = kept.size(digest), kept.stream(digest)
        except BlobMissing:
            continue
        headers |= {"Content-Length": str(size), "Vary": "Accept-Encoding"}
        for encoding in _wanted(request.headers.get("accept-encoding", "")):
            found = kept.encoded(digest, encoding)
            if found is not None:
                size, pieces = found
                headers |= {"Content-Length": str(size), "Content-Encoding": encoding}
                headers["ETag"] = f'"{digest}-{encoding}"'
                break
        return Stream(pieces, media_type="application/octet-stream", headers=headers)
    raise not_found("blob")


def _may_read(
    request: AnyRequest, server: Server, caller: Caller, access: Access, digest: str
) -> bool:
    if caller.admin or {caller.viewer.account_id, _computes_for(server, caller)} & access.owners:
        return True
    if looks.audits(server, caller, access.jobs, access.datasets):
        return True
    until, signature = (request.query_params.get(name, "") for name in ("until", "signature"))
    key, now = server.store.keyring.lease_key, server.store.now()
    return blob_links.opens(key, digest, until, signature, now)


def _computes_for(server: Server, caller: Caller) -> int | None:
    """Whose private jobs the caller may compute: a trusted host, or the token that makes one."""
    if caller.host_id is None:
        return caller.account_id if "trusted_host" in caller.scopes else None
    with server.store.read() as connection:
        host = queries.host(connection, caller.host_id)
    return host.account_id if host is not None and host.trusted else None


def _wanted(accepted: str) -> list[str]:
    """The encodings we keep that a client takes (RFC 9110, section 12.5.3), the best first."""
    taken = set()
    for one in accepted.lower().split(","):
        name, _, weight = one.partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            taken.add(name.strip())
    return [name for name in ENCODINGS if name in taken]
