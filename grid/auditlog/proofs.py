"""This file is where a proof becomes a text that stands alone: a leaf's place, its path to the
root, and the checkpoint of that root (C2SP tlog-proof). It can be kept and checked for ever.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grid.auditlog import notes
from grid.auditlog.merkle import PROOF_HASHES_MAX, ProofRefused, leaf_hash, verify_inclusion
from grid.auditlog.notes import BadNote, Checkpoint, Key

FIRST_LINE = "c2sp.org/tlog-proof@v1"
#: A leaf of 64 kB as Base64, a path and a checkpoint.
PROOF_BYTES_MAX = 256 * 1024


@dataclass(frozen=True)
class Proof:
    """That a leaf is in the log; `extra` is what Grid puts there, the leaf itself."""

    index: int
    path: tuple[bytes, ...]
    #: The signed checkpoint, whole.
    note: str
    extra: bytes = b""

    def __str__(self) -> str:
        head = [FIRST_LINE]
        if self.extra:
            head.append(f"extra {base64.b64encode(self.extra).decode()}")
        path = [base64.b64encode(one).decode() for one in self.path]
        return "\n".join([*head, f"index {self.index}", *path, "", self.note])


def parse(text: str) -> Proof:
    """A proof out of its text. Raises BadNote when it is malformed."""
    if len(text) > PROOF_BYTES_MAX:
        raise BadNote("a proof of more than 256 KiB")
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines[0] != FIRST_LINE:
        raise BadNote(f"a proof begins with {FIRST_LINE}")
    extra, rest = b"", lines[1:]
    if rest and rest[0].startswith("extra "):
        extra, rest = notes.decode64(rest[0].removeprefix("extra ")), rest[1:]
    if not rest or not rest[0].startswith("index "):
        raise BadNote("a proof says its leaf's index")
    path = notes.hashes(rest[1:])
    if len(path) > PROOF_HASHES_MAX:
        raise BadNote(f"a proof has {PROOF_HASHES_MAX} hashes at most")
    return Proof(notes.number(rest[0].removeprefix("index ")), tuple(path), note, extra)


def verify(proof: Proof, leaf: bytes, keys: Iterable[Key]) -> Checkpoint:
    """Check that `leaf` is in the log that one of `keys` signs for; the checkpoint it is in.

    A key signs for the origin that is its name. Raises BadNote or ProofRefused.
    """
    note = notes.parse(proof.note)
    signers = notes.verified(note, keys)
    tree = notes.checkpoint(note.text)
    if tree.origin not in {one.name for one in signers}:
        raise ProofRefused(f"signed by a key of another log than {tree.origin}")
    verify_inclusion(proof.index, tree.size, leaf_hash(leaf), proof.path, tree.root)
    return tree


def of(index: int, path: Sequence[bytes], note: str, leaf: bytes) -> Proof:
    """The proof that a server hands out, its leaf inside."""
    return Proof(index, tuple(path), note, leaf)
