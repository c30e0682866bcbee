"""This file is where a program's names are given: literals, columns, tables."""

from __future__ import annotations

from collections.abc import Sequence

from grid.items import Column


class Frame:
    """What the whole program declares around its loops over rows."""

    def __init__(self, columns: Sequence[Column]) -> None:
        #: The columns that the program reads, in the order it gets them.
        self.columns = list(columns)
        #: The program's data: decimal integers, texts, and doubles as 16 hex digits.
        self.literals: list[str] = []
        #: Lines before the first chunk.
        self.setup: list[str] = []
        #: Lines of each chunk before its rows.
        self.chunk: list[str] = []
        self._made: set[str] = set()
        self._count = 0

    def name(self, letter: str) -> str:
        """A name that nothing else in the program has."""
        self._count += 1
        return f"{letter}{self._count}"

    def literal(self, reader: str, spelled: str) -> str:
        """A constant that `kit.<reader>` makes of the spelled value, which is no program text."""
        name = f"k{len(self.literals)}"
        self.setup.append(f"const {name} = kit.{reader}(literals[{len(self.literals)}]);")
        self.literals.append(spelled)
        return name

    def part(self, column: Column, field: str) -> str:
        """A column's `values`, `validity` or (never empty) `dictionary` in this chunk."""
        number = self.columns.index(column)
        name = f"{field}{number}"
        if name not in self._made:
            self._made.add(name)
            if f"c{number}" not in self._made:
                self._made.add(f"c{number}")
                self.chunk.append(f"const c{number} = columns[{number}];")
            read = f"c{number}.{field}"
            made = f"kit.strings({read})" if field == "dictionary" else read
            self.chunk.append(f"const {name} = {made};")
        return name
