"""This file is where a planted bug is a text: what the line was, what it becomes, and its file."""

from __future__ import annotations

import ast
import warnings
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mutants.operators import OPERATORS, tunable
from mutants.places import Enums, Place, is_tunable, places


@dataclass(frozen=True, order=True)
class Key:
    """What a planted bug is recognised by when lines have moved."""

    file: str
    #: Function or method it stands in; empty for the module itself.
    where: str
    line: str
    becomes: str
    #: Counts bugs that are the same in all of the above, from 1.
    nth: int = 1


@dataclass(frozen=True)
class Mutant:
    """A file with one planted bug."""

    key: Key
    operator: str
    #: From 1.
    line_number: int
    #: Those of the statement that it stands in, without what is nested in it.
    lines: range
    #: The whole file.
    source: str = field(repr=False)

    def __str__(self) -> str:
        place = f"{self.key.file}:{self.line_number} {self.key.where} [{self.operator}]"
        return f"{place}\n  - {self.key.line}\n  + {self.key.becomes}"


def mutants(file: str, source: str, enums: Enums) -> list[Mutant]:
    """Every bug that the operators plant in one file, in the order of its lines, none twice."""
    found: list[Mutant] = []
    seen: set[str] = {source}
    counts: Counter[Key] = Counter()
    text = _Text(source)
    for place in places(ast.parse(source), enums):
        for name, new in _replacements(place):
            first, end = text.span(place, whole_entry=name == "entry")
            mutated = text.replaced(first, end, new)
            if mutated in seen or not _compiles(mutated):
                continue
            seen.add(mutated)
            line, becomes = text.lines(first, end, new)
            key = Key(file, place.where, line, becomes)
            counts[key] += 1
            key = replace(key, nth=counts[key])
            found.append(Mutant(key, name, text.line_number(first), place.lines, mutated))
    return sorted(found, key=lambda one: one.line_number)


def _replacements(place: Place) -> Iterator[tuple[str, str]]:
    for operator in (tunable,) if is_tunable(place) else OPERATORS:
        for new in operator(place):
            yield operator.__name__, new


def _compiles(source: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("error", SyntaxWarning)
        try:
            compile(source, "mutant", "exec")
        except SyntaxError:
            return False
    return True


class _Text:
    """A source in UTF-8, as syntax trees count it."""

    def __init__(self, source: str) -> None:
        self.data = source.encode()
        self.starts = [0]
        for line in self.data.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def span(self, place: Place, whole_entry: bool) -> tuple[int, int]:
        """First byte and end of what is replaced: the item, or with its value if it is a key."""
        item = last = place.item
        if whole_entry and isinstance(place.parent, ast.Dict):
            last = place.parent.values[place.parent.keys.index(item)]  # type: ignore[arg-type]
        return (
            self.starts[item.lineno - 1] + item.col_offset,  # type: ignore[attr-defined]
            self.starts[last.end_lineno - 1] + last.end_col_offset,  # type: ignore[attr-defined]
        )

    def replaced(self, first: int, end: int, new: str) -> str:
        return (self.data[:first] + new.encode() + self.data[end:]).decode()

    def lines(self, first: int, end: int, new: str) -> tuple[str, str]:
        """The lines that the span touches, before and after, each as one line."""
        low = self.starts[self.line_number(first) - 1]
        high = self.starts[bisect_left(self.starts, end)]
        after = self.data[low:first] + new.encode() + self.data[end:high]
        return " ".join(self.data[low:high].decode().split()), " ".join(after.decode().split())

    def line_number(self, at: int) -> int:
        return bisect_left(self.starts, at + 1)
