"""This file is where it is read from a request what its volunteer chooses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grid.db import hosts
from grid.db.store import Store
from grid.dispatch import Wish
from grid.identifiers import Kind
from web.cache import Cache
from web.messages import WorkBody
from web.problems import bad_field

#: How long it is believed which account a name means, and that a job is open.
KNOWN_S = 10

NOTHING = Wish()


class Wishes:
    """Reads wishes for one server process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ids = store.keyring.identifiers
        self._selectors = store.context.sharing.selectors
        self._accounts: Cache[str, tuple[int | None, int]] = Cache(limit=10_000)
        self._jobs: Cache[int, tuple[bool, int]] = Cache(limit=10_000)

    def of(self, body: WorkBody, now: int) -> Wish:
        """What the request chooses; raises Problem naming the field.

        A requester or job that there is not is nobody's: naming it is no error, and nothing of it
        comes. A subscription to jobs ends with the last of them.
        """
        if body.selector is not None and body.selector not in self._selectors:
            known = ", ".join(self._selectors)
            raise bad_field("/selector", f"there is no such selector; there are {known}", 404)
        if not _chooses(body):
            return NOTHING
        return Wish(
            owners=tuple(self._owners(body.owners, now)) if body.owners else None,
            refuse_owners=frozenset(self._owners(body.refuse_owners, now)),
            topics=frozenset(body.topics),
            refuse_topics=frozenset(body.refuse_topics),
            job_types=frozenset(body.job_types),
            jobs=self._open(self._internal(Kind.JOB, body.jobs), now),
            slots=body.slots,
            until=None if body.leaves_in_s is None else now + body.leaves_in_s,
            selector=body.selector or "",
        )

    def holding(self, body: WorkBody) -> frozenset[int] | None:
        """The results the host says it holds; None when it does not say."""
        if body.holding is None:
            return None
        return frozenset(self._internal(Kind.RESULT, body.holding))

    def _internal(self, kind: Kind, public_ids: Sequence[str]) -> list[int]:
        found = (self._ids.internal(kind, one) for one in public_ids)
        return [one for one in found if one is not None]

    def _owners(self, names: Sequence[str], now: int) -> Iterable[int]:
        unknown = [name for name in names if self._accounts_of(name, now) is None]
        if unknown:
            with self._store.read() as connection:
                found = hosts.accounts(connection, unknown)
            for name in unknown:
                self._accounts.keep(name, (found.get(name), now + KNOWN_S))
        for name in names:
            known = self._accounts.get(name)
            if known is not None and known[0] is not None:
                yield known[0]

    def _accounts_of(self, name: str, now: int) -> tuple[int | None, int] | None:
        known = self._accounts.get(name)
        return known if known is not None and known[1] >= now else None

    def _open(self, numbers: Sequence[int], now: int) -> frozenset[int]:
        kept = {number: self._jobs.get(number) for number in numbers}
        stale = [number for number, known in kept.items() if known is None or known[1] < now]
        if stale:
            with self._store.read() as connection:
                still = hosts.open_among(connection, stale)
            for number in stale:
                self._jobs.keep(number, (number in still, now + KNOWN_S))
        return frozenset(number for number in numbers if (self._jobs.get(number) or (False, 0))[0])


def _chooses(body: WorkBody) -> bool:
    return bool(
        body.owners
        or body.refuse_owners
        or body.topics
        or body.refuse_topics
        or body.job_types
        or body.jobs
        or body.slots is not None
        or body.leaves_in_s is not None
        or body.selector
    )
