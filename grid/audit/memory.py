"""This file is where an auditor remembers what a log has shown: its keys, and its last checkpoint.

One file a log in the auditor's own folder. Without it a log could be put back, or forked, between
two audits; with it the second one sees that.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from grid.audit.faults import Unreadable
from grid.auditlog import notes
from grid.auditlog.notes import BadNote, Checkpoint, Key
from grid.canonical import digest

#: Separates the keys, one a line, from the checkpoint.
GAP = "\n\n"


class Remembered:
    """What was seen of the log at one address."""

    def __init__(self, where: str, folder: Path | None = None) -> None:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        name = f"{digest(where.encode())[:32]}.log"
        self._path = (folder or Path(base) / "grid" / "audit") / name

    def read(self) -> tuple[list[Key], Checkpoint | None]:
        """The keys and the checkpoint that were seen last; raises Unreadable."""
        try:
            text = self._path.read_text("utf-8")
        except FileNotFoundError:
            return [], None
        except (OSError, UnicodeDecodeError) as error:
            raise Unreadable(f"{self._path}: {error}") from error
        keys, _, note = text.partition(GAP)
        try:
            found = [notes.key(line) for line in keys.split("\n")]
            return found, notes.checkpoint(notes.parse(note).text)
        except BadNote as error:
            raise Unreadable(f"{self._path}: {error}; remove it to begin anew") from error

    def keep(self, keys: Sequence[Key], note: str) -> None:
        """Remember a checkpoint that held, and who signed it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text("\n".join(map(str, keys)) + GAP + note, "utf-8")
        fresh.replace(self._path)
