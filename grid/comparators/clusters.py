"""This file is where outputs that agree only nearly become groups.

Agreeing within a tolerance is not transitive: 1.0 and 1.8 may agree, and 1.8 and 2.6, but not 1.0
and 2.6. So every two of a group must agree, and the group must stand clear of all other answers by
a margin. Where answers hang together by less than that and do not all agree, those that the fewest
agree with stand aside, equals together, until the rest agree; and the rest are a group only if
they outnumber all who stood aside. So an answer between two equal camps helps neither, and a liar
just beside the truth cannot keep the honest from winning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Context, Decimal

#: Pairs of digests, both ways → their distance in tolerances: at most 1 is agreement. A pair that
#: is not here is further apart than tolerance and margin.
Gaps = Mapping[tuple[str, str], Decimal]
#: Digest → how many answers have it.
Counts = Mapping[str, int]

#: Sums of distances are rounded to so many digits, in the order of the digests.
ARITHMETIC = Context(prec=34, traps=[])


def clusters(digests: Sequence[str], gaps: Gaps, counts: Counts) -> dict[str, str]:
    """Digest → its group's key, for those that are in a group.

    The key is the member nearest to all others together, the least digest among several.
    """
    near = {
        one: {one} | {other for other in digests if _agree(gaps.get((one, other)))}
        for one in digests
    }
    keys = {}
    for connected in _components(digests, gaps):
        core = _core(connected, near, counts)
        if 2 * _answers(core, counts) > _answers(connected, counts):
            keys.update(dict.fromkeys(core, _medoid(sorted(core), gaps, counts)))
    return keys


def _agree(gap: Decimal | None) -> bool:
    return gap is not None and gap <= 1


def _components(digests: Sequence[str], gaps: Gaps) -> Iterator[set[str]]:
    """Sets that hang together by steps of at most tolerance and margin."""
    waiting = set(digests)
    while waiting:
        found: set[str] = set()
        edge = {waiting.pop()}
        while edge:
            found |= edge
            edge = {other for other in waiting if any((one, other) in gaps for one in edge)}
            waiting -= edge
        yield found


def _core(connected: set[str], near: Mapping[str, set[str]], counts: Counts) -> set[str]:
    """Those who all agree, once the least supported stood aside; may be none."""
    left = set(connected)
    while not all(near[one] >= left for one in left):
        support = {one: _answers(near[one] & left, counts) for one in left}
        least = min(support.values())
        left = {one for one in left if support[one] > least}
    return left


def _medoid(group: Sequence[str], gaps: Gaps, counts: Counts) -> str:
    def away(one: str) -> Decimal:
        total = Decimal(0)
        for other in group:
            if other != one:
                total = ARITHMETIC.fma(gaps[one, other], counts[other], total)
        return total

    return min(group, key=lambda one: (away(one), one))


def _answers(digests: Collection[str], counts: Counts) -> int:
    return sum(counts[digest] for digest in digests)
