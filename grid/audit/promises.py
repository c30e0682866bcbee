"""This file is where a server's promises are held against its log: what it signed when it took an
answer, and whether it kept to that.

A promise is a JSON file: `result_id`, `output` (the answer's SHA-256), and what `/work` answered,
`commitment`, `at` and `signature`.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from grid import statements
from grid.audit import log
from grid.audit.faults import Broken, Unchecked, Unreadable
from grid.auditlog import entries, notes
from grid.auditlog.entries import EntryKind
from grid.auditlog.notes import BadNote

#: A promise is due so long after it was made (docs/log.md).
DUE_S = 60
PURPOSE = "promise"
#: What a commitment hides of a vote.
HIDDEN = ("salt", "work_unit", "principal", "output")


class Promise(Struct, frozen=True, kw_only=True):
    """What a server signed when it took an answer."""

    result_id: str
    output: str
    commitment: str
    at: int
    signature: str
    name: str = ""

    def statement(self) -> bytes:
        """What was signed."""
        return statements.of_promise(self.result_id, self.output, self.commitment, self.at)


def promise(name: str, text: str) -> Promise:
    """A promise out of its file; raises Unreadable."""
    try:
        said = msgspec.json.decode(text, type=Promise)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Unreadable(f"{name}: no promise: {error}") from error
    return msgspec.structs.replace(said, name=name)


class Promised:
    """Promises that wait for their commitments to come by."""

    def __init__(self, promises: Iterable[Promise], clock: Callable[[], float] = time.time) -> None:
        self._all = {one.commitment: one for one in promises}
        self._open = dict(self._all)
        self._keys: set[str] = set()
        self._otherwise: list[str] = []
        self._clock = clock

    def see(self, index: int, leaf: bytes) -> None:
        """A leaf of the log; raises Broken when an entry lacks what it needs."""
        if not self._all:
            return
        for kind, facts, where in log.entries(index, leaf):
            try:
                self._take(kind, facts, where)
            except (KeyError, TypeError, BadNote) as error:
                raise Broken(f"{where}: a {kind} entry without what it needs: {error!r}") from error

    def _take(self, kind: str, facts: Mapping[str, Any], where: str) -> None:
        if kind == EntryKind.COMMIT:
            self._open.pop(facts["commitment"], None)
        elif kind == EntryKind.KEY and facts["purpose"] == PURPOSE:
            self._keys |= {_public(one) for one in facts["keys"]}
        elif kind == EntryKind.VERDICT:
            for vote in facts["votes"]:
                hidden = entries.commitment({name: vote[name] for name in HIDDEN})
                kept = self._all.get(hidden)
                if kept is not None and kept.output != vote["output"]:
                    self._otherwise.append(
                        f"{where}: the answer that {kept.name} was promised for was "
                        f"{kept.output}, and the verdict counts it as {vote['output']}"
                    )

    def close(self) -> None:
        """Raises Broken for a promise that is not of this log, or was not kept; Unchecked for one
        that is not due yet."""
        for one in self._all.values():
            if not any(statements.verify(k, one.signature, one.statement()) for k in self._keys):
                raise Broken(f"the promise {one.name} is not signed by a key that the log names")
        if self._otherwise:
            raise Broken(self._otherwise[0])
        for one in self._open.values():
            if self._clock() < one.at + DUE_S:
                raise Unchecked(f"the promise {one.name} is not due yet: audit again in a minute")
            raise Broken(
                f"a result was left out: the promise {one.name} is for the commitment "
                f"{one.commitment}, which is not in the log"
            )


def _public(vkey: object) -> str:
    return base64.b64encode(notes.key(str(vkey)).public).decode()
