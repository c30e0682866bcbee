"""This file is where all chance comes from: one seed, and a stream of its own for each purpose.

A stream depends on the seed and its name only, so that a new purpose disturbs no other.
"""

from __future__ import annotations

import hashlib
import math
from random import Random

#: A digest's top 53 bits, times this, are a fraction below 1.
_STEP = 2.0**-53


class Draws:
    """Every stream of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def stream(self, *name: object) -> Random:
        """The stream of this name, from its beginning."""
        return Random(self._digest(name))  # noqa: S311 - foreseeable is what it must be

    def fraction(self, *name: object) -> float:
        """One number from 0 to below 1 that belongs to this name: the same whenever asked."""
        return (int.from_bytes(self._digest(name)[:8], "big") >> 11) * _STEP

    def number(self, below: int, *name: object) -> int:
        """One whole number below `below` that belongs to this name."""
        return int.from_bytes(self._digest(name), "big") % below

    def _digest(self, name: tuple[object, ...]) -> bytes:
        text = " ".join(map(str, (self._seed, *name)))
        return hashlib.sha256(text.encode()).digest()


def lognormal(stream: Random, median: float, sigma: float) -> float:
    """A positive number, `median` in the middle; sigma 1 makes a third of them 1.5× or more."""
    return median * math.exp(stream.gauss(0.0, sigma))
