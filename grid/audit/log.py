"""This file is where the log itself is checked: who signed it, that it only grew, and every leaf.

It needs `cryptography` and `rfc8785`, and of Grid only the log's own arithmetic: no server, no
database, no rule. `python -m grid.audit.core` is a verifier made of it alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import rfc8785

from grid.audit.faults import Broken
from grid.auditlog import leaves, merkle, notes, tiles
from grid.auditlog.leaves import BadLeaf
from grid.auditlog.merkle import ProofRefused, leaf_hash
from grid.auditlog.notes import BadNote, Checkpoint, Key
from grid.auditlog.policy import Policy
from grid.auditlog.tiles import HEIGHT, WIDTH, Malformed, Tile, width_of

#: Reads one file of the log.
Read = Callable[[Tile], bytes]
#: An entry's kind, its facts, and where it is in words.
Entry = tuple[str, Mapping[str, Any], str]


def signed(text: str, keys: Iterable[Key], policy: Policy | None = None) -> Checkpoint:
    """The tree of a checkpoint that one of `keys` signed, and as many witnesses as the policy
    asks for; raises Broken."""
    try:
        note = notes.parse(text)
        signers = notes.verified(note, keys)
        tree = notes.checkpoint(note.text)
    except BadNote as error:
        raise Broken(f"the checkpoint does not hold: {error}") from error
    if tree.origin not in {one.name for one in signers}:
        raise Broken(f"the checkpoint is of {tree.origin}, and signed by the key of another log")
    if policy is not None and not policy.enough(note):
        found = ", ".join(sorted(policy.cosigned_by(note))) or "none"
        raise Broken(f"too few witnesses have cosigned the checkpoint: {found}")
    return tree


def continues(seen: Checkpoint, tree: Checkpoint, read: Read) -> None:
    """Check that the tree continues one that was seen before; raises Broken."""
    if seen.origin != tree.origin:
        raise Broken(f"this is the log {tree.origin}, and the one seen before was {seen.origin}")
    if tree.size < seen.size:
        raise Broken(
            f"the log was rolled back: it had {seen.size} leaves before, and now it has {tree.size}"
        )
    if seen.size == tree.size and seen.root != tree.root:
        raise Broken(f"a fork: two checkpoints of {seen.size} leaves have different roots")
    if seen.size and _root(seen.size, Tree(tree, read)) != seen.root:
        raise Broken(
            f"history was rewritten: the first {seen.size} leaves are not those seen before"
        )


def same_size(one: Checkpoint, other: Checkpoint) -> None:
    """Check that two checkpoints of one log and size are of one tree; raises Broken."""
    if (one.origin, one.size) == (other.origin, other.size) and one.root != other.root:
        raise Broken(f"a fork: two checkpoints of {one.size} leaves have different roots")


class Tree:
    """The tiles of one tree, each held against its root before it is believed."""

    def __init__(self, tree: Checkpoint, read: Read) -> None:
        """Reads the tree's edge; raises Broken where it does not lead to the root."""
        self._tree, self._read = tree, read
        #: The last tile that was held against its parent, for each level.
        self._held: dict[int, tuple[int, list[bytes]]] = {}
        if tree.size and _root(tree.size, self) != tree.root:
            raise Broken(
                f"the tiles at the edge of the tree do not lead to the root that was signed for "
                f"{tree.size} leaves"
            )

    def __call__(self, level: int, index: int) -> bytes:
        """A node of the tree, as `grid.auditlog.merkle` asks for it."""
        tile_level, height = divmod(level, HEIGHT)
        number, offset = divmod(index << height, WIDTH)
        hashes = self._hashes(tile_level, number)
        return merkle.complete(hashes[offset : offset + (1 << height)])

    def _hashes(self, level: int, number: int) -> list[bytes]:
        width = width_of(level, number, self._tree.size)
        tile = Tile(level, number, width)
        try:
            return tiles.hashes_of(self._read(tile), width)
        except Malformed as error:
            raise Broken(f"tile {tile.path} is damaged: {error}") from error

    def leaf_hashes(self, number: int) -> list[bytes]:
        """The hashes of 256 leaves, held against the root; raises Broken."""
        return self._held_tile(0, number)

    def _held_tile(self, level: int, number: int) -> list[bytes]:
        known = self._held.get(level)
        if known is not None and known[0] == number:
            return known[1]
        hashes = self._hashes(level, number)
        if len(hashes) == WIDTH:
            above, place = divmod(number, WIDTH)
            parents = self._held_tile(level + 1, above)
            if merkle.complete(hashes) != parents[place]:
                raise Broken(f"tile {Tile(level, number).path} was changed: it is not in the tree")
        self._held[level] = (number, hashes)
        return hashes


def all_leaves(tree: Checkpoint, read: Read) -> Iterator[tuple[int, bytes]]:
    """Every leaf of the log in order, each held against the root; raises Broken."""
    held = Tree(tree, read)
    for number in range(-(-tree.size // WIDTH)):
        width = width_of(None, number, tree.size)
        tile = Tile(None, number, width)
        try:
            bundle = tiles.leaves_of(read(tile), width)
        except Malformed as error:
            raise Broken(f"the entries of tile {tile.path} are damaged: {error}") from error
        hashes = held.leaf_hashes(number)
        for place, leaf in enumerate(bundle):
            index = number * WIDTH + place
            if leaf_hash(leaf) != hashes[place]:
                raise Broken(f"leaf {index} was changed: its hash is not the tree's")
            yield index, leaf


def proven(tree: Checkpoint, index: int, leaf: bytes, proof: Iterable[str]) -> None:
    """Check one leaf's inclusion by its proof, hashes in Base64; raises Broken."""
    try:
        path = notes.hashes(list(proof))
        merkle.verify_inclusion(index, tree.size, leaf_hash(leaf), path, tree.root)
    except (BadNote, ProofRefused) as error:
        raise Broken(f"leaf {index} is not in the log: {error}") from error


def entries(index: int, leaf: bytes) -> Iterator[Entry]:
    """What a leaf says, entry by entry; raises Broken."""
    try:
        found = leaves.unpacked(leaf)
        if rfc8785.dumps(json.loads(leaf)) != leaf:
            raise BadLeaf("not canonical JSON")
    except (BadLeaf, ValueError, RecursionError) as error:
        raise Broken(f"leaf {index} is no leaf of a grid's log: {error}") from error
    for place, (kind, facts) in enumerate(found):
        yield kind, facts, f"leaf {index}, entry {place}"


def _root(size: int, held: Tree) -> bytes:
    return merkle.root(size, held)
