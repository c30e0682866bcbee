"""This file is where requests are refused that come too often, and bodies that come too slowly.

It stands before the framework, so that what it turns away costs nothing but being counted.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from web import problems
from web.problems import Problem
from web.public_view import API
from web.server import Server

#: Seconds that a body may take in all: the largest that a spec or a batch of reports may be, over a
#: line of a megabit.
BODY_S = 90.0
#: Uploads may take as long as they need, while a piece comes within so many seconds.
PIECE_S = 30.0
UPLOADS = (f"{API}/datasets", f"{API}/results/", "/datasets/new")


class Pace:
    """Stands before everything but the gate."""

    def __init__(self, inner: ASGIApp, body_s: float = BODY_S, piece_s: float = PIECE_S) -> None:
        self._inner, self._body_s, self._piece_s = inner, body_s, piece_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer 429 or 408."""
        if scope["type"] != "http":  # type: ignore[comparison-overlap]
            await self._inner(scope, receive, send)
            return
        begun = False

        async def sending(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        server: Server = scope["litestar_app"].state["server"]
        slow = _Slow(receive, self._piece_s, None if _uploads(scope) else self._body_s)
        try:
            await server.rates.request(scope)
            await self._inner(scope, slow.receive, sending)
        except Problem as problem:  # the framework answers its own
            if begun:
                raise
            await _refuse(problem, send)


class _Slow:
    """A body that must come in time; what comes after it may take for ever."""

    def __init__(self, receive: Receive, piece_s: float, body_s: float | None) -> None:
        self._receive, self._piece_s, self._over = receive, piece_s, False
        self._until = None if body_s is None else time.monotonic() + body_s

    async def receive(self) -> Any:
        if self._over:
            return await self._receive()
        left = self._piece_s
        if self._until is not None:
            left = min(left, self._until - time.monotonic())
        try:
            async with asyncio.timeout(max(left, 0.0)):
                message = await self._receive()
        except TimeoutError as error:
            raise Problem(408, "the body did not come in time") from error
        self._over = not (message["type"] == "http.request" and message.get("more_body"))
        return message


def _uploads(scope: Scope) -> bool:
    return scope["path"].startswith(UPLOADS)


async def _refuse(problem: Problem, send: Send) -> None:
    said = msgspec.json.encode(problems.body(problem.code, problem.detail))
    headers = [
        (b"content-type", problems.MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(said)),
        (b"x-content-type-options", b"nosniff"),
        *((name.lower().encode(), text.encode()) for name, text in problem.headers.items()),
    ]
    await send({"type": "http.response.start", "status": problem.code, "headers": headers})
    await send({"type": "http.response.body", "body": said, "more_body": False})
