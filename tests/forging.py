"""This file is where tests tamper with a server's data folder, by raw SQL and raw files only.

A forger here owns everything of the server's: its database, its files, and the key that signs the
log. Nothing goes through Grid's own functions but the packing of leaves and the signature's format.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid.auditlog.leaves import packed, unpacked

Entries = list[tuple[str, dict[str, Any]]]


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


class Forger:
    """Whoever can write every byte below a data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def sql(self, statement: str, *values: Any) -> list[Any]:
        with sqlite3.connect(self.data / "grid.db") as connection:
            found = connection.execute(statement, values).fetchall()
        connection.close()
        return found

    def blob(self, digest: str) -> Path:
        return self.data / "blobs" / digest[:2] / digest[2:]

    def put(self, data: bytes) -> str:
        """A further blob; its digest."""
        digest = sha256(data)
        path = self.data / "blobs" / digest[:2] / digest[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return digest

    def leaves(self) -> list[bytes]:
        return [data for (data,) in self.sql("SELECT data FROM leaf ORDER BY number")]

    def entries(self) -> Entries:
        return [entry for leaf in self.leaves() for entry in unpacked(leaf)]  # type: ignore[misc]

    def forge(self, change: Callable[[Entries], None]) -> None:
        """Rewrite the log's entries, and sign the new tree with the server's own key."""
        told = json.loads(json.dumps(self.entries()))
        before = json.dumps(told)
        change(told)
        assert json.dumps(told) != before
        self.replace([leaf for one in told for _, leaf in packed([tuple(one)], canonical)])

    def replace(self, leaves: list[bytes]) -> None:
        """Have the log consist of these leaves, signed."""
        self.sql("DELETE FROM leaf")
        hashes = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
        for number, (leaf, hashed) in enumerate(zip(leaves, hashes, strict=True)):
            self.sql("INSERT INTO leaf VALUES (?, ?, ?, NULL, NULL)", number, leaf, hashed)
        for path in self.data.glob("record.db*"):
            path.unlink()
        self.sign(len(leaves), root(hashes))

    def sign(self, size: int, hashed: bytes) -> None:
        origin = (self.data / "signer" / "origin").read_text()
        private = Ed25519PrivateKey.from_private_bytes(
            (self.data / "signer" / "0001.key").read_bytes()
        )
        public = private.public_key().public_bytes_raw()
        key_id = hashlib.sha256(origin.encode() + b"\n\x01" + public).digest()[:4]
        text = f"{origin}\n{size}\n{base64.b64encode(hashed).decode()}\n"
        signature = base64.b64encode(key_id + private.sign(text.encode())).decode()
        note = f"{text}\n— {origin} {signature}\n"
        (self.data / "log" / "checkpoint").write_text(note)
        (self.data / "signer" / "signed").write_text(note)


def root(hashes: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it is written there."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    left, right = root(hashes[:split]), root(hashes[split:])
    return hashlib.sha256(b"\1" + left + right).digest()
