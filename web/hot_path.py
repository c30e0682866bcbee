"""This file is where `/work` skips the framework's layers: the same exchange, in raw ASGI.

Only what goes well is answered here. What is refused before anything was done goes to the
framework's own route with the body put back in front, so that errors are worded in one place.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from grid.db.writer import Closed
from web import problems
from web.addresses import address_behind
from web.headers import API_POLICY, SIMPLE, WHOLE
from web.problems import Problem
from web.public_view import API
from web.server import Server

PATH = f"{API}/work"

HEADERS = [
    (name.lower().encode(), value.encode())
    for name, value in {
        **SIMPLE,
        "Content-Type": "application/json",
        "Content-Security-Policy": API_POLICY,
        "Cache-Control": "no-store",
        "Access-Control-Allow-Origin": "*",
    }.items()
]


class HotPath:
    """Stands before the framework's own handler."""

    def __init__(self, inner: ASGIApp, body_bytes_max: int) -> None:
        self._inner, self._body_bytes_max = inner, body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an exchange that goes well; leave all else to the framework."""
        if scope.get("method") != "POST" or scope["path"] != PATH:
            await self._inner(scope, receive, send)
            return
        read: list[Any] = []
        answer = None
        body = await self._whole_body(receive, read)
        if body is not None:
            server: Server = scope["litestar_app"].state["server"]
            try:
                address = address_behind(scope, server.settings)
                answer = await server.exchange.work(body, address, receive)
            except (Problem, Closed):  # nothing was done; the framework's route words it
                answer = None
            except Exception as error:
                problems.log_failure("POST", PATH, error)
                await _fail(send)
                return
        if answer is None:
            await self._inner(scope, _again(read, receive), send)
            return
        scope[WHOLE] = True  # type: ignore[literal-required]
        headers = [*HEADERS, (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer, "more_body": False})

    async def _whole_body(self, receive: Receive, read: list[Any]) -> bytes | None:
        """The request's body, or None when it is too long or does not come."""
        body = b""
        while True:
            message = await receive()
            read.append(message)
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > self._body_bytes_max:
                return None
            if not message.get("more_body"):
                return body


async def _fail(send: Send) -> None:
    """A bug of ours. What was done stays done: asking again is harmless."""
    said = msgspec.json.encode(problems.body(500, problems.OUR_FAULT))
    headers = [(b"content-type", problems.MEDIA_TYPE.encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": said, "more_body": False})


def _again(read: list[Any], receive: Receive) -> Receive:
    """What was read, then whatever follows."""
    waiting = iter(read)

    async def receive_again() -> Any:
        message = next(waiting, None)
        return await receive() if message is None else message

    return receive_again
