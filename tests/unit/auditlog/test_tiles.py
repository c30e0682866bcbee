"""This file is where tiles get the paths and widths that C2SP tlog-tiles gives them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales import tiles as theirs

from grid.auditlog import merkle, tiles
from grid.auditlog.tiles import Growing, Malformed, Tile


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "0/000"),
        (Tile(1, 5, 17), "1/005.p/17"),
        (Tile(None, 1234067), "entries/x001/x234/067"),
        (Tile(63, 999, 255), "63/999.p/255"),
        (Tile(0, 1000), "0/x001/000"),
    ],
)
def test_a_tile_has_one_path(tile: Tile, path: str) -> None:
    assert tile.path == path and tiles.parse(path) == tile


@given(st.integers(0, 63) | st.none(), st.integers(0, 10**12), st.integers(1, 256))
def test_paths_are_the_other_implementations_and_lead_back(
    level: int | None, index: int, width: int
) -> None:
    tile = Tile(level, index, width)
    partial = 0 if width == 256 else width
    assert ["tile", *tile.path.split("/")] == theirs.tile_path(
        -1 if level is None else level, index, partial
    )
    assert tiles.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "0", "0/0", "0/00", "00/000", "64/000", "-1/000", "0/x000/001", "0/x001/x02/003",
        "0/000.p/0", "0/000.p/256", "0/000.p/01", "0/000.p/", "0/000.p", "0/001/002", "0/000/",
        "entries", "entry/000", "0/000\n", "0/../000", "0/００0",
    ],
)  # fmt: skip
def test_no_tile_has_another_path(path: str) -> None:
    assert tiles.parse(path) is None


def test_the_example_of_70_000_leaves() -> None:
    there = list(tiles.tiles_between(0, 70_000))
    assert sum(one.level == 0 and one.width == 256 for one in there) == 273
    assert [one for one in there if one.width < 256] == [
        Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1),
    ]  # fmt: skip
    assert sum(one.level == 1 and one.width == 256 for one in there) == 1
    assert list(tiles.tiles_between(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles.tiles_between(70_000, 70_000)) == []
    assert list(tiles.tiles_between(70_000, 70_001)) == [Tile(0, 273, 113)]


def grown(size: int) -> tuple[Growing, dict[str, bytes]]:
    """A tree of made-up leaves, and its full tiles."""
    growing, written = Growing(), {}
    for place in range(size):
        for tile, data in growing.add(merkle.leaf_hash(b"%d" % place)):
            written[tile.path] = data
    return growing, written


def reader(growing: Growing, written: dict[str, bytes]):
    def read(tile: Tile) -> bytes:
        edge = growing.levels[tile.level] if tile.level < len(growing.levels) else []
        return written.get(Tile(tile.level, tile.index).path) or b"".join(edge[: tile.width])

    return read


def test_a_tree_of_three_levels_is_read_out_of_its_tiles() -> None:
    size = 256 * 256 + 700
    growing, written = grown(size)
    subtrees = tiles.subtrees_of(size, reader(growing, written))
    root = merkle.root(size, subtrees)
    assert root == growing.root()
    for index in (0, 255, 256, 65_535, 65_536, size - 1):
        proof = merkle.inclusion_proof(index, size, subtrees)
        merkle.verify_inclusion(index, size, merkle.leaf_hash(b"%d" % index), proof, root)
    for old in (1, 255, 256, 65_536, size - 1):
        old_root = merkle.root(old, tiles.subtrees_of(old, reader(growing, written)))
        proof = merkle.consistency_proof(old, size, subtrees)
        merkle.verify_consistency(old, size, old_root, root, proof)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_536, 65_537])
def test_a_tree_grows_on_from_its_tiles_as_if_it_had_never_been_put_away(size: int) -> None:
    growing, written = grown(size)
    again = Growing(size, reader(growing, written))
    assert again.root() == growing.root()
    for place in range(size, size + 3):
        leaf = merkle.leaf_hash(b"%d" % place)
        assert again.add(leaf) == growing.add(leaf)
    assert again.root() == growing.root()


def test_memory_of_a_growing_tree_is_a_tile_a_level() -> None:
    growing, _ = grown(70_000)
    assert [len(one) for one in growing.levels] == [112, 17, 1]


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_a_bundle_gives_its_leaves_back(leaves: list[bytes]) -> None:
    data = tiles.bundle(leaves)
    assert tiles.leaves_of(data, len(leaves)) == leaves
    for wrong, width in [(data[:-1], len(leaves)), (data + b"\0", len(leaves)),
                         (data, len(leaves) + 1)]:  # fmt: skip
        with pytest.raises(Malformed):
            tiles.leaves_of(wrong, width)


def test_a_tile_of_other_bytes_is_refused() -> None:
    assert tiles.hashes_of(b"a" * 96, 2) == [b"a" * 32] * 2
    for wrong in (b"", b"a" * 31, b"a" * 63, b"a" * 65):
        with pytest.raises(Malformed):
            tiles.hashes_of(wrong, 2)
    with pytest.raises(Malformed, match="no subtree"):
        tiles.subtrees_of(3, lambda tile: b"a" * 96)(0, 3)
