"""This file is where the newest checkpoint gets the cosignatures of witnesses, if there are any."""

from __future__ import annotations

from grid.auditlog import merkle, notes
from grid.db import published
from grid.db.store import Store
from grid.publishing.cosigning import Witnesses


class Cosigner:
    """Asks the witnesses of one server's policy."""

    def __init__(self, store: Store) -> None:
        self._witnesses = Witnesses(store.witness_policy)

    def do_pass(self, store: Store, now: int) -> int:
        """Ask every witness about a checkpoint that is not witnessed yet; how many cosigned it.

        It is published as witnessed once as many did as the policy wants.
        """
        policy, newest = self._witnesses.policy, published.checkpoint(store.log)
        if not policy.witnesses or newest is None:
            return 0
        text, tree = newest
        before = store.log.note(published.WITNESSED)
        if before is not None and notes.parse(before).text == notes.parse(text).text:
            return 0

        def prove(old: int, new: int) -> list[bytes]:
            with store.read() as connection:
                subtrees = published.subtrees(connection, store.log, new)
                return merkle.consistency_proof(old, new, subtrees)

        note = self._witnesses.ask(notes.parse(text), tree, prove)
        cosigned = len(policy.cosigned_by(note))
        if cosigned and policy.enough(note):
            store.log.keep_note(published.WITNESSED, str(note))
        return cosigned
