"""This file is where it is written down, line by line, what was sent, answered and decided."""

from __future__ import annotations

import hashlib

from grid import canonical
from grid.db.evidence import Line
from grid.items import Json


class Journal:
    """Canonical JSON lines and their running SHA-256; the lines themselves only when `kept`."""

    def __init__(self, kept: bool = False) -> None:
        self._kept: list[bytes] | None = [] if kept else None
        self._digest = hashlib.sha256()
        self.count = 0

    def write(self, now: int, what: str, **facts: Json) -> None:
        """Something happened."""
        self._add({"at": now, "what": what, **facts})

    def log(self, line: Line) -> None:
        """An entry of the public log, word for word."""
        self._add({"log": line.kind, "id": line.id, "facts": line.facts})

    @property
    def digest(self) -> str:
        """SHA-256 over all lines so far."""
        return self._digest.hexdigest()

    @property
    def text(self) -> bytes:
        """All lines; empty when they were not kept."""
        return b"".join(self._kept or ())

    def _add(self, value: Json) -> None:
        line = canonical.dumps_facts(value) + b"\n"
        self._digest.update(line)
        self.count += 1
        if self._kept is not None:
            self._kept.append(line)
