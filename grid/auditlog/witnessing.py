"""This file is where a witness decides whether it cosigns a log's checkpoint (C2SP tlog-witness).

A witness remembers of each log the last tree that it cosigned. It cosigns another one only with a
proof that it continues that one, so whoever asks for its cosignature sees the log that everybody
sees.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid.auditlog import merkle, notes
from grid.auditlog.merkle import PROOF_HASHES_MAX, ProofRefused
from grid.auditlog.notes import BadNote, Checkpoint, Key, Note

#: A checkpoint of 64 kB and a proof.
REQUEST_BYTES_MAX = 128 * 1024
#: What says how far a witness has seen.
SIZE_TYPE = "text/x.tlog.size"


@dataclass(frozen=True)
class Request:
    """What a log asks: to cosign `note`, which continues a tree of `old` leaves."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    def __str__(self) -> str:
        lines = [f"old {self.old}", *(base64.b64encode(one).decode() for one in self.proof), ""]
        return "\n".join(lines) + f"\n{self.note}"


@dataclass(frozen=True)
class Judged:
    """What a witness answers."""

    code: int
    #: Signature lines with 200, a size with 409, why not otherwise.
    body: str
    #: What the witness remembers from now on, cosigned; only with 200.
    note: Note | None = None


def origin_hash(origin: str) -> str:
    """What a witness files a log under."""
    return hashlib.sha256(origin.encode()).hexdigest()


def parse(text: str) -> Request:
    """A request out of its text. Raises BadNote."""
    head, gap, note = text.partition("\n\n")
    first, *rest = head.split("\n")
    if not gap or not first.startswith("old ") or len(rest) > PROOF_HASHES_MAX:
        raise BadNote("a request says the old size, and at most 63 hashes, before a checkpoint")
    old = notes.number(first.removeprefix("old "))
    return Request(old, tuple(notes.hashes(rest)), notes.parse(note))


def judge(
    request: Request,
    logs: Mapping[str, Sequence[Key]],
    last: Checkpoint | None,
    name: str,
    private: Ed25519PrivateKey,
    time: int,
) -> Judged:
    """Whether a witness called `name` cosigns; `last` is what it remembers of this log.

    `logs` are the keys it believes, by origin. The caller keeps `note` before it answers.
    """
    try:
        tree = notes.checkpoint(request.note.text)
    except BadNote as error:
        return Judged(400, f"{error}\n")
    keys = logs.get(tree.origin)
    if keys is None:
        return Judged(404, "this log is not known here\n")
    try:
        notes.verified(request.note, keys)
    except BadNote as error:
        return Judged(403, f"{error}\n")
    size = 0 if last is None else last.size
    if request.old > tree.size:
        return Judged(400, "the old size is beyond the checkpoint's\n")
    root = merkle.EMPTY_ROOT if last is None else last.root
    if request.old != size or (tree.size == size and tree.root != root):
        return Judged(409, f"{size}\n")
    try:
        merkle.verify_consistency(size, tree.size, root, tree.root, request.proof)
    except ProofRefused as error:
        return Judged(422, f"{error}\n")
    line = notes.cosign(request.note.text, name, private, time)
    trusted = [one for one in map(request.note.by, keys) if one is not None]
    return Judged(200, str(line), Note(request.note.text, (*trusted, line)))
