"""This file is where a running server is copied whole, and put back: database, blobs, log, keys.

A backup is a folder: the database as a SQLite file, whichever it was, blobs under their digests,
the log's files, the keys, and a manifest that says what must be there. Whoever can read it can read
everything, so it is made readable by its owner only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
from msgspec import Struct

from grid import __version__
from grid.blobs import BlobMissing, BlobStore
from grid.canonical import digest as digest_of
from grid.db import checking, copying
from grid.db.keyring import FILE_NAME as SECRET
from grid.db.store import Store, database_url
from grid.settings import Settings

DATABASE, MANIFEST = "grid.db", "manifest.json"
#: What is copied as it lies there, while nothing is committed.
FOLDERS = ("log", "signer")
PLACES = ("blobs", "outputs")


class BadBackup(Exception):
    """A backup that cannot be made, or believed; says why."""


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup holds."""

    grid: str
    made_at: int
    rows: dict[str, int]
    #: SHA-256 of every file but blobs, whose names are theirs.
    files: dict[str, str]
    #: Digests by place.
    blobs: dict[str, list[str]]


def make(store: Store, folder: Path) -> Manifest:
    """Copy a server that may be running into an empty or new folder, and verify the copy. What is
    committed meanwhile is in it or not, but whole. Raises BadBackup."""
    if folder.exists() and any(folder.iterdir()):
        raise BadBackup(f"{folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    data = store.settings.data_dir
    with ExitStack() as stack:

        def begin(_transaction: object) -> None:
            """While this writes nobody else does: the log's files fit what the snapshot sees."""
            checking.clock(connection)  # the snapshot begins with what is read first
            for name in FOLDERS:
                if (data / name).exists():
                    shutil.copytree(data / name, folder / name, ignore=_sockets)

        connection = stack.enter_context(store.read())
        store.write(begin)
        shutil.copy2(data / SECRET, folder / SECRET)
        rows = copying.to_file(connection, folder / DATABASE)
    blobs = {
        name: _copy_blobs(kept, BlobStore(folder / name))
        for name, kept in zip(PLACES, (store.blobs, store.outputs), strict=True)
    }
    manifest = Manifest(
        grid=__version__,
        made_at=store.now(),
        rows=rows,
        files={str(path.relative_to(folder)): _hash(path) for path in _files(folder)},
        blobs=blobs,
    )
    path = folder / MANIFEST
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return verify(folder)


def verify(folder: Path) -> Manifest:
    """Read all of a backup. Raises BadBackup, with the first thing that is not as it says."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadBackup(f"{folder / MANIFEST}: {error}") from error
    for name, said in manifest.files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            raise BadBackup(f"{name} is missing")
        if _hash(path) != said:
            raise BadBackup(f"{name} has changed")
    for place, digests in manifest.blobs.items():
        kept = BlobStore(folder / place)
        for digest in digests:
            try:
                same = digest_of(kept.get(digest)) == digest
            except BlobMissing:
                raise BadBackup(f"{place}: {digest} is missing") from None
            if not same:
                raise BadBackup(f"{place}: {digest} has changed")
    return manifest


def restore(folder: Path, settings: Settings) -> Manifest:
    """Put a backup into an empty data folder and an empty database, of either kind, and its blobs
    where the settings keep them. Raises BadBackup and NotEmpty; nothing was begun then."""
    manifest = verify(folder)
    data = settings.data_dir
    if (data / SECRET).exists():
        raise BadBackup(f"{data} holds a server already; restore into an empty folder")
    data.mkdir(parents=True, exist_ok=True)
    rows = copying.from_file(folder / DATABASE, database_url(settings))
    wrong = [name for name, count in manifest.rows.items() if rows.get(name) != count]
    if wrong:
        raise BadBackup(f"the database has other rows than the backup says: {', '.join(wrong)}")
    for place in PLACES:
        _copy_blobs(BlobStore(folder / place), BlobStore(data / place, settings.blob_url))
    for name in FOLDERS:
        if (folder / name).exists():
            shutil.copytree(folder / name, data / name)
    shutil.copy2(folder / SECRET, data / SECRET)  # last: with it, it is a server
    return manifest


def _copy_blobs(source: BlobStore, target: BlobStore) -> list[str]:
    done = []
    for digest in source.digests():
        try:
            data = source.get(digest)
        except BlobMissing:  # a leftover that was deleted meanwhile
            continue
        if digest_of(data) != digest:
            raise BadBackup(f"the blob {digest} is broken where it is kept")
        done.append(target.put(data))
    return sorted(done)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).parts[0] not in PLACES:
            yield path


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sockets(folder: str, names: list[str]) -> list[str]:
    """What is no file or folder."""
    paths = {one: Path(folder) / one for one in names}
    return [one for one, path in paths.items() if not path.is_file() and not path.is_dir()]
