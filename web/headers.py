"""This file is where every answer gets the headers that keep browsers strict.

What a handler says itself stands. CORS is open for volunteers and for reading what is public;
submitting from another site's page is not.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from web.public_view import API, LOG
from web.routes import methods_at

#: POSTs that any page may make, and where it may put outputs: a volunteer's.
OPEN_POSTS = (f"{API}/hosts", f"{API}/work")
#: And a reader's: an answer card may be a file.
CHECKS = re.compile(rf"{API}/jobs/[^/]+/checks")
OPEN_PUTS = f"{API}/results/"
PREFLIGHT_AGE_S = 86_400

API_POLICY = "default-src 'none'; frame-ancestors 'none'"

#: Two years (RFC 6797), for a server that says it is reached by TLS; no word of its neighbours.
HSTS = "max-age=63072000"
SIMPLE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Permitted-Cross-Domain-Policies": "none",
}

#: Set in the scope of an answer that has all its headers.
WHOLE = "grid_headers_whole"

Hook = Callable[[Message, Scope], Awaitable[None]]


def cors_methods(path: str) -> str | None:
    """The methods that pages of other origins may use on a path; None where they may not."""
    if path in OPEN_POSTS or CHECKS.fullmatch(path):
        return "POST"
    if path.startswith(OPEN_PUTS):
        return "PUT"
    closed = path.startswith(f"{API}/admin")
    return "GET" if path.startswith((API, f"{LOG}/", "/sandbox/")) and not closed else None


async def add_headers(message: Message, scope: Scope) -> None:
    """Called before each message of an answer is sent."""
    if message["type"] != "http.response.start" or WHOLE in scope:
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in SIMPLE.items():
        headers.setdefault(name, value)
    if scope["litestar_app"].state["server"].settings.public_url.startswith("https://"):
        headers.setdefault("Strict-Transport-Security", HSTS)
    path = scope["path"]
    if path.startswith((API, f"{LOG}/")):
        headers.setdefault("Content-Security-Policy", API_POLICY)
    method = str(scope.get("method"))
    if method == "OPTIONS" and message["status"] < 400:
        # The framework's own knows the first handler of a path only.
        headers["Allow"] = methods_at(scope["litestar_app"].routes, path)
    methods = cors_methods(path)
    if methods is None:
        return
    if method == "OPTIONS":
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Access-Control-Allow-Methods"] = methods
        headers["Access-Control-Allow-Headers"] = "Content-Type, Authorization, Grid-Lease"
        headers["Access-Control-Max-Age"] = str(PREFLIGHT_AGE_S)
    elif method in methods:
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"
