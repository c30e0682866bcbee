"""This file is where an answer card is made: one document with a figure that checks itself.

Any site may frame it, and it may be kept as a file: script and style are inside.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from litestar import Response, get

from grid import chunks
from grid.db import leaves, listings
from grid.identifiers import Kind
from web import bodies, looks, public_view, render
from web.addresses import server_origin
from web.controllers.outputs import output_batches
from web.problems import AnyRequest, Problem, not_found
from web.public_view import API

SCRIPT = Path(__file__).parents[1] / "static" / "client" / "card.js"
STYLE = Path(__file__).parents[1] / "static" / "card.css"
#: Rows that a card shows; whoever wants more opens the job's page.
ROWS_MAX = 10


def policy(nonce: str, sandbox_origin: str) -> str:
    """The Content-Security-Policy of a card: its own script and style, its server, any site
    around it."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        f"connect-src 'self'; frame-src 'self' {sandbox_origin}".rstrip()
        + "; base-uri 'none'; form-action 'none'; frame-ancestors *"
    )


@get("/answer/{id:str}", sync_to_thread=True)
def show_card(request: AnyRequest) -> Response[str]:
    """An answer card: a job's figure and spec, and a button by which its reader checks them. With
    `?download=true` as a file to keep."""
    server, caller = looks.asked(request)
    bodies.allow_query(request, "download")
    facts = looks.find_job(server, caller, request.path_params["id"])
    view = looks.job_views(server, [facts])[0]
    if not facts.job.public or not public_view.is_open(facts.job, server.store.now()):
        raise Problem(409, "there is a card once a public job's seal has opened")
    if not view["outputs"]:
        raise Problem(409, "the job has no output, so there is nothing to show on a card")
    try:
        script = SCRIPT.read_text("utf-8")
    except FileNotFoundError as error:
        raise not_found("card: the client was not built") from error
    output = view["outputs"][0]
    address = server_origin(request, server.settings)
    with server.store.read() as connection:
        keys = leaves.announced(connection, leaves.LOG)
        made = listings.outputs(connection, [facts.job.id])[facts.job.id][0]
    batch = next(output_batches(server, facts, made.output_version), None)
    rows = [] if batch is None else [batch.slice(0, ROWS_MAX)]
    shown = json.loads(b"".join(chunks.write_json(facts.output_columns, rows)))
    card: dict[str, Any] = {
        "server": address,
        "sandbox": server.settings.sandbox_origin or address,
        "job": server.names.of(Kind.JOB, facts.job.id),
        "version": output["version"],
        "manifest": output["manifest"],
        "keys": keys,
        "spec": view["spec"],
        "rows": shown["rows"],
    }
    nonce = secrets.token_urlsafe(18)
    page = {
        "job": view,
        "card": card,
        "facts": json.dumps(card, ensure_ascii=False).replace("<", "\\u003c"),
        "output": output,
        "script": script,
        "style": STYLE.read_text("utf-8"),
        "nonce": nonce,
        "manifest_link": f"{API}/blobs/{output['manifest']}",
    }
    headers = {"Content-Security-Policy": policy(nonce, server.settings.sandbox_origin)}
    if bodies.convert_query(request, "download", bool) is True:
        headers["Content-Disposition"] = f'attachment; filename="{card["job"]}.html"'
    return render.page("card.html", page, headers=headers)


HANDLERS = (show_card,)
