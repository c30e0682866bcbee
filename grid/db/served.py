"""This file is where it is kept how much of the work that was shared out was each requester's.

A process counts what it hands out itself, and every few seconds tells the database and learns what
the others have done: between two looks processes may drift apart by what they hand out meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from grid.db import apply as writes
from grid.db.tables import RequesterShareRow, table
from grid.db.transaction import Transaction
from grid.dispatch import shares
from grid.dispatch.facts import Candidate, Offer

#: How often processes learn of each other: seldom beside thousands of exchanges a second.
LEARN_EVERY_S = 5
#: A requester of whose work some waited so lately, in any process, has stayed.
STAYING_S = 3 * LEARN_EVERY_S
#: Stands for jobs without a requester.
NOBODY = 0


class Served:
    """Requester → usual work units that its jobs were given, and what follows for the next."""

    def __init__(self) -> None:
        self._served: dict[int | None, float] = {}
        #: What was counted here and not told yet, and how far returning requesters were raised.
        self._given: dict[int | None, float] = {}
        self._raised: dict[int | None, float] = {}
        #: Requesters of whose work some waits.
        self._open: frozenset[int | None] = frozenset()
        self._learnt_at: int | None = None

    def in_turn(self, offers: Sequence[Offer]) -> list[Offer]:
        """Jobs in the order in which to look for their work.

        A requester that comes back starts with those that are served least: what it did not use
        is not saved up.
        """
        owners = frozenset(one.account_id for one in offers)
        staying = [self._served.get(owner, 0.0) for owner in owners & self._open]
        least = min(staying, default=0.0)
        for owner in owners - self._open:
            self._raised[owner] = least
            self._served[owner] = max(self._served.get(owner, 0.0), least)
        self._open = owners
        return shares.in_turn(offers, self._served)

    def queue(self, waiting: Sequence[Sequence[Candidate]]) -> list[Candidate]:
        """The waiting results of several jobs as one."""
        return shares.interleaved(waiting, self._served)

    def took(self, offer: Offer) -> None:
        """A result of this job went out."""
        weight, owner = shares.weight(offer), offer.account_id
        self._served[owner] = self._served.get(owner, 0.0) + weight
        self._given[owner] = self._given.get(owner, 0.0) + weight

    def learn(self, transaction: Transaction) -> bool:
        """Tell the database what was given here and learn what others gave, when it is time to;
        whether it was (requester_share's primary key)."""
        now = transaction.now
        if self._learnt_at is not None and 0 <= now - self._learnt_at < LEARN_EVERY_S:
            return False
        first, self._learnt_at = self._learnt_at is None, now
        changed = self._open | self._given.keys()
        writes.add_shares(
            transaction.connection,
            [
                (owner or NOBODY, self._given.get(owner, 0.0), self._raised.get(owner, 0.0))
                for owner in sorted(changed, key=lambda one: one or NOBODY)
            ],
            now,
        )
        self._given, self._raised = {}, {}
        totals = self._totals(transaction)
        self._served |= totals
        if first:  # of those who stayed, some may have stayed with another process
            self._open = frozenset(totals)
        return True

    def _totals(self, transaction: Transaction) -> Mapping[int | None, float]:
        rows = table(RequesterShareRow)
        found = transaction.connection.execute(
            select(rows.c.account_id, rows.c.served).where(
                rows.c.open_at > transaction.now - STAYING_S
            )
        )
        return {row.account_id or None: row.served for row in found}
