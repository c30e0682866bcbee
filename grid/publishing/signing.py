"""This file is where the server talks to the process that signs."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from grid.auditlog import notes
from grid.auditlog.notes import Key

#: Ending its input ends it; this long only if the disk hangs.
END_S = 10


class SignerFailed(Exception):
    """The signer's process did not answer, or could not do what it was asked."""


class Refused(Exception):
    """The signer does not sign this tree, since it does not continue what it signed before."""


class Signed(Struct, frozen=True, kw_only=True):
    """How far the log is signed."""

    origin: str
    size: int
    root: bytes
    #: Newest first.
    keys: tuple[Key, ...]


def origin_of(public_url: str) -> str:
    """What a new log is called: its address without a scheme, or a name that nobody else has."""
    place = urlsplit(public_url)
    named = f"{place.netloc}{place.path}".rstrip("/").replace("+", "-")
    return f"{named or f'grid-{secrets.token_hex(4)}'}/log"


class Signing:
    """The signer of one log; its process begins with the first question."""

    def __init__(self, folder: Path, public_url: str = "") -> None:
        self._folder, self._public_url = folder, public_url
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None

    def state(self) -> Signed:
        """How far the log is signed."""
        return _signed(self._ask({"do": "state"}))

    def sign(self, size: int, root: bytes, proof: Sequence[bytes]) -> str:
        """The signed checkpoint of a tree, with the proof that it continues the last. Raises
        Refused."""
        said = self._ask(
            {
                "do": "sign",
                "size": size,
                "root": base64.b64encode(root).decode(),
                "proof": [base64.b64encode(one).decode() for one in proof],
            }
        )
        if "refused" in said:
            raise Refused(said["refused"])
        return str(said["note"])

    def rotate(self) -> Signed:
        """Make a further key; everything is signed by both from now on."""
        return _signed(self._ask({"do": "rotate"}))

    def retire(self) -> Signed:
        """Delete all keys but the newest."""
        return _signed(self._ask({"do": "retire"}))

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            child = self._child or self._begin()
            assert child.stdin is not None and child.stdout is not None
            try:
                child.stdin.write(json.dumps(request) + "\n")
                child.stdin.flush()
                line = child.stdout.readline()
            except OSError as error:
                self._end()
                raise SignerFailed(f"the signer has ended: {error}") from error
            if not line.endswith("\n"):
                self._end()
                raise SignerFailed("the signer has ended")
        said: dict[str, Any] = json.loads(line)
        if "failed" in said:
            raise SignerFailed(said["failed"])
        return said

    def _begin(self) -> subprocess.Popen[str]:
        self._child = subprocess.Popen(
            [
                sys.executable, "-I", "-m", "grid.publishing.signer",
                str(self._folder.resolve()), origin_of(self._public_url),
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={},
            start_new_session=True,
        )  # fmt: skip
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            child.wait(END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _signed(said: dict[str, Any]) -> Signed:
    return Signed(
        origin=said["origin"],
        size=said["size"],
        root=notes.decode64(said["root"]),
        keys=tuple(map(notes.key, said["keys"])),
    )
