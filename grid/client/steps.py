"""This file is where what a client does is taken a step at a time, by threads or by an event loop.

What is to be done is a generator: it yields an `Ask` and gets the answer, or a `Pause` and gets
nothing. How a request is tried again is a generator too. So `Driver` and `AsyncDriver` know two
things only: how to send, and how to wait.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import httpx
from msgspec import Struct

from grid.client.errors import GridError, Unreachable, refused

T = TypeVar("T")

API = "/api/v1"
#: What may go better in a moment: too often, or a server that starts, stops or is behind another.
AGAIN = frozenset({429, 502, 503, 504})
#: Pauses between tries double from the first to the last, give or take a half.
FIRST_PAUSE_S, LAST_PAUSE_S = 0.2, 10.0
CONNECT_S, ANSWER_S = 10.0, 60.0

#: Makes the body anew for each try.
Body = Callable[[], Iterable[bytes]]


class Ask(Struct, kw_only=True):
    """A request. A POST comes with a key by which the server knows it again, so it may be sent
    twice and is done once."""

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    json: Any = None
    body: Body | None = None
    #: Whether the answer is wanted as it came, also where it is JSON.
    raw: bool = False


class Pause(Struct):
    """Nothing, for so many seconds."""

    seconds: float


Steps = Generator[Ask | Pause, Any, T]
#: What a driver is to send, or how long it is to wait; it gets the answer or what went wrong.
_Moves = Generator[dict[str, Any] | float, httpx.Response | Exception | None, T]


def _moves(steps: Steps[T], tries: int) -> _Moves[T]:
    said: Any = None
    while True:
        try:
            step = steps.send(said)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        if isinstance(step, Pause):
            yield step.seconds
            said = None
        else:
            said = yield from _tried(step, tries)


def _tried(ask: Ask, tries: int) -> _Moves[Any]:
    """The answer to a request, which is sent again while that may help."""
    headers = {"Accept": "application/json"}
    if ask.method == "POST":
        headers["Idempotency-Key"] = uuid.uuid4().hex
    pause_s = FIRST_PAUSE_S
    for left in range(tries - 1, -1, -1):
        answer = yield _request(ask, headers)
        if isinstance(answer, httpx.Response) and (answer.status_code not in AGAIN or not left):
            return _read(ask, answer)
        if not left:
            assert isinstance(answer, Exception)
            raise Unreachable(f"no answer: {answer or type(answer).__name__}") from answer
        # Which of many clients comes first need not be a secret.
        wait_s = pause_s * random.uniform(0.5, 1.5)  # noqa: S311
        yield max(wait_s, _asked_for(answer))
        pause_s = min(2 * pause_s, LAST_PAUSE_S)
    raise AssertionError("there is at least one try")


def _asked_for(answer: httpx.Response | Exception | None) -> float:
    said = answer.headers.get("retry-after", "") if isinstance(answer, httpx.Response) else ""
    return float(said) if said.isdecimal() else 0.0


def _request(ask: Ask, headers: dict[str, str]) -> dict[str, Any]:
    path = ask.path if ask.path.startswith("/") else f"{API}/{ask.path}"
    sent: dict[str, Any] = {"method": ask.method, "url": path, "params": ask.query}
    if ask.json is not None:
        sent["json"] = ask.json
    if ask.body is not None:
        sent["content"] = ask.body()
        headers["Content-Type"] = "text/csv"
    return {**sent, "headers": headers}


def _read(ask: Ask, answer: httpx.Response) -> Any:
    kind = answer.headers.get("content-type", "").partition(";")[0]
    said = None
    if kind.endswith("json"):
        try:
            said = answer.json()
        except ValueError as error:
            raise GridError(f"{ask.path}: no JSON came") from error
    if answer.status_code >= 400:
        raise refused(answer.status_code, said, answer.text)
    return answer.content if said is None or ask.raw else said


def _settings(url: str, token: str | None) -> dict[str, Any]:
    headers = {"User-Agent": "grid-compute"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    limits = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
    return {"base_url": url.rstrip("/"), "headers": headers, "timeout": limits}


class Driver:
    """Takes steps in the calling thread."""

    def __init__(self, url: str, token: str | None, tries: int, **transport: Any) -> None:
        self._tries = tries
        self._http = httpx.Client(**_settings(url, token), **transport)

    def close(self) -> None:
        """End its connections."""
        self._http.close()

    def take(self, steps: Steps[T]) -> T:
        """All of them; what comes of it. Raises GridError."""
        moves = _moves(steps, self._tries)
        said: httpx.Response | Exception | None = None
        while True:
            try:
                move = moves.send(said)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            if isinstance(move, float):
                time.sleep(move)
                said = None
                continue
            try:
                said = self._http.request(**move)
            except httpx.TransportError as error:
                said = error


class AsyncDriver:
    """Takes steps in an event loop."""

    def __init__(self, url: str, token: str | None, tries: int, **transport: Any) -> None:
        self._tries = tries
        self._http = httpx.AsyncClient(**_settings(url, token), **transport)

    async def close(self) -> None:
        """End its connections."""
        await self._http.aclose()

    async def take(self, steps: Steps[T]) -> T:
        """All of them; what comes of it. Raises GridError."""
        moves = _moves(steps, self._tries)
        said: httpx.Response | Exception | None = None
        while True:
            try:
                move = moves.send(said)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            if isinstance(move, float):
                await asyncio.sleep(move)
                said = None
                continue
            if "content" in move:
                move = {**move, "content": _in_a_thread(iter(move["content"]))}
            try:
                said = await self._http.request(**move)
            except httpx.TransportError as error:
                said = error


async def _in_a_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Pieces that may come from a disk."""
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
