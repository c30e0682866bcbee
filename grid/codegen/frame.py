"""This file is where a program's names are given: literals, columns, tables."""

from __future__ import annotations

from collections.abc import Sequence

from grid.codegen.failing import failing
from grid.codegen.tree import Expr
from grid.items import Column

#: What a column's part is made of, where it is not just read: a kit function, and of what.
MADE = {"dictionary": ("strings", "dictionary"), "numbers": ("numbers", "values")}


class Frame:
    """What the whole program declares around its loops over rows."""

    def __init__(self, columns: Sequence[Column], *expressions: Expr | None) -> None:
        #: The columns that the program reads, in the order it gets them.
        self.columns = list(columns)
        #: Every expression of the program that can fail must be given: id of a call → its number.
        self.numbers = failing(*expressions)
        #: The program's data: decimal integers, texts, and doubles as 16 hex digits.
        self.literals: list[str] = []
        #: Lines before the first chunk.
        self.setup: list[str] = []
        #: Lines of each chunk before its rows.
        self.chunk: list[str] = []
        self._made: set[str] = set()
        self._known: dict[tuple[str, str], str] = {}
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

    def fixed(self, reader: str, spelled: str) -> str:
        """The same for a value of the language's own, made once however often it is asked for."""
        key = (reader, spelled)
        if key not in self._known:
            self._known[key] = self.literal(reader, spelled)
        return self._known[key]

    def table(self, made: str, reader: str, spelled: Sequence[str]) -> str:
        """An array, of `kit.<made>`, of constants that `kit.<reader>` makes of these."""
        count, name, at = self.literal("times", str(len(spelled))), self.name("t"), self.name("e")
        base = len(self.literals)
        self.setup += [
            f"const {name} = kit.{made}({count});",
            f"for (let {at} = 0; {at} < {count}; {at}++) {{",
            f"{name}[{at}] = kit.{reader}(literals[({at} + {base}) | 0]);",
            "}",
        ]
        self.literals += spelled
        return name

    def part(self, column: Column, field: str) -> str:
        """A column's `values`, `validity` or `dictionary` in this chunk.

        The dictionary has an empty text behind its last, for NULL; `numbers` are the values of a
        column of 64 bits as doubles, where they fit.
        """
        number = self.columns.index(column)
        name = f"{field}{number}"
        if name not in self._made:
            self._made.add(name)
            if f"c{number}" not in self._made:
                self._made.add(f"c{number}")
                self.chunk.append(f"const c{number} = columns[{number}];")
            function, source = MADE.get(field, ("", field))
            read = f"c{number}.{source}"
            made = f"kit.{function}({read})" if function else read
            self.chunk.append(f"const {name} = {made};")
        return name
