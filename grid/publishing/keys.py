"""This file is where the log's keys lie, readable by their owner only, and how far they signed.

Only the signer's process reads private keys.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid.auditlog import notes
from grid.auditlog.merkle import EMPTY_ROOT
from grid.auditlog.notes import Checkpoint, Key, Note
from grid.publishing import disk

_KEY_FILE = re.compile(r"(?P<number>[0-9]{4})\.key")
#: More than anybody rotates in a lifetime of a log.
KEYS_MAX = 9999


class KeyFolder:
    """The folder of one log's keys: `0001.key`, …, what it is called, and what was signed last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from signing meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def begin(self, origin: str) -> None:
        """Make the first key where there is none; the log is called `origin` from then on."""
        if self._files():
            return
        if not (self.folder / "origin").exists():
            notes.public_key(Ed25519PrivateKey.generate(), origin)
            disk.write(self.folder / "origin", origin.encode(), 0o600)
        self.add()

    def origin(self) -> str:
        """What the log is called in its checkpoints."""
        return (self.folder / "origin").read_text(encoding="utf-8")

    def add(self) -> Key:
        """Make a further key; everything is signed by all of them."""
        files = self._files()
        number = 1 + max(files, default=0)
        if number > KEYS_MAX:
            raise OSError(f"{self.folder} holds {KEYS_MAX} keys")
        private = Ed25519PrivateKey.generate()
        path = self.folder / f"{number:04}.key"
        disk.write(path, private.private_bytes_raw(), 0o600)
        return notes.public_key(private, self.origin())

    def retire(self) -> int:
        """Delete every key but the newest; how many."""
        files = self._files()
        old = sorted(files)[:-1]
        for number in old:
            files[number].unlink()
        disk.sync_folder(self.folder)
        return len(old)

    def keys(self) -> list[Key]:
        """The public keys, newest first."""
        return [notes.public_key(one, self.origin()) for one in self._private()]

    def signed(self) -> Checkpoint:
        """What was signed last; a tree without leaves before anything was."""
        try:
            text = (self.folder / "signed").read_text(encoding="utf-8")
        except FileNotFoundError:
            return Checkpoint(self.origin(), 0, EMPTY_ROOT)
        return notes.checkpoint(notes.parse(text).text)

    def sign(self, tree: Checkpoint) -> str:
        """Sign a checkpoint; that it was signed is on the disk before anybody gets it."""
        text, origin = str(tree), self.origin()
        note = str(Note(text, tuple(notes.sign(text, origin, one) for one in self._private())))
        disk.write(self.folder / "signed", note.encode(), 0o600)
        return note

    def _private(self) -> list[Ed25519PrivateKey]:
        files = self._files()
        return [
            Ed25519PrivateKey.from_private_bytes(files[number].read_bytes())
            for number in sorted(files, reverse=True)
        ]

    def _files(self) -> dict[int, Path]:
        found = ((_KEY_FILE.fullmatch(path.name), path) for path in self.folder.iterdir())
        return {int(match["number"]): path for match, path in found if match}
