"""This file is where it stands what a measurement says of one crowd under one way of verifying."""

from __future__ import annotations

import math

from msgspec import Struct


class Measured(Struct, frozen=True, kw_only=True):
    """Counts over the work units of one seed; add them up for more."""

    work_units: int
    wrong: int
    #: Every copy that went out: for the verdict, traps, probation, decoys, retries.
    copies: int
    #: Work units that the server computed, and how many of these settled disputes.
    trusted: int = 0
    disputes: int = 0
    #: Accepted below the target error, and how many of these are wrong.
    below: int = 0
    below_wrong: int = 0
    retracted: int = 0
    saboteurs: int = 0
    saboteurs_banned: int = 0
    flaky_banned: int = 0
    honest_banned: int = 0
    identities: int = 0

    @property
    def unlabelled(self) -> int:
        """Wrong answers that nothing warns of."""
        return self.wrong - self.below_wrong

    @property
    def error(self) -> float:
        """Wrong answers, not labelled as below the target, a work unit."""
        return self.unlabelled / self.work_units

    @property
    def error_upper(self) -> float:
        """95 % upper bound of the error rate."""
        return poisson_upper(self.unlabelled) / self.work_units


def together(parts: list[Measured]) -> Measured:
    """Several seeds as one."""
    names = Measured.__struct_fields__
    return Measured(**{name: sum(getattr(one, name) for one in parts) for name in names})


def poisson_upper(count: int, miss: float = 0.05) -> float:
    """The largest mean under which `count` events or fewer are still as likely as `miss`.

    Garwood's exact one-sided limit (Biometrika 28, 1936), by halving.
    """
    low, high = float(count), count + 10 * math.sqrt(count + 1) + 10
    for _ in range(100):
        mean = (low + high) / 2
        term = total = math.exp(-mean)
        for number in range(1, count + 1):
            term *= mean / number
            total += term
        low, high = (mean, high) if total > miss else (low, mean)
    return (low + high) / 2
