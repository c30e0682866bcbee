"""This file is where the log's tree is compared with an independent implementation, at every size
from 0 to 300, and where proofs that are wrong in any way are refused."""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache

import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.tlog import ConsistencyProof, InclusionProof

from grid.auditlog import merkle, tiles
from grid.auditlog.merkle import ProofRefused

SIZES = 301


@lru_cache(maxsize=1)
def leaves() -> list[bytes]:
    return [merkle.leaf_hash(b"leaf %d" % place) for place in range(SIZES)]


@cache
def subtree(level: int, index: int) -> bytes:
    return merkle.in_memory(leaves())(level, index)


@cache
def root(size: int) -> bytes:
    return merkle.root(size, subtree)


class FromMemory(LocalBackend):
    """Tiles as the other implementation asks for them, made by its own rules of paths."""

    def __init__(self) -> None:
        pass

    def get(self, *path: str) -> bytes | None:
        tile = tiles.parse("/".join(path[1:]))
        assert tile is not None and tile.level is not None
        hashes = leaves() if tile.level == 0 else [merkle.complete(leaves()[:256])]
        there = hashes[tile.index * 256 : (tile.index + 1) * 256]
        return b"".join(there[: tile.width]) if len(there) >= tile.width else None


class Theirs(TilesReader):
    """The other implementation, which computes no subtree twice."""

    @cache  # noqa: B019
    def mth(self, start: int, end: int) -> bytes:
        return super().mth(start, end)


def theirs(size: int) -> TilesReader:
    reader = Theirs(FromMemory())
    reader.set_size(size)
    return reader


def test_roots_of_all_sizes_are_those_of_the_other_implementation() -> None:
    assert merkle.root(0, merkle.in_memory([])) == hashlib.sha256(b"").digest()
    for size in range(SIZES):
        assert theirs(size).calculate_root_hash() == root(size)


def test_every_inclusion_proof_is_the_other_implementations_and_verifies_with_both() -> None:
    other = theirs(SIZES - 1)
    for size in range(1, SIZES):
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, subtree)
            merkle.verify_inclusion(index, size, leaves()[index], proof, root(size))
            assert other.get_inclusion_proof(index, size).node_hashes == proof
            InclusionProof(index, size, proof).check(leaves()[index], root(size))


def test_every_consistency_proof_is_the_other_implementations_and_verifies_with_both() -> None:
    other = theirs(SIZES - 1)
    for new in range(SIZES):
        for old in range(new + 1):
            proof = merkle.consistency_proof(old, new, subtree)
            merkle.verify_consistency(old, new, root(old), root(new), proof)
            if old:  # theirs has a proof from nothing, which nobody needs
                assert other.get_consistency_proof(old, new).node_hashes == proof
                ConsistencyProof(old, new, proof).check(root(old), root(new))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100, 255, 256, 257])
def test_an_inclusion_proof_holds_for_its_leaf_alone(size: int) -> None:
    subtrees = merkle.in_memory(leaves())
    for index in {0, size // 2, size - 1}:
        proof = merkle.inclusion_proof(index, size, subtrees)
        wrong = [
            (index, size, leaves()[-1], proof, root(size)),
            (index, size, leaves()[index], proof, root(SIZES - 1)),
            (index, size, leaves()[index], [*proof, leaves()[0]], root(size)),
            (size, size, leaves()[index], proof, root(size)),
            (-1, size, leaves()[index], proof, root(size)),
        ]
        if proof:
            wrong.append((index, size, leaves()[index], proof[:-1], root(size)))
            wrong.append((index ^ 1, size, leaves()[index], proof, root(size)))
            flipped = [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]
            wrong.append((index, size, leaves()[index], flipped, root(size)))
        for case in wrong:
            with pytest.raises(ProofRefused):
                merkle.verify_inclusion(*case)


@pytest.mark.parametrize(("old", "new"), [(1, 2), (3, 7), (4, 7), (128, 256), (200, 257), (6, 8)])
def test_a_consistency_proof_holds_for_its_two_trees_alone(old: int, new: int) -> None:
    proof = merkle.consistency_proof(old, new, merkle.in_memory(leaves()))
    flipped = [*proof[:-1], bytes([proof[-1][0] ^ 1]) + proof[-1][1:]]
    wrong = [
        (old, new, root(old + 1), root(new), proof),
        (old, new, root(old), root(new + 1), proof),
        (old, new, root(old), root(new), proof[:-1]),
        (old, new, root(old), root(new), [*proof, leaves()[0]]),
        (old, new, root(old), root(new), flipped),
        (new, old, root(new), root(old), proof),
        (old, old, root(old), root(new), []),
        (old, old, root(old), root(old), proof),
        (0, new, root(old), root(new), []),
    ]
    for case in wrong:
        with pytest.raises(ProofRefused):
            merkle.verify_consistency(*case)


def test_what_no_tree_has_is_asked_for_in_vain() -> None:
    subtrees = merkle.in_memory(leaves())
    with pytest.raises(ValueError, match="not among"):
        merkle.inclusion_proof(3, 3, subtrees)
    with pytest.raises(ValueError, match="does not continue"):
        merkle.consistency_proof(4, 3, subtrees)
    with pytest.raises(ValueError, match="complete"):
        merkle.complete(leaves()[:3])


def test_trees_that_grow_leaf_by_leaf_have_the_same_roots_and_tiles() -> None:
    growing, written = tiles.Growing(), {}
    subtrees = merkle.in_memory(leaves())
    for size, leaf in enumerate(leaves(), 1):
        for tile, data in growing.add(leaf):
            written[tile.path] = data
        assert growing.root() == root(size) == merkle.root(size, subtrees)
    assert set(written) == {"0/000"} and written["0/000"] == b"".join(leaves()[:256])
    assert tiles.Growing().root() == merkle.EMPTY_ROOT
