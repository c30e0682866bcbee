"""This file is where simulated hosts speak HTTP over plain sockets, as thinly as they can.

A full HTTP client costs more than the server it measures; this one writes a request's bytes and
reads the answer's.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Json = Any


class Connection:
    """One kept-alive HTTP/1.1 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: bytes) -> bytes:
        """The body of the answer; raises RuntimeError unless it is a success."""
        self._writer.write(
            b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        answer = await self._reader.readexactly(length)
        if head[9:10] != b"2":
            raise RuntimeError(f"{path}: {head[:40]!r} {answer[:300]!r}")
        return answer

    def close(self) -> None:
        self._writer.close()


class Host:
    """One connection that speaks for one or two enrolled hosts in turn.

    A single host can never reach quorum 2 alone, so the benchmark with one connection gives it
    two names.
    """

    def __init__(self, connection: Connection, tokens: Sequence[str], batch: int) -> None:
        self.connection, self._tokens, self._batch = connection, tokens, batch
        self._held: list[list[Json]] = [[] for _ in tokens]
        self._turn = 0
        self.results = 0
        self.refused = 0

    async def exchange(self, output: str) -> bytes:
        """Report what is held, ask for as much again; the bytes that were sent."""
        place = self._turn = (self._turn + 1) % len(self._tokens)
        reports = [
            {
                "result_id": one["result_id"],
                "lease": one["lease"],
                "outcome": "success",
                "output": output,
                "elapsed_ms": 1,
            }
            for one in self._held[place]
        ]
        body = json.dumps(
            {
                "protocol": 1,
                "token": self._tokens[place],
                "reports": reports,
                "want": self._batch,
            }
        ).encode()
        answer = json.loads(await self.connection.post("/api/v1/work", body))
        self._held[place] = answer["assignments"]
        self.results += sum(one["accepted"] for one in answer["reports"])
        self.refused += sum(not one["accepted"] for one in answer["reports"])
        return body


async def rate(steps: Sequence[Callable[[], Awaitable[object]]], seconds: float) -> float:
    """Requests a second when every step is repeated, all at once, for this long."""
    count = 0
    end = time.perf_counter() + seconds

    async def repeat(step: Callable[[], Awaitable[object]]) -> None:
        nonlocal count
        while time.perf_counter() < end:
            await step()
            count += 1

    started = time.perf_counter()
    await asyncio.gather(*(repeat(step) for step in steps))
    return count / (time.perf_counter() - started)
