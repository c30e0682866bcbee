"""This file is where a request is turned away that no handler should have to read.

A Host header that names no host, and a path that names no file or thing, make the framework's own
helpers stumble; here they get the 400 or 404 that they are.
"""

from __future__ import annotations

import re

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from web import problems

#: RFC 3986, section 3.2.2, as far as names are used: letters, digits, dots, or an IP literal.
HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:(\d{1,5}))?")
PORT_MAX = 65_535
#: Longer than any path of ours; shorter than what a file system refuses.
PATH_CHARS_MAX = 1_000


class Gate:
    """Stands before everything."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a readable request through; answer 400 or 404 otherwise."""
        wrong = _wrong(scope) if scope["type"] == "http" else None  # type: ignore[comparison-overlap]
        if wrong is None:
            await self._inner(scope, receive, send)
            return
        said = msgspec.json.encode(problems.body(*wrong))
        headers = [
            (b"content-type", problems.MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(said)),
        ]
        await send({"type": "http.response.start", "status": wrong[0], "headers": headers})
        await send({"type": "http.response.body", "body": said, "more_body": False})


def _wrong(scope: Scope) -> tuple[int, str] | None:
    if len(scope["path"]) > PATH_CHARS_MAX or not scope["path"].isprintable():
        return 404, "this path names nothing"
    for name, value in scope["headers"]:
        if name == b"host":
            found = HOST.fullmatch(value)
            if found is None or (found[3] is not None and int(found[3]) > PORT_MAX):
                return 400, "the Host header names no host"
    return None
