"""This file is where the log's Merkle tree is computed: roots, inclusion and consistency proofs.

The tree is that of RFC 6962, section 2.1, over SHA-256. A `Subtrees` gives the hash of a complete
subtree; whoever has one needs O(log n) of them for a root or a proof, whatever the size.
Verification follows RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

HASH_BYTES = 32
#: The root of a tree without leaves.
EMPTY_ROOT = hashlib.sha256(b"").digest()
#: A proof in a tree of 2⁶³ leaves is no longer.
PROOF_HASHES_MAX = 63

#: (level, index) → hash of the subtree of the leaves from `index << level` to, and without,
#: `(index + 1) << level`.
Subtrees = Callable[[int, int], bytes]


class ProofRefused(ValueError):
    """A proof does not show what it should."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf's bytes."""
    return hashlib.sha256(b"\0" + leaf).digest()


def inner_hash(left: bytes, right: bytes) -> bytes:
    """The hash of what stands over two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


def in_memory(leaf_hashes: Sequence[bytes]) -> Subtrees:
    """The subtrees of a tree whose leaf hashes are at hand."""

    def subtree(level: int, index: int) -> bytes:
        return complete(leaf_hashes[index << level : (index + 1) << level])

    return subtree


def complete(hashes: Sequence[bytes]) -> bytes:
    """The root over 2ᵏ subtrees of one height. Raises ValueError for another count."""
    if not hashes or len(hashes) & (len(hashes) - 1):
        raise ValueError(f"{len(hashes)} hashes make no complete subtree")
    while len(hashes) > 1:
        hashes = [inner_hash(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def root(size: int, subtrees: Subtrees) -> bytes:
    """The root of the first `size` leaves."""
    return _range(0, size, subtrees) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, subtrees: Subtrees) -> list[bytes]:
    """The path from leaf `index` to the root of the first `size`, lowest first.

    Raises ValueError when there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not among the first {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range(middle, end, subtrees))
            end = middle
        else:
            path.append(_range(start, middle, subtrees))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, subtrees: Subtrees) -> list[bytes]:
    """What shows that the first `old` leaves of a tree of `new` are those of an earlier tree.

    Empty when `old` is 0 or `new`. Raises ValueError when `old` is beyond `new`.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} does not continue one of {old}")
    if old in (0, new):
        return []
    proof: list[bytes] = []
    start, end = 0, new
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_range(middle, end, subtrees))
            end = middle
        else:
            proof.append(_range(start, middle, subtrees))
            start = middle
    if start:
        proof.append(_range(start, end, subtrees))
    return proof[::-1]


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], tree_root: bytes
) -> None:
    """Check that the leaf of hash `leaf` is number `index` of `size`; raises ProofRefused."""
    if not 0 <= index < size:
        raise ProofRefused(f"there is no leaf {index} in a tree of {size}")
    place, last, reached = index, size - 1, leaf
    for hashed in proof:
        if last == 0:
            raise ProofRefused("the inclusion proof is too long")
        if place & 1 or place == last:
            reached = inner_hash(hashed, reached)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            reached = inner_hash(reached, hashed)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofRefused("the inclusion proof is too short")
    if reached != tree_root:
        raise ProofRefused(f"leaf {index} is not in the tree of this root")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of `new` leaves continues that of `old`; raises ProofRefused."""
    if not 0 <= old <= new:
        raise ProofRefused(f"a tree of {new} does not continue one of {old}")
    if old in (0, new):
        if proof:
            raise ProofRefused("a consistency proof is given where none is needed")
        if old_root != (new_root if old else EMPTY_ROOT):
            raise ProofRefused(f"two trees of {old} leaves have different roots")
        return
    _verify_growth(old, new, old_root, new_root, proof)


def _verify_growth(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    hashes = list(proof)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        raise ProofRefused("the consistency proof is too short")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    was = now = hashes[0]
    for hashed in hashes[1:]:
        if last == 0:
            raise ProofRefused("the consistency proof is too long")
        if place & 1 or place == last:
            was, now = inner_hash(hashed, was), inner_hash(hashed, now)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            now = inner_hash(now, hashed)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofRefused("the consistency proof is too short")
    if was != old_root:
        raise ProofRefused(f"the consistency proof does not lead to the root of the first {old}")
    if now != new_root:
        raise ProofRefused(f"the tree of {new} leaves does not continue that of {old}")


def _range(start: int, end: int, subtrees: Subtrees) -> bytes:
    """The root over leaves `start` to `end`, a range that occurs in a tree."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return subtrees(level, start >> level)
    middle = start + _split(size)
    return inner_hash(_range(start, middle, subtrees), _range(middle, end, subtrees))


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
