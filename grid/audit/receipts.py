"""This file is where a volunteer's receipts are held against the log: it kept all."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from grid.audit import log
from grid.audit.faults import Broken, Unreadable
from grid.audit.log import Read
from grid.auditlog import proofs
from grid.auditlog.merkle import ProofRefused
from grid.auditlog.notes import BadNote, Checkpoint, Key
from grid.auditlog.proofs import Proof


class Receipt(Struct, frozen=True, kw_only=True):
    """A proof that somebody was given once."""

    name: str
    proof: Proof


def receipt(name: str, text: str) -> Receipt:
    """A `.tlog-proof`; raises Unreadable."""
    try:
        return Receipt(name=name, proof=proofs.parse(text))
    except BadNote as error:
        raise Unreadable(f"{name}: no receipt: {error}") from error


class Held:
    """Receipts that wait for their leaves to come by."""

    def __init__(self, receipts: Iterable[Receipt], keys: Iterable[Key]) -> None:
        """Raises Broken for a receipt that proves nothing by itself."""
        self._by_leaf: dict[int, list[Receipt]] = {}
        #: What the receipts say of the log's past.
        self._trees: dict[str, Checkpoint] = {}
        known = list(keys)
        for one in receipts:
            try:
                self._trees[one.name] = proofs.verify(one.proof, one.proof.extra, known)
            except (BadNote, ProofRefused) as error:
                raise Broken(f"the receipt {one.name} is not of this log: {error}") from error
            self._by_leaf.setdefault(one.proof.index, []).append(one)

    def check(self, tree: Checkpoint, read: Read) -> None:
        """Raises Broken unless the tree continues each that a receipt was given under."""
        for name, earlier in self._trees.items():
            try:
                log.continues(earlier, tree, read)
            except Broken as error:
                said = f"a result was left out although there is the receipt {name}: {error}"
                raise Broken(said) from error

    def see(self, index: int, leaf: bytes) -> None:
        """A leaf of the log; raises Broken when a receipt says that it was another one."""
        for one in self._by_leaf.pop(index, ()):
            if one.proof.extra != leaf:
                raise Broken(
                    f"a result was left out: leaf {index} is not the one that the receipt "
                    f"{one.name} was given for"
                )

    def close(self) -> None:
        """Raises Broken when a receipt's leaf never came."""
        if self._by_leaf:
            index, receipts = next(iter(self._by_leaf.items()))
            raise Broken(
                f"a result was left out: the receipt {receipts[0].name} is for leaf {index}, "
                "which is not in the log"
            )
