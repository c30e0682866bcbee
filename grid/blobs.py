"""This file is where bytes are kept under their SHA-256, in a local folder (obstore).

The bytes of a blob never change, so writing one twice is harmless and reading needs no lock.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import obstore
from obstore.store import LocalStore

from grid.canonical import digest as digest_of

#: Bytes read at a time when a blob is streamed: large enough that the reads cost nothing.
PIECE_BYTES = 256 * 1024

_DIGEST = re.compile(r"[0-9a-f]{64}")


class BlobMissing(KeyError):
    """No blob has this digest, or it is not a digest."""


class BlobStore:
    """Content-addressed bytes in `folder`: the blob `abcd…` is the file `ab/cd…`.

    What `put` or `put_many` returned is on the disk, folders included, and survives a power cut.
    Safe to share between threads and processes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._store = LocalStore(self.folder, mkdir=True)

    def put(self, data: bytes) -> str:
        """Keep `data`; its digest."""
        return self.put_many([data])[0]

    def put_many(self, blobs: Iterable[bytes]) -> list[str]:
        """Keep each of `blobs`; their digests in order. Cheaper than one `put` for each."""
        written: set[str] = set()
        digests = [self._write(data, written) for data in blobs]
        paths = [self.folder / _key(digest) for digest in sorted(written)]
        for path in paths:
            _sync(path)
        for folder in {path.parent for path in paths}:
            _sync(folder)
        if paths:
            _sync(self.folder)
        return digests

    def put_file(self, path: Path, digest: str) -> None:
        """Keep the bytes of a file, whose SHA-256 the caller knows."""
        obstore.put(self._store, _key(digest), path)
        kept = self.folder / _key(digest)
        for one in (kept, kept.parent, self.folder):
            _sync(one)

    def get(self, digest: str) -> bytes:
        """The whole blob. Raises BlobMissing."""
        return b"".join(self.stream(digest))

    def stream(self, digest: str) -> Iterator[bytes]:
        """The blob in pieces. Raises BlobMissing here, before the first piece."""
        try:
            found = obstore.get(self._store, _key(digest))
        except FileNotFoundError as error:
            raise BlobMissing(digest) from error
        return (bytes(piece) for piece in found.stream(min_chunk_size=PIECE_BYTES))

    def size(self, digest: str) -> int:
        """How many bytes it has. Raises BlobMissing."""
        try:
            return obstore.head(self._store, _key(digest))["size"]
        except FileNotFoundError as error:
            raise BlobMissing(digest) from error

    def delete(self, digest: str) -> None:
        """Forget the blob; one that is not there is forgotten already."""
        try:
            obstore.delete(self._store, _key(digest))
        except FileNotFoundError:
            return

    def _write(self, data: bytes, written: set[str]) -> str:
        """Write even over a blob that is there: a power cut may have left it without its bytes."""
        digest = digest_of(data)
        if digest not in written:
            obstore.put(self._store, _key(digest), data)
            written.add(digest)
        return digest


def _key(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise BlobMissing(digest)
    return f"{digest[:2]}/{digest[2:]}"


def _sync(path: Path) -> None:
    """Force a file or folder to the disk, which obstore's local backend does not do."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
