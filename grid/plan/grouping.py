"""This file is where rows become groups in JavaScript: which one a row belongs to.

A key of few possible values (a flag, a dictionary's codes, a whole number within proved bounds) is
a small number. Where the product of all their ranges is small, a group's place stands in an array
at the combination of its keys. Else combinations, and values that are no such numbers, are
numbered as they come, by the kit.
"""

from __future__ import annotations

from msgspec import Struct

from grid.chunks import DICT8_CODES_MAX, DICTIONARY_CODES_MAX
from grid.codegen.cells import Form
from grid.codegen.javascript import DICTIONARIES
from grid.codegen.tree import ColumnRef, Expr
from grid.items import PhysicalType
from grid.plan.query import GROUPS_MAX
from grid.plan.states import States, valid

#: Elements of the array of groups by their keys: 1 MB.
DIRECT_MAX = 1 << 18
#: Every whole number up to here is a double; so are the values of a key less the least of them.
EXACT_MAX = 2**53
RANGE_MAX = 2**52
SPELLED = {
    Form.NUMBER: "kit.digits({})",
    Form.BIG: "kit.decimal({})",
    Form.DOUBLE: "kit.bits({} + 0)",
    Form.FLAG: "({}) === 1",
    Form.TEXT: "{}",
}


class _Code(Struct, frozen=True):
    """A whole number of 0 to `size` − 1 that tells groups apart."""

    text: str
    size: int


class Grouping:
    """The lines that give each row of a group its number `g`, from 0, in the order they come."""

    def __init__(self, states: States, keys: tuple[Expr, ...]) -> None:
        self.states, self.rows, self.frame = states, states.rows, states.rows.frame
        #: Lines before the first chunk.
        self.before: list[str] = []
        #: Lines of a kept row; behind them `g` is its group.
        self.lines: list[str] = []
        #: Names of the lists of each key's values.
        self.lists: list[str] = []
        self._spelled: list[str] = []
        self._place([self._key(key) for key in keys])

    def _key(self, expr: Expr) -> _Code:
        """A key's code, and how its value is spelled when a group begins."""
        fault, _ = self.rows.fault((expr, "1"))
        flags = [*valid(self.rows, expr), *([] if fault == "0" else [f"!{fault}"])]
        known = " & ".join(flags) or "1"
        code, spelled = self._code(expr, known)
        values = self.frame.name("y")
        self.before.append(f"const {values} = kit.list();")
        self.lists.append(values)
        shown = spelled if known == "1" else f"{known} ? {spelled} : null"
        self._spelled.append(f"kit.push({values}, {shown});")
        return code

    def _code(self, expr: Expr, known: str) -> tuple[_Code, str]:
        if isinstance(expr, ColumnRef) and expr.column.physical in DICTIONARIES:
            code = self.rows.code(expr.column)
            dictionary = self.frame.part(expr.column, "dictionary")
            few = expr.column.physical is PhysicalType.DICT8
            size = DICT8_CODES_MAX if few else DICTIONARY_CODES_MAX
            return self._small(code, size, known), f"{dictionary}[{code}]"
        cell = self.rows.cell(expr)
        spelled = SPELLED[cell.form].format(cell.text)
        if cell.form is Form.FLAG:
            return self._small(f"({cell.text} & 1)", 2, known), f"({cell.text} & 1) === 1"
        if cell.form is Form.NUMBER and cell.high - cell.low < RANGE_MAX:
            if not cell.low:
                return self._small(cell.text, cell.high + 1, known), spelled
            low = self.rows.whole(cell.low).text
            size = cell.high - cell.low + 1
            return self._small(f"({cell.text} - {low})", size, known), spelled
        if cell.form is Form.NUMBER:
            return self._numbered("seats", "seated", cell.text, known), spelled
        return self._numbered("names", "named", cell.text, known), spelled

    def _small(self, text: str, size: int, known: str) -> _Code:
        if known == "1":
            return _Code(text, size)
        return _Code(f"({known} ? {text} : {size})", size + 1)

    def _numbered(self, table: str, find: str, value: str, known: str = "1") -> _Code:
        """The value's number among those that came: 0 for NULL, from 1 on for the others."""
        held, number = self.frame.name("w"), self.frame.name("w")
        self.before.append(f"const {held} = kit.{table}(limit);")
        found = f"kit.{find}({held}, {value})"
        self.lines.append(
            f"const {number} = {found if known == '1' else f'{known} ? {found} : 0'};"
        )
        return _Code(number, GROUPS_MAX + 2)

    def _place(self, codes: list[_Code]) -> None:
        """Joins the keys' codes, and finds the group where they lead."""
        code = codes[0]
        for each in codes[1:]:
            if code.size * each.size > EXACT_MAX:
                code = self._numbered("seats", "seated", code.text)
            if code.size * each.size > EXACT_MAX:
                each = self._numbered("seats", "seated", each.text)
            code = _Code(f"({code.text} * {each.size} + {each.text})", code.size * each.size)
        begun = ["found += 1;", *self._spelled]
        if code.size <= DIRECT_MAX:
            self.before.append(f"const places = kit.integers({code.size});")
            self.lines += [
                f"const code = {code.text} | 0;",
                "if (places[code] === 0) {",
                "if (found < limit) {",
                *begun,
                "places[code] = found;",
                "} else {",
                "full = 1;",
                "places[code] = room;",
                "}",
                "}",
                "const g = (places[code] - 1) | 0;",
            ]
            return
        number = self._numbered("seats", "seated", code.text).text
        self.lines += [
            f"if ({number} > found) {{",
            f"if ({number} === room) {{",
            "full = 1;",
            "} else {",
            *begun,
            "}",
            "}",
            f"const g = ({number} - 1) | 0;",
        ]
