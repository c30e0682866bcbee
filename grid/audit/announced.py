"""This file is where a log's own word on its keys is followed: which sign it, from when on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grid.audit import log
from grid.audit.faults import Broken
from grid.auditlog import notes
from grid.auditlog.notes import BadNote, Key

#: As `grid.auditlog.entries` names them.
KEY, CHECKPOINTS = "key", "log"


class Announced:
    """The keys that a log named last, in leaves that were held against a signed tree."""

    def __init__(self) -> None:
        self.keys: list[Key] = []

    def watch(self, entries: Iterator[log.Entry]) -> Iterator[log.Entry]:
        """Passes entries on; raises Broken at one that names no keys."""
        for kind, facts, where in entries:
            if kind == KEY and facts.get("purpose") == CHECKPOINTS:
                try:
                    self.keys = [notes.key(str(one)) for one in facts["keys"]]
                except (BadNote, KeyError, TypeError) as error:
                    raise Broken(f"{where} announces keys that are none: {error!r}") from error
            yield kind, facts, where

    def check(self, text: str, trusted: Sequence[Key]) -> None:
        """Raises Broken when the checkpoint is signed by none of the keys the log names."""
        signers = notes.verified(notes.parse(text), trusted)
        if self.keys and not set(self.keys) & set(signers):
            raise Broken("the checkpoint is signed by a key that the log itself has retired")
