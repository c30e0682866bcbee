"""This file is where a requester is told that there is no more room: theirs, or the server's."""

from __future__ import annotations

import shutil

from litestar import Response, get

from grid.db import allowances
from grid.db.transaction import Transaction
from web import looks, public_view
from web.answers import as_json
from web.callers import Caller, require
from web.problems import AnyRequest, Problem
from web.public_view import API
from web.routes import about
from web.server import Server

#: What can be said when the disk is full (RFC 4918, section 11.5).
FULL = 507


def require_room(server: Server, transaction: Transaction, caller: Caller) -> None:
    """Raise 409 when the caller has more of something than a requester may, counted within the
    transaction that has just added it. Admins may have any number."""
    if caller.admin or caller.account_id is None:
        return
    used, limits = allowances.used(transaction.connection, caller.account_id), server.settings
    if used.open_jobs > limits.open_jobs_max:
        told = f"{limits.open_jobs_max:,} jobs of yours are open, which is as many as may be"
        raise Problem(409, f"{told}: wait until one has ended, or cancel one")
    if used.open_workunits > limits.open_workunits_max:
        told = f"your open jobs would have {used.open_workunits:,} work units"
        raise Problem(409, f"{told}, and {limits.open_workunits_max:,} is as many as may be")
    if used.stored_bytes > limits.stored_bytes_max:
        told = f"your data sets would take {used.stored_bytes:,} bytes"
        raise Problem(409, f"{told}, and {limits.stored_bytes_max:,} is as many as may be")


def require_disk(server: Server, bytes_more: int = 0) -> None:
    """Raise 507 when the disk would be too full for what runs to end."""
    free = shutil.disk_usage(server.settings.data_dir).free
    if free - bytes_more < server.settings.free_bytes_min:
        raise Problem(
            FULL, "the server's disk is nearly full: it takes nothing until there is room"
        )


@get("/usage", sync_to_thread=True, opt=about(problems=(401, 403)))
def show_usage(request: AnyRequest) -> Response[bytes]:
    """Shows what the caller has of what requesters may have, and how much that is."""
    server, caller = looks.asked(request)
    account_id = require(caller, "requester", "admin")
    with server.store.read() as connection:
        used = allowances.used(connection, account_id)
    limits = server.settings
    pairs = {
        "open_jobs": (used.open_jobs, limits.open_jobs_max),
        "open_workunits": (used.open_workunits, limits.open_workunits_max),
        "stored_bytes": (used.stored_bytes, limits.stored_bytes_max),
    }
    said = {
        name: {"used": have, "limit": None if caller.admin else limit}
        for name, (have, limit) in pairs.items()
    }
    return as_json({**said, "_links": {"self": public_view.link(f"{API}/usage")}})
