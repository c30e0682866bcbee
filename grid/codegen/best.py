"""This file is where the best few of many values are kept in Python, each with its places.

An entry is `[places, value]`; the best stand first, of equal values those with the least places.
NULL and NaN are never among them.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from grid.codegen import answers
from grid.codegen.types import Type
from grid.items import Json

Entry = tuple[Sequence[int], Any]


class Best(Struct, frozen=True):
    """How many are kept, and whether the greatest are the best."""

    size: int
    most: bool

    def of(self, entries: Iterable[Entry]) -> list[Entry]:
        """The best of them, in order."""
        known = (one for one in entries if not _nothing(one[1]))
        return heapq.nsmallest(self.size, known, key=self._key)

    def _key(self, entry: Entry) -> tuple[Any, Sequence[int]]:
        places, value = entry
        return (-value if self.most else value), places

    def checked(self, found: Sequence[Json], type: Type, count: int) -> list[Entry]:
        """The entries that an output claims to be the best of `count` values.

        Raises ValueError unless they could be: as many as there are, each once, and in order.
        """
        if len(found) != min(self.size, count):
            raise ValueError(f"{len(found)} entries of {count} values")
        entries = read(found, type)
        if any(_nothing(value) for _, value in entries):
            raise ValueError("NULL and NaN are never the best")
        keys = [self._key(entry) for entry in entries]
        if any(one >= other for one, other in itertools.pairwise(keys)):
            raise ValueError("the best come first, each once")
        return entries


def spelled(entries: Iterable[Entry]) -> Json:
    """The entries as outputs have them: places, then the value."""
    return [[*places, answers.spelled(value)] for places, value in entries]


def read(found: Iterable[Json], type: Type) -> list[Entry]:
    """The entries that `spelled` made."""
    return [(tuple(places), answers.read(value, type)) for *places, value in found]


def _nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
