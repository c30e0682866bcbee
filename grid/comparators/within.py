"""This file is where outputs are the same answer when their numbers are within a tolerance."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from itertools import combinations

from grid import canonical
from grid.comparators.base import Answer, Comparator, distinct
from grid.comparators.clusters import Gaps, clusters
from grid.comparators.places import places, readable, some
from grid.items import Json

#: A number inside a text: a double takes 25 characters, an exact sum of doubles 650 digits.
NUMBER = re.compile(r"-?[0-9]{1,1000}(?:\.[0-9]{1,1000})?(?:[eE][+-]?[0-9]{1,3})?")
#: What stands for a compared number in the rest of the output, which holds no floats itself.
WHOLE, SPELLED = 0.5, 1.5
#: Numbers compared for one work unit, pair by pair, beyond which its answers stay apart: about a
#: second, since strangers decide how many different answers there are.
COMPARISONS_MAX = 1_000_000
#: Distances have so many digits; the numbers themselves are never rounded.
ARITHMETIC = Context(prec=34, traps=[])

Numbers = tuple[Decimal, ...]


class Within(Comparator):
    """Equal but for numbers at `fields` (`places`), which may differ by a tolerance.

    Numbers are whole numbers or decimal texts; anything else there, "NaN" among it, must be equal.
    Two numbers agree when they differ by at most `absolute`, or by at most `relative` times the
    larger one's size; two outputs agree when all their numbers do. Tolerances and margin are given
    as decimal text, so that 0.1 is 0.1. Agreeing is not transitive: `clusters` says what becomes a
    group, with `margin` in tolerances.
    """

    def __init__(
        self, *fields: str, absolute: str | int = 0, relative: str | int = 0, margin: str | int = 1
    ) -> None:
        self._fields = some(fields)
        self._absolute, self._relative = _size(absolute), _size(relative)
        self._reach = ARITHMETIC.add(Decimal(1), _size(margin))
        if not self._absolute and not self._relative:
            raise ValueError("a tolerance is more than 0")

    def groups(self, answers: Sequence[Answer]) -> dict[int, str]:
        counts = Counter(answer.digest for answer in answers)
        keys = {digest: digest for digest in counts}
        alike: dict[str, dict[str, Numbers]] = {}
        for digest, output in distinct(answers).items():
            form, numbers = self._shape(output)
            if form is not None:
                alike.setdefault(form, {})[digest] = numbers
        for points in alike.values():
            pairs = len(points) * (len(points) - 1) // 2
            if pairs * len(next(iter(points.values()))) <= COMPARISONS_MAX:
                keys |= clusters(list(points), self._gaps(points), counts)
        return {answer.id: keys[answer.digest] for answer in answers}

    def _shape(self, output: str) -> tuple[str | None, Numbers]:
        """The output without its numbers, and the numbers in their order; None if unreadable."""
        numbers = []
        try:
            root = readable(output)
            for field in self._fields:
                for holder, key in places(root, field):
                    number = _number(holder[key])
                    if number is not None:
                        numbers.append(number)
                        holder[key] = WHOLE if isinstance(holder[key], int) else SPELLED
            return canonical.dumps_facts(root).decode(), tuple(numbers)
        except ValueError:
            return None, ()

    def _gaps(self, points: Mapping[str, Numbers]) -> Gaps:
        """How far apart any two are that are not beyond tolerance and margin."""
        found = {}
        for one, other in combinations(points, 2):
            gap = self._gap(points[one], points[other])
            if gap is not None:
                found[one, other] = found[other, one] = gap
        return found

    def _gap(self, one: Numbers, other: Numbers) -> Decimal | None:
        """The largest difference in units of the tolerance; None beyond tolerance and margin."""
        largest = Decimal(0)
        for a, b in zip(one, other, strict=True):
            if a == b:
                continue
            size = max(a.copy_abs(), b.copy_abs())
            allowed = max(self._absolute, ARITHMETIC.multiply(self._relative, size))
            gap = ARITHMETIC.divide(ARITHMETIC.subtract(a, b).copy_abs(), allowed)
            if gap > self._reach:
                return None
            largest = max(largest, gap)
        return largest


def _number(value: Json) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(value) if NUMBER.fullmatch(value) else None
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _size(value: str | int) -> Decimal:
    """A tolerance or margin; raises ValueError unless it is a decimal number of at least 0."""
    size = _number(value)
    if size is None or size < 0:
        raise ValueError(f"{value!r} is no decimal number of at least 0")
    return size
