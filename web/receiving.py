"""This file is where a body of bytes streams into a temporary file, counted and hashed."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from web.problems import Problem, bad_field

#: Bodies that come at once from one host, and from all: each holds a file and a connection.
PUTS_PER_HOST_MAX = 8
PUTS_MAX = 256
STALE_S = 86_400


class Received(Struct, frozen=True, kw_only=True):
    """A file, and what is in it."""

    path: Path
    bytes: int
    digest: str


@asynccontextmanager
async def received(
    pieces: AsyncIterator[bytes], bytes_max: int, limit_s: float, folder: Path
) -> AsyncIterator[Received]:
    """The body as a file in `folder`, which is gone afterwards.

    Holds one piece in memory. Raises Problem: 413 past `bytes_max`, 408 past `limit_s`.
    """
    folder.mkdir(exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix="upload-")
    try:
        total, sha256 = 0, hashlib.sha256()
        with os.fdopen(descriptor, "wb") as file:
            try:
                async with asyncio.timeout(limit_s):
                    async for piece in pieces:
                        total += len(piece)
                        if total > bytes_max:
                            raise bad_field("/body", f"more than {bytes_max:,} bytes", 413)
                        sha256.update(piece)
                        file.write(piece)
            except TimeoutError as error:
                raise Problem(408, f"the body did not come within {limit_s:g} s") from error
        yield Received(path=Path(name), bytes=total, digest=sha256.hexdigest())
    finally:
        os.unlink(name)


def sweep(folder: Path, now: float) -> None:
    """Delete what a killed server left half received: no body takes a day."""
    for path in folder.glob("upload-*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < now - STALE_S:
                path.unlink()


class Lines:
    """Whose bodies are on their way."""

    def __init__(self) -> None:
        self._by_host: Counter[int] = Counter()

    @contextmanager
    def place(self, host_id: int) -> Iterator[None]:
        """A place for one more; raises Problem 429 or 503 where there is none."""
        if self._by_host[host_id] >= PUTS_PER_HOST_MAX:
            raise Problem(
                429, "too many outputs of this host at once", headers={"Retry-After": "5"}
            )
        if self._by_host.total() >= PUTS_MAX:
            raise Problem(503, "too many outputs come in at once", headers={"Retry-After": "5"})
        self._by_host[host_id] += 1
        try:
            yield
        finally:
            self._by_host[host_id] -= 1
            if not self._by_host[host_id]:
                del self._by_host[host_id]
