"""This file is where an expression becomes JavaScript: straight lines over one row.

Three-valued logic is two questions: `true` asks whether an expression is true, `false` whether it
is false; NULL is neither. Each answer is one constant of the program, 0/1 or false/true, made at
most once and without branches. What is asked of a dictionary column alone is answered once for
each entry of the dictionary (`grid.codegen.emission.lifted`) and looked up by code; what reads no
column is computed once, before the rows. What can fail has flags of its own beside its value.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Set
from typing import Any

from msgspec.structs import replace

from grid.codegen.cells import (
    EXACT_POWER_MAX,
    NULL,
    Cell,
    Form,
    bounds_of,
    form_of,
)
from grid.codegen.emission import EMISSION, lifted
from grid.codegen.emission.logic import FAULTS, truth
from grid.codegen.frame import Frame
from grid.codegen.tree import Call, ColumnRef, Expr, Literal, walk
from grid.codegen.types import BOOLEAN, TEXT, Kind, type_of
from grid.items import Column, PhysicalType

DICTIONARIES = lifted.DICTIONARIES
#: Codes are never negative and below 2¹⁵; the mask also proves to the checker that it is an index.
CODE_MASK = lifted.CODE_MASK
#: Name of a flag that is 1 (or true) where a row fails, and the number of the place where.
Fault = tuple[str, int]


class Rows:
    """What one turn of a loop computes: over the rows of a chunk, a dictionary, or variables."""

    def __init__(
        self,
        frame: Frame,
        *,
        entry: tuple[Column, str, str] | None = None,
        constants: Rows | None = None,
        variables: Mapping[str, Cell] | None = None,
        outer: Rows | None = None,
    ) -> None:
        self.frame = frame
        #: Columns, by name, that are names of the program and stand in no chunk.
        self.variables = variables or {}
        #: The turn around this one: what reads its variables alone is computed there.
        self.outer = outer
        #: Statements of one turn, in order.
        self.lines: list[str] = []
        #: In a loop over a dictionary: its column, the name of the entry's text, and of its flag.
        self.entry = entry
        #: Answers given; what they are about is kept so that its id stays its own.
        self._memo: dict[tuple[int, str], tuple[Any, Any]] = {}
        #: What is made before the first row.
        if constants is None and outer is not None:
            constants = outer.constants
        self.constants: Rows = self if constants is None else constants
        if constants is None:
            self.constants = _Constants(frame)

    def const(self, letter: str, made: str) -> str:
        """A new constant of this turn."""
        name = self.frame.name(letter)
        self.lines.append(f"const {name} = {made};")
        return name

    def once(self, about: Any, question: str, answer: Callable[[], Any]) -> Any:
        """The answer to a question about a thing, made once."""
        key = (id(about), question)
        if key not in self._memo:
            self._memo[key] = (about, answer())
        return self._memo[key][1]

    def branch(self) -> Rows:
        """A block within this turn, behind a condition: it knows what was computed before it."""
        inner = Rows(
            self.frame,
            entry=self.entry,
            constants=self.constants,
            variables=self.variables,
            outer=self.outer,
        )
        inner._memo = dict(self._memo)
        return inner

    def true(self, expr: Expr) -> str:
        """A name or literal that is 1 (or true) where the expression is true, else 0 (or false)."""
        home = self.home(expr)
        return str(home.once(expr, "true", lambda: truth(home, expr, True)))

    def false(self, expr: Expr) -> str:
        """The same where the expression is false."""
        home = self.home(expr)
        return str(home.once(expr, "false", lambda: truth(home, expr, False)))

    def cell(self, expr: Expr) -> Cell:
        """The value of the expression in this row."""
        home = self.home(expr)
        found: Cell = home.once(expr, "cell", lambda: home._cell(expr))
        return found

    def faults(self, expr: Expr) -> tuple[Fault, ...]:
        """Flags of this row's failures in the expression, by the number of the place."""
        found: tuple[Fault, ...] = self.once(expr, "faults", lambda: self._faults(expr))
        return found

    def fault(self, *guarded: tuple[Expr | None, str]) -> tuple[str, str]:
        """Whether this row fails in any of the expressions where its guard is 1; and where.

        Both are names or literals: a flag, and the least number of a place (`failing.sites`).
        """
        flags = [
            (flag if guard == "1" else f"({flag} & {guard})", number)
            for expr, guard in guarded
            if expr is not None
            for flag, number in self.faults(expr)
        ]
        if not flags:
            return "0", "0"
        flags.sort(key=lambda flag: flag[1])
        any_of = self.const("f", " | ".join(flag for flag, _ in flags))
        chain = "".join(f"{flag} ? {number} : " for flag, number in flags)
        return any_of, f"{chain}0"

    def keep(self, where: Expr | None, *columns: Column) -> str:
        """1 where the condition is true and no column is NULL, else 0; a name, or 1 for always.

        A row that fails is not kept (`failures.counting` counts it).
        """
        asked = [] if where is None else [self.true(where)]
        asked += [name for column in columns for name in self.valid(column)]
        flag, _ = self.fault((where, "1"))
        if flag != "0":
            asked.append(f"!{flag}")
        return self.const("b", f"({' & '.join(asked)}) & 1") if asked else "1"

    def code(self, column: Column) -> str:
        """This row's code into the column's dictionary; any code where it is NULL."""
        values = self.frame.part(column, "values")
        return str(self.once(column, "code", lambda: self.const("d", f"{values}[i] & {CODE_MASK}")))

    def valid(self, column: Column) -> tuple[str, ...]:
        """The name that is 1 where the column is not NULL; none when it never is."""
        if not column.nullable:
            return ()
        bits = self.frame.part(column, "validity")
        made = f"({bits}[i >> 3] >> (i & 7)) & 1"
        return (self.once(column, "valid", lambda: self.const("v", made)),)

    def value(self, column: Column) -> str:
        """This row's element of the column's `values`, in its physical type."""
        values = self.frame.part(column, "values")
        return str(self.once(column, "value", lambda: self.const("a", f"{values}[i]")))

    def home(self, expr: Expr) -> Rows:
        """Where the expression is computed: before the rows if it reads no column, else in the
        innermost turn whose columns it reads."""
        if self.constants is self or (isinstance(expr, ColumnRef) and self.outer is None):
            return self
        names: frozenset[str] = self.once(
            expr,
            "reads",
            lambda: frozenset(x.column.name for x in walk(expr) if isinstance(x, ColumnRef)),
        )
        if not names:
            return self.constants
        home = self
        while home.outer is not None and home.outer.binds(names):
            home = home.outer
        return home

    def binds(self, names: Set[str]) -> bool:
        """Whether all these columns are variables of this turn or of one around it."""
        free = names - self.variables.keys()
        return not free or (self.outer is not None and self.outer.binds(free))

    def big(self, cell: Cell) -> Cell:
        """The whole number as a BigInt."""
        if cell.form is Form.BIG:
            return cell
        home = self.constants if cell.constant else self
        made = home.once(cell, "big", lambda: home.const("x", f"kit.widen({cell.text})"))
        return Cell(made, cell.valid, Form.BIG, cell.low, cell.high, constant=cell.constant)

    def double(self, cell: Cell, scale: int) -> Cell:
        """The number, a decimal of this scale, as the nearest double."""
        if cell.form is Form.DOUBLE:
            return cell
        home = self.constants if cell.constant else self
        made = home.once(
            cell, f"double{scale}", lambda: home.const("x", _double(home, cell, scale))
        )
        return Cell(made, cell.valid, Form.DOUBLE, constant=cell.constant)

    def whole(self, value: int, *, big: bool = False) -> Cell:
        """A whole number of the language's own, such as a power of ten."""
        form = Form.BIG if big else form_of(value, value)
        name = self.frame.fixed("big" if form is Form.BIG else "integer", str(value))
        return Cell(name, (), form, value, value, constant=True)

    def real(self, value: float) -> Cell:
        """A double of the language's own."""
        name = self.frame.fixed("double", struct.pack(">d", value).hex())
        return Cell(name, (), Form.DOUBLE, constant=True)

    def unlift(self, expr: Call) -> Cell:
        """The value of a call that no table of a dictionary holds, computed for this row."""
        self._memo[id(expr), "lifted"] = (expr, None)
        return self._cell(expr)

    def _cell(self, expr: Expr) -> Cell:
        if expr.kind is Kind.NULL:
            return NULL
        if isinstance(expr, Literal):
            return self._literal(expr)
        if isinstance(expr, ColumnRef):
            return self._column(expr.column)
        table = lifted.column_of(self, expr)
        if table is not None:
            return lifted.cell(self, expr, table)
        if expr.type == BOOLEAN and expr.op in ("and", "or", "not"):
            known = self.const("n", f"{self.true(expr)} | {self.false(expr)}")
            return Cell(self.true(expr), (known,), Form.FLAG)
        found = EMISSION[expr.op](self, expr)
        if found.valid == NULL.valid:
            return self._nothing(expr.kind)
        return replace(found, constant=True) if self.constants is self else found

    def _nothing(self, kind: Kind) -> Cell:
        """NULL in every row, in a form that its users can read."""
        if kind is Kind.TEXT:
            return replace(NULL, text=self.frame.fixed("text", ""), form=Form.TEXT)
        forms = {Kind.BOOLEAN: Form.FLAG, Kind.DOUBLE: Form.DOUBLE}
        return replace(NULL, form=forms.get(kind, Form.NUMBER))

    def _faults(self, expr: Expr) -> tuple[Fault, ...]:
        if not isinstance(expr, Call) or not any(
            id(item) in self.frame.numbers for item in walk(expr)
        ):
            return ()
        home = self.home(expr)
        if home is not self:
            return () if home is self.constants else home.faults(expr)
        table = lifted.column_of(self, expr)
        if table is not None:
            return lifted.faults(self, expr, table)
        return FAULTS.get(expr.op, _of_operands)(self, expr)

    def failed(self, expr: Call, flag: str) -> None:
        """Takes note of a flag that is 1 where this very call has no value for its operands."""
        before = self._memo.get((id(expr), "failed"))
        made = flag if before is None else self.const("e", f"{before[1]} | {flag}")
        self._memo[id(expr), "failed"] = (expr, made)

    def own_fault(self, expr: Call) -> tuple[Fault, ...]:
        """The flag that `failed` was told of when the call was computed."""
        self.cell(expr)
        flag = self._memo.get((id(expr), "failed"))
        return () if flag is None else ((flag[1], self.frame.numbers[id(expr)]),)

    def _literal(self, literal: Literal) -> Cell:
        value = literal.value
        frame = self.frame
        if value is None:
            return _null(self, literal.type.kind)
        if isinstance(value, bool):
            return Cell(frame.literal("integer", str(int(value))), (), Form.FLAG, constant=True)
        if isinstance(value, int):
            form = form_of(value, value)
            name = frame.literal("big" if form is Form.BIG else "integer", str(value))
            return Cell(name, (), form, value, value, constant=True)
        if isinstance(value, float):
            bits = struct.pack(">d", value).hex()
            return Cell(frame.literal("double", bits), (), Form.DOUBLE, constant=True)
        return Cell(frame.literal("text", str(value)), (), Form.TEXT, constant=True)

    def _column(self, column: Column) -> Cell:
        if column.name in self.variables:
            return self.variables[column.name]
        if self.entry is not None and self.entry[0] == column:
            return Cell(self.entry[1], (self.entry[2],), Form.TEXT)
        valid, type = self.valid(column), type_of(column)
        if type == TEXT:
            if column.physical not in DICTIONARIES:
                return Cell(self.value(column), valid, Form.TEXT)
            dictionary = self.frame.part(column, "dictionary")
            made = f"{dictionary}[{lifted.place(self, column)}]"
            return Cell(self.const("s", made), valid, Form.TEXT)
        if type == BOOLEAN:
            return Cell(self.value(column), valid, Form.FLAG)
        if type.kind is Kind.DOUBLE:
            return Cell(self.value(column), valid, Form.DOUBLE, nan=True)
        low, high = bounds_of(column, type)
        form = form_of(low, high)
        return Cell(_whole_column(self, column, form), valid, form, low, high)


