"""This file is where the reference computes with text: code points, ASCII case, patterns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from grid.codegen.failing import Failure
from grid.codegen.reference import similar
from grid.codegen.tree import Call

#: UTF-16 units of the longest text that is made: nested `replace` could fill any memory.
TEXT_UNITS_MAX = 2**20
_LOWER = {code: code + 32 for code in range(65, 91)}
_UPPER = {code: code - 32 for code in range(97, 123)}
#: What trim takes away when nothing else is asked: Unicode's space separators (Zs), as in DuckDB.
SPACES = " \u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"


def units(text: str) -> int:
    """Its length in UTF-16 units."""
    return len(text) + sum(char > "\uffff" for char in text)


def short(text: str) -> str:
    """The text; raises Failure when it is longer than texts may be."""
    if units(text) > TEXT_UNITS_MAX:
        raise Failure
    return text


def matches(pattern: str, text: str) -> bool:
    """Whether `text` is LIKE `pattern`, by the set of places in the pattern that may be reached."""
    end = len(pattern)
    reached = _skip({0}, pattern)
    for char in text:
        step = {
            at if pattern[at] == "%" else at + 1
            for at in reached
            if at < end and pattern[at] in ("%", "_", char)
        }
        reached = _skip(step, pattern)
        if not reached:
            return False
    return end in reached


def _skip(places: set[int], pattern: str) -> set[int]:
    """These places, and those behind a % that stands there."""
    found = set()
    for at in places:
        found.add(at)
        while at < len(pattern) and pattern[at] == "%":
            at += 1
            found.add(at)
    return found


def _replaced(text: str, old: str, new: str) -> str:
    if not old:
        return text
    if units(text) + text.count(old) * (units(new) - units(old)) > TEXT_UNITS_MAX:
        raise Failure
    return text.replace(old, new)


def _part_of(text: str, start: int, *length: int) -> str:
    """Code points from `start` (1 is the first, −1 the last); a negative length goes backwards."""
    first = start - 1 if start > 0 else len(text) + start if start < 0 else -1
    if not length:
        return text[max(first, 0) :]
    if start < 0:
        first = max(first, 0) if length[0] < 0 else first
    end = first + length[0]
    return text[max(min(first, end), 0) : max(first, end, 0)]


def _piece(text: str, separator: str, number: int) -> str:
    pieces = text.split(separator) if separator else list(text) or [""]
    at = number - 1 if number > 0 else len(pieces) + number
    return pieces[at] if number and 0 <= at < len(pieces) else ""


def _plain(function: Callable[..., Any]) -> Callable[[Call], Callable[..., Any]]:
    return lambda call: function


FUNCTIONS: Mapping[str, Callable[[Call], Callable[..., Any]]] = {
    "||": _plain(lambda one, two: short(one + two)),
    "like": _plain(lambda text, pattern: matches(pattern, text)),
    "lower": _plain(lambda text: text.translate(_LOWER)),
    "upper": _plain(lambda text: text.translate(_UPPER)),
    "trim": _plain(lambda text, chars=SPACES: text.strip(chars) if chars else text),
    "ltrim": _plain(lambda text, chars=SPACES: text.lstrip(chars) if chars else text),
    "rtrim": _plain(lambda text, chars=SPACES: text.rstrip(chars) if chars else text),
    "replace": _plain(_replaced),
    "substr": _plain(_part_of),
    "length": _plain(len),
    "position": _plain(lambda text, part: text.find(part) + 1),
    "starts_with": _plain(str.startswith),
    "ends_with": _plain(str.endswith),
    "split_part": _plain(_piece),
    "levenshtein": _plain(similar.levenshtein),
    "jaro_winkler_similarity": _plain(similar.jaro_winkler),
}
