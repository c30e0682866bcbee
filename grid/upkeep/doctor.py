"""This file is where a server is asked what is wrong with it, from its settings to its log."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from grid.blobs import BlobMissing, BlobsUnreachable
from grid.canonical import digest as digest_of
from grid.db import checking, leaves, published
from grid.db.keyring import FILE_NAME as SECRET
from grid.db.store import Store

#: A clock that differs so much from the database's makes deadlines wrong that count in minutes.
CLOCK_S_MAX = 5
#: Free disk below which a grid may stand still before anybody looks.
FREE_BYTES_MIN = 1 << 30
#: Blobs that are read again, evenly over all digests.
BLOBS_READ_MAX = 200


class Finding(Struct, frozen=True):
    """What was looked at, and what is wrong with it: "" for nothing."""

    what: str
    wrong: str
    seen: str = ""


def examine(store: Store) -> Iterator[Finding]:
    """Look at everything; a look that fails is a finding."""
    looks: tuple[tuple[str, Callable[[Store], str]], ...] = (
        ("settings", _settings),
        ("database", _database),
        ("clock", _clock),
        ("blobs", _blobs),
        ("disk", _disk),
        ("keys", _keys),
        ("log", _log),
    )
    for what, look in looks:
        try:
            yield Finding(what, "", look(store))
        except Wrong as error:
            yield Finding(what, str(error))
        except Exception as error:
            yield Finding(what, f"could not be looked at: {type(error).__name__}: {error}")


class Wrong(Exception):
    """Something is not as it should be; says what, and what to do."""


def _settings(store: Store) -> str:
    chosen = store.settings
    if chosen.host not in ("127.0.0.1", "::1", "localhost") and not chosen.public_url:
        raise Wrong("GRID_HOST is open to others, and GRID_PUBLIC_URL does not say by what name")
    if chosen.public_url.startswith("https://") and not chosen.trusted_proxies:
        raise Wrong("behind a proxy, GRID_TRUSTED_PROXIES must name it, or all hosts are one")
    changed = sorted(name for name in chosen.model_fields_set)
    return f"{len(changed)} chosen: {', '.join(changed)}" if changed else "all by default"


def _database(store: Store) -> str:
    with store.read() as connection:
        rows, kind = checking.rows(connection), connection.dialect.name
        wrong = checking.not_whole(connection)
    if wrong:
        raise Wrong(wrong)
    return f"{kind}, {rows:,} rows"


def _clock(store: Store) -> str:
    with store.read() as connection:
        off = time.time() - checking.clock(connection)
    if abs(off) > CLOCK_S_MAX:
        raise Wrong(f"this machine's clock is {off:+.0f} s from the database's: let NTP set both")
    return f"within {CLOCK_S_MAX} s of the database's"


def _blobs(store: Store) -> str:
    try:
        store.blobs.check()
    except BlobsUnreachable as error:
        raise Wrong(f"they are not taken or given: {error}") from error
    digests = sorted(store.blobs.digests())
    some = digests[:: max(1, len(digests) // BLOBS_READ_MAX)]
    for digest in some:
        try:
            if digest_of(store.blobs.get(digest)) != digest:
                raise Wrong(f"{digest} holds other bytes: put it back from a backup")
        except BlobMissing:
            continue
    with store.read() as connection:
        lost = sorted(checking.referred(connection) - set(digests))
    if lost:
        raise Wrong(f"{len(lost)} are missing, the first is {lost[0]}: put them back from a backup")
    return f"{len(digests):,}, of which {len(some):,} were read"


def _disk(store: Store) -> str:
    free = shutil.disk_usage(store.settings.data_dir).free
    if free < FREE_BYTES_MIN:
        raise Wrong(f"{free >> 20} MiB are free in {store.settings.data_dir}")
    return f"{free >> 30} GiB free"


def _keys(store: Store) -> str:
    data = store.settings.data_dir
    secret = [data / SECRET, *(data / "signer").rglob("*.key")]
    for path in filter(Path.exists, secret):
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Wrong(f"{path} can be read by others: chmod 600 {path}")
        if path.stat().st_uid != os.geteuid():
            raise Wrong(f"{path} belongs to another user")
    return "readable by their owner only"


def _log(store: Store) -> str:
    signed = published.checkpoint(store.log)
    size = 0 if signed is None else signed[1].size
    with store.read() as connection:
        made = leaves.size(connection)
    if size > made:
        raise Wrong(
            f"{size:,} leaves are signed and the database has {made:,}: an older database was put "
            "back. The log cannot go on; restore the newest backup"
        )
    return f"{size:,} leaves signed, {made - size:,} to come"
