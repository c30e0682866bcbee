"""This file is where a headless volunteer keeps who it is, so that it comes back as the same host.

A folder holds one file for each grid and each place on this machine. It is readable by its owner
only, and locked while a volunteer runs: a second one on the same machine takes the next place, and
is another host.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from grid.volunteer.messages import Identity
from grid.volunteer.witness import Seen

if sys.platform != "win32":
    import fcntl

#: Volunteers of one grid that one account of a machine runs at once.
PLACES_MAX = 256
ONLY_MINE = 0o600


class Kept(Struct, frozen=True, kw_only=True):
    """What outlives the process."""

    #: None when the server has forgotten this host; what was seen of its log is not forgotten.
    identity: Identity | None = None
    #: The key's seed as hex.
    seed: str = ""
    #: What it remembers of the server's log.
    seen: Seen | None = None


class StateError(Exception):
    """The state folder cannot be used; says why."""


class Place:
    """Where one host is kept; in memory alone without a path."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.kept: Kept | None = None if path is None else _read(path)

    def keep(self, kept: Kept) -> None:
        """From now on it is this host; raises StateError."""
        self.kept = kept
        if self._path is not None:
            _write(self._path, msgspec.json.encode(kept))

    def forget(self) -> None:
        """It is no host any more, and remembers the log all the same."""
        seen = None if self.kept is None else self.kept.seen
        self.keep(Kept(seen=seen))


def default_folder() -> Path:
    """Where state is kept by the XDG rules."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "grid-volunteer"


@contextmanager
def place(folder: Path | None, server: str, token: str | None) -> Iterator[Place]:
    """The first free place for a volunteer of this grid with this trusted-host token, if any.

    Raises StateError for a folder that cannot be written.
    """
    if folder is None:
        yield Place()
        return
    name = hashlib.sha256(f"{server.rstrip('/')}\n{token or ''}".encode()).hexdigest()[:24]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock, number = _lock(folder, name)
    except OSError as error:
        raise StateError(f"{folder}: {error.strerror or error}") from error
    try:
        yield Place(folder / f"{name}-{number}.json")
    finally:
        os.close(lock)


def _lock(folder: Path, name: str) -> tuple[int, int]:
    for number in range(1, PLACES_MAX + 1):
        lock = os.open(folder / f"{name}-{number}.lock", os.O_RDWR | os.O_CREAT, ONLY_MINE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        except BaseException:
            os.close(lock)
            raise
        return lock, number
    raise StateError(f"{folder}: {PLACES_MAX} volunteers of this grid run already")


def _read(path: Path) -> Kept | None:
    """What is kept there; a file that is no such thing, or that others may read, counts as none."""
    try:
        if path.stat().st_mode & 0o077:
            return None
        kept = msgspec.json.decode(path.read_bytes(), type=Kept)
        return kept if kept.identity is None or len(bytes.fromhex(kept.seed)) == 32 else None
    except (OSError, msgspec.DecodeError, ValueError):
        return None


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing, whenever the power fails."""
    fresh = path.with_suffix(".new")
    try:
        with suppress(FileNotFoundError):
            fresh.unlink()
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_MINE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror or error}") from error
