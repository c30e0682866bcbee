"""This file is where all bytes of a data set become one hash that the log can hold.

It is the root of a Merkle tree (RFC 6962, section 2.1) whose leaves are the SHA-256 digests, as 32
bytes each, of every column of every chunk: chunk by chunk, columns in the data set's order. So a
single chunk can be shown to belong to it by a short proof.
"""

from __future__ import annotations

from collections.abc import Iterable

from grid.auditlog.merkle import leaf_hash
from grid.auditlog.tiles import Growing


def root(digests: Iterable[str]) -> str:
    """The root over these digests, as 64 hex digits; needs memory for the tree's edge only."""
    tree = Growing()
    for digest in digests:
        tree.add(leaf_hash(bytes.fromhex(digest)))
    return tree.root().hex()