class _Constants(Rows):
    """What is computed once: its lines stand before the first chunk."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame, constants=self)
        self.lines = frame.setup


def _null(rows: Rows, kind: Kind) -> Cell:
    """NULL in the form of a kind's other values."""
    form = {Kind.TEXT: Form.TEXT, Kind.BOOLEAN: Form.FLAG, Kind.DOUBLE: Form.DOUBLE}.get(kind)
    if form is None:
        return NULL
    text = rows.frame.fixed("text", "") if form is Form.TEXT else "0"
    return Cell(text, ("0",), form, constant=True)


def _whole_column(rows: Rows, column: Column, form: Form) -> str:
    if form is Form.NUMBER and column.physical in (PhysicalType.INT53, PhysicalType.INT64):
        numbers = rows.frame.part(column, "numbers")
        return str(rows.once(column, "number", lambda: rows.const("a", f"{numbers}[i]")))
    if column.physical is PhysicalType.INT128:
        values = rows.frame.part(column, "values")
        made = f"kit.long({values}[i << 1], {values}[(i << 1) | 1])"
        return str(rows.once(column, "number", lambda: rows.const("a", made)))
    return rows.value(column)


def _double(rows: Rows, cell: Cell, scale: int) -> str:
    """Rounds once: a Number is exact, and so are powers of ten up to 10^22."""
    if cell.form is Form.NUMBER and scale <= EXACT_POWER_MAX:
        return f"{cell.text} / {rows.whole(10**scale).text}" if scale else cell.text
    if not scale:
        return f"kit.narrow({cell.text})"
    return f"kit.ratio({rows.big(cell).text}, {rows.whole(10**scale, big=True).text})"


def _of_operands(rows: Rows, expr: Call) -> tuple[Fault, ...]:
    found = {number: flag for item in expr.args for flag, number in rows.faults(item)}
    found |= {number: flag for flag, number in rows.own_fault(expr)}
    return tuple((flag, number) for number, flag in found.items())
