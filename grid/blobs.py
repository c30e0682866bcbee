"""This file is where bytes are kept under their SHA-256: in a folder, or in S3 (obstore).

The bytes of a blob never change, so writing one twice is harmless and reading needs no lock.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import obstore
import pyarrow as pa
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from grid.canonical import digest as digest_of

#: Bytes read at a time when a blob is streamed: large enough that the reads cost nothing.
PIECE_BYTES = 256 * 1024

_DIGEST = re.compile(r"[0-9a-f]{64}")


#: Seconds for which object storage is asked again before a request fails.
RETRY_S = 10
#: Blobs beyond this are sent as they are: to encode one, all of it must be in memory.
ENCODED_BYTES_MAX = 16 << 20
#: What is stored encoded must be so much smaller, or it costs more than it saves.
WORTH_IT = 0.9
#: Of zlib: half the size of the default's time, for 2 % more bytes.
GZIP_LEVEL = 5


def _zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=GZIP_LEVEL, mtime=0)


#: HTTP's names of encodings that blobs are kept in, the best first.
ENCODINGS: Mapping[str, Callable[[bytes], bytes]] = {"zstd": _zstd, "gzip": _gzip}


class BlobMissing(KeyError):
    """No blob has this digest, or it is not a digest."""


class BlobsUnreachable(OSError):
    """Where blobs are kept does not take or give any; says why."""


class BlobStore:
    """Content-addressed bytes: the blob `abcd…` is the file, or object, `ab/cd…` below `folder`, or
    below its name in `url` where one is given (`s3://bucket/prefix`).

    What `put` or `put_many` returned survives a power cut: files are on the disk, folders included,
    and object storage keeps what it has taken. Large ones go there in parts. Safe to share between
    threads and processes.
    """

    def __init__(self, folder: Path, url: str = "") -> None:
        #: None where they are no files.
        self.folder: Path | None = None
        self._store: LocalStore | S3Store
        if url:
            self._store = S3Store.from_url(
                f"{url.rstrip('/')}/{folder.name}",
                retry_config={"retry_timeout": timedelta(seconds=RETRY_S)},
            )
        else:
            self.folder = folder.resolve()
            self._store = LocalStore(self.folder, mkdir=True)

    def check(self) -> None:
        """Write, read and delete a few bytes; raises BlobsUnreachable."""
        name, said = f"check/{os.urandom(8).hex()}", b"ready"
        try:
            obstore.put(self._store, name, said)
            same = bytes(obstore.get(self._store, name).bytes()) == said
            obstore.delete(self._store, name)
        except (BaseError, OSError) as error:
            raise BlobsUnreachable(type(error).__name__) from error
        if not same:
            raise BlobsUnreachable("what was written is not what is read")

    def put(self, data: bytes) -> str:
        """Keep `data`; its digest."""
        return self.put_many([data])[0]

    def put_many(self, blobs: Iterable[bytes]) -> list[str]:
        """Keep each of `blobs`; their digests in order. Cheaper than one `put` for each."""
        written: set[str] = set()
        digests = [self._write(data, written) for data in blobs]
        if self.folder is None:
            return digests
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
        if self.folder is None:
            return
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

    def encoded(self, digest: str, encoding: str) -> tuple[int, Iterator[bytes]] | None:
        """The size and the pieces of the blob in an encoding of `ENCODINGS`, which it is brought
        into once and then kept in; None where that would save nothing. Raises BlobMissing."""
        name = f"{_key(digest)}.{encoding}"
        try:
            found = obstore.get(self._store, name)
        except FileNotFoundError:
            if self.size(digest) > ENCODED_BYTES_MAX:
                return None
            data = self.get(digest)
            made = ENCODINGS[encoding](data)
            # An empty one says that it is not worth it. Lost bytes of it are made again.
            kept = made if len(made) <= WORTH_IT * len(data) else b""
            obstore.put(self._store, name, kept)
            return (len(kept), iter((kept,))) if kept else None
        size = found.meta["size"]
        pieces = (bytes(piece) for piece in found.stream(min_chunk_size=PIECE_BYTES))
        return (size, pieces) if size else None

    def digests(self) -> Iterator[str]:
        """Every blob there is."""
        for several in obstore.list(self._store):
            for one in several:
                digest = one["path"].replace("/", "")
                if _DIGEST.fullmatch(digest):
                    yield digest

    def delete(self, digest: str) -> None:
        """Forget the blob; one that is not there is forgotten already."""
        for name in (*(f"{_key(digest)}.{one}" for one in ENCODINGS), _key(digest)):
            with suppress(FileNotFoundError):
                obstore.delete(self._store, name)

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
