"""This file is where an audit bundle is read: a stranger's zip, of which nothing is believed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from grid.audit.faults import Broken, Unreadable

#: No single member that is read whole may be larger: a column of one chunk is a few MB.
MEMBER_BYTES_MAX = 256 << 20
#: Longest line of a member that is read line by line: an output of 8 MB, spelled once more.
LINE_BYTES_MAX = 32 << 20
PIECE_BYTES = 256 * 1024


class Bundle:
    """An open bundle; its members by the names of `grid.audit.layout`."""

    def __init__(self, path: Path) -> None:
        """Raises Unreadable."""
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise Unreadable(f"{path}: no audit bundle: {error}") from error
        self.path = path
        self._names = {one.filename: one for one in self._zip.infolist()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def names(self) -> list[str]:
        """All members."""
        return list(self._names)

    def size(self, name: str) -> int:
        """Bytes of a member; raises Broken when it is missing."""
        return self._member(name).file_size

    def whole(self, name: str) -> bytes:
        """A whole member; raises Broken when it is missing, damaged or too large."""
        member = self._member(name)
        if member.file_size > MEMBER_BYTES_MAX:
            raise Broken(f"{name} has {member.file_size:,} bytes")
        try:
            with self._zip.open(member) as file:
                data = file.read(MEMBER_BYTES_MAX + 1)
        except Exception as error:  # zipfile passes on whatever its decompressors raise
            raise Broken(f"{name} is damaged: {error}") from error
        if len(data) > MEMBER_BYTES_MAX:
            raise Broken(f"{name} unpacks to more than it says")
        return data

    def pieces(self, name: str) -> Iterator[bytes]:
        """A member of any size, a piece at a time; raises Broken."""
        member = self._member(name)
        try:
            with self._zip.open(member) as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece
        except Exception as error:  # as above
            raise Broken(f"{name} is damaged: {error}") from error

    def json(self, name: str) -> Any:
        """A whole member, parsed; raises Broken."""
        return _parsed(self.whole(name), name)

    def lines(self, name: str) -> Iterator[Any]:
        """A member's lines, each parsed; raises Broken."""
        member = self._member(name)
        try:
            with self._zip.open(member) as file:
                number = 0
                while line := file.readline(LINE_BYTES_MAX):
                    number += 1
                    yield _parsed(line, f"{name}, line {number}")
        except Broken:
            raise
        except Exception as error:  # as above
            raise Broken(f"{name} is damaged: {error}") from error

    def _member(self, name: str) -> zipfile.ZipInfo:
        member = self._names.get(name)
        if member is None:
            raise Broken(f"the bundle lacks {name}")
        return member


def _parsed(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Broken(f"{name} is no JSON: {error}") from error
