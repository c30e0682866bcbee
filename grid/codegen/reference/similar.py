"""This file is where the reference says how near two texts are, by their bytes in UTF-8."""

from __future__ import annotations

from fractions import Fraction

from grid.codegen.failing import Failure

#: The longest text that is compared: the edit distance takes the product of two lengths.
BYTES_MAX = 1024
#: Winkler's: where equal starts begin to count, how many bytes of them, and how much each.
BOOST_ABOVE, START_MAX, START_SHARE = 0.7, 4, 0.1


def _bytes(*texts: str) -> list[bytes]:
    spelled = [text.encode() for text in texts]
    if any(len(one) > BYTES_MAX for one in spelled):
        raise Failure
    return spelled


def levenshtein(one: str, other: str) -> int:
    """Bytes to put in, leave out or change; row by row of the table of all prefixes."""
    left, right = _bytes(one, other)
    above = list(range(len(right) + 1))
    for number, byte in enumerate(left, 1):
        row = [number]
        for at, theirs in enumerate(right):
            row.append(min(above[at] + (byte != theirs), above[at + 1] + 1, row[at] + 1))
        above = row
    return above[-1]


def jaro_winkler(one: str, other: str) -> float:
    """Jaro's similarity; above 0.7 equal starts bring it nearer to 1 (Winkler 1990)."""
    left, right = _bytes(one, other)
    found = _jaro(left, right)
    if found <= BOOST_ABOVE:
        return found
    start = 0
    while start < min(START_MAX, len(left), len(right)) and left[start] == right[start]:
        start += 1
    share, missing = start * START_SHARE, 1 - found
    # The product and the sum are kept in two doubles each, and rounded together.
    high = share * missing
    total = found + high
    low = float(Fraction(share) * Fraction(missing) - Fraction(high))
    lost = float(Fraction(found) + Fraction(high) - Fraction(total))
    return total + (lost + low)


def _jaro(left: bytes, right: bytes) -> float:
    """A third of the shares of matching bytes in both, and of the matches that are in order."""
    far = max(max(len(left), len(right)) // 2 - 1, 0)
    free = [True] * len(left)
    matched = []
    for at, byte in enumerate(right):
        for here in range(max(at - far, 0), min(at + far + 1, len(left))):
            if free[here] and left[here] == byte:
                free[here] = False
                matched.append(byte)
                break
    if not matched:
        return 0.0
    theirs = [byte for byte, unmatched in zip(left, free, strict=True) if not unmatched]
    moved = sum(x != y for x, y in zip(theirs, matched, strict=True)) // 2
    count = len(matched)
    return (count / len(left) + count / len(right) + (count - moved) / count) / 3
