"""This file is where the log is read as it was published: tiles and bundles of any width, out of
files and, at the right edge, out of the database; and proofs, out of these."""

from __future__ import annotations

from sqlalchemy import Connection

from grid.auditlog import merkle, notes, proofs, tiles
from grid.auditlog.leaves import unpacked
from grid.auditlog.merkle import HASH_BYTES, Subtrees
from grid.auditlog.notes import Checkpoint
from grid.auditlog.proofs import Proof
from grid.auditlog.tiles import WIDTH, Tile
from grid.db import leaves
from grid.publishing.files import LogFiles

CHECKPOINT = "checkpoint"
#: The newest one that enough witnesses cosigned.
WITNESSED = "witnessed"


class NotThere(KeyError):
    """The log has no such tile, or not yet."""


def checkpoint(files: LogFiles, name: str = CHECKPOINT) -> tuple[str, Checkpoint] | None:
    """The newest signed checkpoint, as text and read; None before the first."""
    note = files.note(name)
    return None if note is None else (note, notes.checkpoint(notes.parse(note).text))


def tile(connection: Connection, files: LogFiles, wanted: Tile) -> bytes:
    """A tile's bytes. Raises NotThere."""
    if wanted.level is None:
        return _bundle(connection, files, wanted)
    data = files.tile(wanted)
    if data is None and wanted.level == 0:
        data = b"".join(leaves.hashes(connection, wanted.index * WIDTH, wanted.width))
        if len(data) < wanted.width * HASH_BYTES:  # it became full meanwhile
            data = files.tile(wanted)
    if data is None:
        raise NotThere(wanted.path)
    return data[: wanted.width * HASH_BYTES]


def subtrees(connection: Connection, files: LogFiles, size: int) -> Subtrees:
    """The subtrees of the first `size` leaves."""
    kept: dict[Tile, bytes] = {}

    def read(wanted: Tile) -> bytes:
        if wanted not in kept:
            kept[wanted] = tile(connection, files, wanted)
        return kept[wanted]

    return tiles.subtrees_of(size, read)


def leaf(connection: Connection, files: LogFiles, number: int) -> bytes:
    """A leaf's bytes. Raises NotThere."""
    found = leaves.some(connection, number, 1)
    if found:
        return found[0].data
    bundle = files.tile(Tile(None, number // WIDTH))
    if bundle is None:
        raise NotThere(f"leaf {number}")
    return tiles.leaves_of(bundle, WIDTH)[number % WIDTH]


def proof(connection: Connection, files: LogFiles, number: int) -> Proof:
    """That a leaf is in the newest checkpoint, with the leaf. Raises NotThere."""
    newest = checkpoint(files)
    if newest is None or not 0 <= number < newest[1].size:
        raise NotThere(f"leaf {number}")
    note, tree = newest
    path = merkle.inclusion_proof(number, tree.size, subtrees(connection, files, tree.size))
    return proofs.of(number, path, note, leaf(connection, files, number))


def leaf_of_commitment(
    connection: Connection, files: LogFiles, commitment: str, at: int
) -> int | None:
    """The leaf that holds this commitment, made at that second; None when there is none yet."""
    for number in leaves.with_commits_of(connection, at):
        said = unpacked(leaf(connection, files, number))
        if any(facts.get("commitment") == commitment for _, facts in said):
            return number
    return None


def _bundle(connection: Connection, files: LogFiles, wanted: Tile) -> bytes:
    data = files.tile(wanted)
    if data is None:
        found = leaves.some(connection, wanted.index * WIDTH, wanted.width)
        if len(found) == wanted.width:
            return tiles.bundle([one.data for one in found])
        data = files.tile(wanted)  # it became full meanwhile
    if data is None:
        raise NotThere(wanted.path)
    return (
        data
        if wanted.width == WIDTH
        else tiles.bundle(tiles.leaves_of(data, WIDTH)[: wanted.width])
    )
