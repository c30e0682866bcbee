"""This file is where a store dies at a commit, and comes back from the bytes it left on the disk.

Before the commit, the files are set aside with the transaction still open; after it, before anyone
was answered. What the dying process would have tidied up is thrown away.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import TypeVar

import msgspec

from grid.db.store import Store
from grid.db.transaction import Entropy, Transaction
from grid.settings import Settings
from grid.simulation.invariants import Broken
from grid.simulation.scenario import Moment
from grid.simulation.settling import Remembering

T = TypeVar("T")

DATABASE = "grid.db"
#: What SQLite needs to recover: the database and its write-ahead log.
LEFT_BEHIND = (DATABASE, f"{DATABASE}-wal")
ASIDE = "left-behind"


class Crash(BaseException):
    """The server has died; no handler of ordinary errors may survive it."""


class _Died(Exception):
    """Carries a crash out of the writer's thread."""


class Fates:
    """Decides at each commit whether the server dies; counts over all its lives."""

    def __init__(self, share: float, fixed: Mapping[int, Moment], stream: Random) -> None:
        self._share, self._fixed, self._stream = share, fixed, stream
        self.commits = 0
        self.crashes: Counter[Moment] = Counter()
        #: Nobody dies while this is set.
        self.spared = False

    def next(self) -> Moment | None:
        """The fate of the next commit."""
        self.commits += 1
        drawn, moment = self._stream.random(), self._stream.choice(list(Moment))
        if self.spared:
            return None
        fate = moment if drawn < self._share else self._fixed.get(self.commits)
        if fate is not None:
            self.crashes[fate] += 1
        return fate


class MortalStore(Store):
    """The real store; each commit may be its last. After a Crash, only `bury` it."""

    def __init__(
        self, settings: Settings, clock: Callable[[], float], entropy: Entropy, fates: Fates
    ) -> None:
        self._fates = fates
        #: A decision that did not settle: daemons keep one job's trouble to themselves.
        self.broken: Broken | None = None
        super().__init__(settings, clock, entropy)
        self._decisions = Remembering(settings)
        self.context = msgspec.structs.replace(self.context, snapshots=self._decisions)

    def write(self, command: Callable[[Transaction], T]) -> T:
        """As the store does; raises Crash, or Broken where what was decided does not settle."""
        fate = self._fates.next()

        def checked(transaction: Transaction) -> T:
            value = command(transaction)
            try:
                self._decisions.check(transaction)
            except Broken as error:
                self.broken = error
                raise
            return value

        if fate is Moment.BEFORE:
            try:
                super().write(lambda transaction: self._die(checked, transaction))
            except _Died:
                raise Crash from None
        value = super().write(checked)
        if fate is Moment.AFTER:
            self._set_aside()
            raise Crash
        return value

    def bury(self) -> None:
        """Close what is left of a crashed store, and put its folder back to the crash's bytes."""
        self.close()
        folder = self.settings.data_dir
        for path in folder.glob(f"{DATABASE}*"):
            path.unlink()
        for path in (folder / ASIDE).iterdir():
            path.rename(folder / path.name)

    def _die(self, command: Callable[[Transaction], T], transaction: Transaction) -> T:
        command(transaction)
        self._set_aside()
        raise _Died

    def _set_aside(self) -> None:
        folder = self.settings.data_dir
        aside = folder / ASIDE
        aside.mkdir(exist_ok=True)
        for name in LEFT_BEHIND:
            if (folder / name).exists():
                shutil.copyfile(folder / name, aside / name)
