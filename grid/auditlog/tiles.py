"""This file is where the log is cut into files that never change: paths of tiles, their widths,
and bundles of entries (C2SP tlog-tiles).

A tile is 256 hashes of one height, at level 0 those of leaves; a bundle is 256 leaves. What is last
in the tree is partial, and a partial tile is the beginning of the full one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from grid.auditlog.merkle import EMPTY_ROOT, HASH_BYTES, Subtrees, complete, inner_hash

#: Levels of the tree in one tile.
HEIGHT = 8
WIDTH = 1 << HEIGHT
#: What the two bytes of its length can say.
LEAF_BYTES_MAX = 0xFFFF
LEVEL_MAX = 63

_PATH = re.compile(
    r"(?P<level>0|[1-9][0-9]?|entries)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Malformed(ValueError):
    """Bytes that are no such tile or bundle."""


@dataclass(frozen=True)
class Tile:
    """One file of the log."""

    #: None for a bundle of entries.
    level: int | None
    index: int
    #: Hashes, or leaves, in it: 1 to 256.
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is, below the log's `tile/`."""
        whole = f"{'entries' if self.level is None else self.level}/{_spelled(self.index)}"
        return whole if self.width == WIDTH else f"{whole}.p/{self.width}"


def parse(path: str) -> Tile | None:
    """The tile at a path below `tile/`, or None when nothing ever has that path."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level = None if match["level"] == "entries" else int(match["level"])
    index = int(match["index"].replace("x", "").replace("/", ""))
    width = WIDTH if match["width"] is None else int(match["width"])
    tile = Tile(level, index, width)
    if (level or 0) > LEVEL_MAX or not 0 < width <= WIDTH or tile.path != path:
        return None
    return tile


def width_of(level: int | None, index: int, size: int) -> int:
    """How wide this tile is in a tree of `size` leaves; 0 when it is not there yet."""
    there = (size >> (HEIGHT * (level or 0))) - index * WIDTH
    return max(0, min(WIDTH, there))


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """Tiles of hashes that a tree of `new` leaves has and one of `old` has not, leaves first."""
    level = 0
    while new >> (HEIGHT * level):
        before, after = old >> (HEIGHT * level), new >> (HEIGHT * level)
        for index in range(before // WIDTH, -(-after // WIDTH)):
            width = width_of(level, index, new)
            if width > width_of(level, index, old):
                yield Tile(level, index, width)
        level += 1


def hashes_of(tile: bytes, width: int) -> list[bytes]:
    """The first `width` hashes of a tile's bytes, which may hold more."""
    if len(tile) < width * HASH_BYTES or len(tile) % HASH_BYTES:
        raise Malformed(f"a tile of width {width} has {len(tile)} bytes")
    return [tile[at : at + HASH_BYTES] for at in range(0, width * HASH_BYTES, HASH_BYTES)]


def subtrees_of(size: int, read: Callable[[Tile], bytes]) -> Subtrees:
    """The subtrees of a tree of `size` leaves, out of its tiles."""

    def subtree(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        first, count = index << height, 1 << height
        number, offset = divmod(first, WIDTH)
        width = width_of(tile_level, number, size)
        if offset + count > width:
            raise Malformed(f"a tree of {size} has no subtree {index} at level {level}")
        hashes = hashes_of(read(Tile(tile_level, number, width)), width)
        return complete(hashes[offset : offset + count])

    return subtree


def bundle(leaves: Sequence[bytes]) -> bytes:
    """Leaves as a bundle holds them, each behind its length."""
    return b"".join(len(one).to_bytes(2, "big") + one for one in leaves)


def leaves_of(data: bytes, width: int) -> list[bytes]:
    """The `width` leaves of a bundle. Raises Malformed for bytes too few or too many."""
    leaves: list[bytes] = []
    at = 0
    for _ in range(width):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise Malformed(f"a bundle of {width} leaves ends after {len(leaves)}")
        leaves.append(data[start:at])
    if at != len(data):
        raise Malformed(f"a bundle of {width} leaves has {len(data) - at} bytes more")
    return leaves


class Growing:
    """The right edge of a tree: what its root and its next tiles need, and no more.

    Adding a leaf costs one hash, and now and then a few more; memory is a tile a level.
    """

    def __init__(self, size: int = 0, read: Callable[[Tile], bytes] | None = None) -> None:
        """The edge of a tree of `size` leaves whose partial tiles `read` gives."""
        self.size = size
        self.levels: list[list[bytes]] = []
        level = 0
        while size >> (HEIGHT * level):
            index = (size >> (HEIGHT * level)) // WIDTH
            width = width_of(level, index, size)
            hashes: list[bytes] = []
            if width:
                assert read is not None, "a tree with leaves has tiles"
                hashes = hashes_of(read(Tile(level, index, width)), width)
            self.levels.append(hashes)
            level += 1

    def add(self, leaf: bytes) -> list[tuple[Tile, bytes]]:
        """Add a leaf by its hash; the tiles that it completes."""
        self.size += 1
        done: list[tuple[Tile, bytes]] = []
        hashed, level = leaf, 0
        while True:
            if level == len(self.levels):
                self.levels.append([])
            edge = self.levels[level]
            edge.append(hashed)
            if len(edge) < WIDTH:
                return done
            index = (self.size >> (HEIGHT * (level + 1))) - 1
            done.append((Tile(level, index), b"".join(edge)))
            hashed = complete(edge)
            edge.clear()
            level += 1

    def root(self) -> bytes:
        """The root of all leaves."""
        reached: bytes | None = None
        for edge in self.levels:
            hashes, width = list(edge), 1
            while width <= len(hashes):
                if len(hashes) & width:
                    part = complete(hashes[len(hashes) - width :])
                    del hashes[len(hashes) - width :]
                    reached = part if reached is None else inner_hash(part, reached)
                width <<= 1
        return EMPTY_ROOT if reached is None else reached


def _spelled(index: int) -> str:
    text = f"{index % 1000:03d}"
    while index >= 1000:
        index //= 1000
        text = f"x{index % 1000:03d}/{text}"
    return text
