"""This file is where the log's tiles and checkpoint lie on the disk, under their public paths.

A full tile is written once and never changes. Of the tiles that are not full yet, those of leaves
are in the database; of each other one there is one file, which grows.
"""

from __future__ import annotations

from pathlib import Path

from grid.auditlog.tiles import WIDTH, Tile
from grid.publishing import disk


class Changed(Exception):
    """A tile that is public already has other bytes: somebody has put back an old database."""


class LogFiles:
    """The folder of one log. What a method has written is on the disk, folders included."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tile(self, tile: Tile) -> bytes | None:
        """A tile's bytes, or more: those of a wider one; None when there is none as wide."""
        try:
            return self._path(tile).read_bytes()
        except FileNotFoundError:
            pass
        try:
            data = self._edge(tile).read_bytes()
        except FileNotFoundError:
            return None
        return data if tile.level and len(data) >= 32 * tile.width else None

    def keep(self, tile: Tile, data: bytes) -> None:
        """Keep a full tile or bundle. Raises Changed when it is there with other bytes."""
        path = self._path(tile)
        if path.exists():
            if path.read_bytes() != data:
                raise Changed(f"{path} is public with other bytes")
            return
        disk.write(path, data)
        self._edge(tile).unlink(missing_ok=True)

    def keep_edge(self, tile: Tile, data: bytes) -> None:
        """Keep a tile that will grow."""
        disk.write(self._edge(tile), data)

    def note(self, name: str) -> str | None:
        """A signed checkpoint: the newest, `checkpoint`, or `witnessed`, the newest that enough
        witnesses cosigned; None before the first."""
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def signed_at(self, name: str) -> int | None:
        """When a signed checkpoint was published, in seconds since 1970; None before the first."""
        try:
            return int((self.folder / name).stat().st_mtime)
        except FileNotFoundError:
            return None

    def keep_note(self, name: str, text: str) -> None:
        """Publish a signed checkpoint."""
        disk.write(self.folder / name, text.encode())

    def _path(self, tile: Tile) -> Path:
        return self.folder / "tile" / Tile(tile.level, tile.index, WIDTH).path

    def _edge(self, tile: Tile) -> Path:
        return self.folder / "edge" / Tile(tile.level, tile.index, WIDTH).path
