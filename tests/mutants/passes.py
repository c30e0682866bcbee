"""This file is where it is noted which lines of the rules each test passes through.

A bug in a line that a test never reaches cannot be found by it: so a planted bug meets those that
reach its line, and no others.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

#: A file, relative to the tree, and a line of it.
Line = tuple[str, int]


@dataclass(frozen=True)
class Pass:
    """A test that passed without any bug, and the lines that it passed through."""

    name: str
    seconds: float
    lines: frozenset[Line]


@dataclass(frozen=True)
class Passes:
    """What a stage's tests did without any bug."""

    tests: Sequence[Pass] = ()
    #: Lines that ran when modules were imported: what follows from them may show in any test.
    imported: frozenset[Line] = frozenset()

    def through(self, file: str, lines: Collection[int]) -> list[Pass]:
        """The tests that a bug in some lines of a file should meet, quickest first.

        For lines that run on import that is every test, those that use the file before others.
        """
        wanted = {(file, line) for line in lines}
        if wanted & self.imported:
            used = {one.name: any(name == file for name, _ in one.lines) for one in self.tests}
            return sorted(self.tests, key=lambda one: (not used[one.name], one.seconds))
        met = [one for one in self.tests if wanted & one.lines]
        return sorted(met, key=lambda one: one.seconds)


@dataclass
class Tracer:
    """Notes the lines of some files as they run, in every thread."""

    #: Absolute path → the name it is noted by.
    names: dict[str, str]
    lines: set[Line] = field(default_factory=set)

    def start(self) -> None:
        threading.settrace(self._called)
        sys.settrace(self._called)

    def taken(self) -> frozenset[Line]:
        """What has run since this was last asked."""
        lines, self.lines = self.lines, set()
        return frozenset(lines)

    def _called(self, frame: FrameType, event: str, arg: object) -> Any:
        return self._ran if frame.f_code.co_filename in self.names else None

    def _ran(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "line":
            self.lines.add((self.names[frame.f_code.co_filename], frame.f_lineno))
        return self._ran
