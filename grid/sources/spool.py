"""This file is where an upload streams into a temporary file, counted, hashed and proved UTF-8."""

from __future__ import annotations

import codecs
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from grid.sources.error import SourceError, TooLarge


class Upload(Struct, frozen=True, kw_only=True):
    """A file of UTF-8 text, without a byte order mark."""

    path: Path
    #: Bytes and SHA-256 of what was sent, byte order mark included.
    byte_count: int
    source_digest: str


@asynccontextmanager
async def spool(
    pieces: AsyncIterator[bytes], bytes_max: int, folder: Path
) -> AsyncIterator[Upload]:
    """The upload as a file in `folder`, which is gone afterwards.

    Holds one piece in memory. Raises SourceError("/body") as soon as the bytes stop being UTF-8,
    with the offset of the first that is not, and TooLarge past `bytes_max`.
    """
    descriptor, name = tempfile.mkstemp(dir=folder, prefix="upload-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            check = _Check(bytes_max)
            async for piece in pieces:
                file.write(check.feed(piece))
            file.write(check.end())
        yield Upload(
            path=Path(name), byte_count=check.byte_count, source_digest=check.hash.hexdigest()
        )
    finally:
        os.unlink(name)


class _Check:
    """What must hold of the bytes while they pass."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.byte_count = 0
        self.hash = hashlib.sha256()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._start = b""

    def feed(self, piece: bytes) -> bytes:
        """What of these bytes belongs to the text."""
        self._decode(piece, final=False)
        fresh = self.byte_count < len(codecs.BOM_UTF8)
        self.byte_count += len(piece)
        if self.byte_count > self.bytes_max:
            raise TooLarge("/body", f"more than {self.bytes_max:,} bytes")
        self.hash.update(piece)
        if not fresh:
            return piece
        self._start += piece
        return b"" if len(self._start) < len(codecs.BOM_UTF8) else self._settle()

    def end(self) -> bytes:
        """What was held back; raises SourceError where the text ends within a character."""
        self._decode(b"", final=True)
        return self._settle()

    def _settle(self) -> bytes:
        start, self._start = self._start.removeprefix(codecs.BOM_UTF8), b""
        return start

    def _decode(self, piece: bytes, *, final: bool) -> None:
        pending = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            offset = self.byte_count - pending + error.start
            raise SourceError("/body", f"not UTF-8: {error.reason} at byte {offset:,}") from error
