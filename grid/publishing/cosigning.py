"""This file is where a log asks its witnesses for their cosignatures, and for what they have seen.

Witnesses are others' machines: whatever one says, or does not, costs at most its own cosignature.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx

from grid.auditlog import notes, witnessing
from grid.auditlog.notes import BadNote, Checkpoint, Key, Note, Signature
from grid.auditlog.policy import Member, Policy
from grid.auditlog.policy import parse as parse_policy
from grid.auditlog.witnessing import Request

T = TypeVar("T")

#: A witness that takes longer is asked again with the next checkpoint.
TIMEOUT_S = 5.0
#: Longer answers are nobody's cosignature, and no checkpoint.
ANSWER_BYTES_MAX = notes.NOTE_BYTES_MAX

#: (old, new) → the proof that a tree of `new` leaves continues that of `old`.
Prove = Callable[[int, int], list[bytes]]
#: Status and text of an answer; status 0 for none.
Answer = tuple[int, str]
SILENT: Answer = (0, "")


class Witnesses:
    """Those of a policy that have an address; remembers how far each has seen."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._asked = {n: one for n, one in policy.witnesses.items() if one.url is not None}
        self._sizes: dict[str, int] = {}

    def ask(self, note: Note, tree: Checkpoint, prove: Prove) -> Note:
        """The note with every cosignature that was to be had."""
        found = self._of_each(lambda http, name: self._cosigned(http, name, note, tree, prove))
        return Note(note.text, (*note.signatures, *(one for one in found if one is not None)))

    def newest(self, origin: str, keys: Sequence[Key]) -> Checkpoint | None:
        """The largest tree of the log `origin` that any witness has a checkpoint of, signed by one
        of `keys`; None when nobody shows one."""
        trees = [
            one
            for one in self._of_each(lambda http, name: self._shown(http, name, origin, keys))
            if one
        ]
        return max(trees, key=lambda one: one.size, default=None)

    def _of_each(self, ask: Callable[[httpx.Client, str], T]) -> list[T]:
        if not self._asked:
            return []
        with (
            httpx.Client(trust_env=False, timeout=TIMEOUT_S) as http,
            ThreadPoolExecutor(len(self._asked)) as pool,
        ):
            return list(pool.map(partial(ask, http), self._asked))

    def _cosigned(
        self, http: httpx.Client, name: str, note: Note, tree: Checkpoint, prove: Prove
    ) -> Signature | None:
        witness, old = self._asked[name], self._sizes.get(name, 0)
        for _ in range(2):  # once more when it has seen another tree than was thought
            request = Request(old, tuple(prove(old, tree.size)), note)
            where = f"{_address(witness)}/add-checkpoint"
            code, text = _asked(http, where, str(request).encode())
            if code == httpx.codes.OK:
                self._sizes[name] = tree.size
                return _line(text, witness, note)
            if code != httpx.codes.CONFLICT or (old := _size(text)) > tree.size:
                return None
        return None

    def _shown(
        self, http: httpx.Client, name: str, origin: str, keys: Iterable[Key]
    ) -> Checkpoint | None:
        where = f"{_address(self._asked[name])}/{witnessing.origin_hash(origin)}/checkpoint"
        code, text = _asked(http, where)
        try:
            note = notes.parse(text)
            notes.verified(note, keys)
            tree = notes.checkpoint(note.text)
        except BadNote:
            return None
        return tree if code == httpx.codes.OK and tree.origin == origin else None


def read_policy(path: Path) -> Policy:
    """The policy in a file. Raises OSError, UnicodeError, or BadPolicy, which names the line."""
    return parse_policy(path.read_text(encoding="utf-8"))


def _address(witness: Member) -> str:
    return (witness.url or "").rstrip("/")


def _asked(http: httpx.Client, where: str, content: bytes | None = None) -> Answer:
    """What somebody else's server answers, if it does so in time and in brief."""
    method, began, said = "GET" if content is None else "POST", time.monotonic(), b""
    try:
        with http.stream(method, where, content=content) as answer:
            for piece in answer.iter_bytes():
                said += piece
                if len(said) > ANSWER_BYTES_MAX or time.monotonic() - began > TIMEOUT_S:
                    return SILENT
            return answer.status_code, said.decode("utf-8", "replace")
    except (httpx.HTTPError, httpx.InvalidURL):
        return SILENT


def _size(text: str) -> int:
    try:
        return notes.number(text.strip())
    except BadNote:
        return 0


def _line(text: str, witness: Member, note: Note) -> Signature | None:
    """This witness's own cosignature, if it holds."""
    try:
        signed = notes.parse(f"{note.text}\n{text}")
    except BadNote:
        return None
    return signed.by(witness.key) if notes.cosigners(signed, [witness.key]) else None
