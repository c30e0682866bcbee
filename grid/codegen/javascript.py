"""This file is where an expression becomes JavaScript: straight lines over one row.

Three-valued logic is two questions: `true` asks whether an expression is true, `false` whether it
is false; NULL is neither. Each answer is one constant of the program, 0/1 or false/true, made at
most once and without branches. What is asked of a dictionary column alone is answered once for
each entry of the dictionary and looked up by code.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct

from grid.codegen.arithmetic import (
    NULL,
    OPERATORS,
    RANGES,
    Form,
    Number,
    as_double,
    compared,
    form_of,
    whole,
)
from grid.codegen.frame import Frame
from grid.codegen.tree import (
    And,
    Arithmetic,
    Between,
    ColumnRef,
    Compare,
    Expr,
    In,
    IsNull,
    Kind,
    Like,
    Literal,
    Negate,
    Not,
    Or,
    children,
    walk,
)
from grid.items import Column, PhysicalType

DICTIONARIES = frozenset({PhysicalType.DICT8, PhysicalType.DICT16})
#: Codes are never negative and below 2¹⁵; the mask also proves to the checker that it is an index.
CODE_MASK = 32767


class Text(Struct, frozen=True):
    """A text value in the program; `valid` as in Number."""

    text: str
    valid: tuple[str, ...]


class Rows:
    """What one turn of a loop computes: over the rows of a chunk, or over a dictionary."""

    def __init__(self, frame: Frame, entry: tuple[Column, str] | None = None) -> None:
        self.frame = frame
        #: Statements of one turn, in order.
        self.lines: list[str] = []
        #: In a loop over a dictionary: its column, and the name of the entry's text.
        self._entry = entry
        #: Answers given; the expression is kept so that its id stays its own.
        self._memo: dict[tuple[int, str], tuple[Expr, Any]] = {}

    def const(self, letter: str, made: str) -> str:
        """A new constant of this turn."""
        name = self.frame.name(letter)
        self.lines.append(f"const {name} = {made};")
        return name

    def true(self, expr: Expr) -> str:
        """A name or literal that is 1 (or true) where the expression is true, else 0 (or false)."""
        return str(self._once(expr, "true", lambda: self._truth(expr, True)))

    def false(self, expr: Expr) -> str:
        """The same where the expression is false."""
        return str(self._once(expr, "false", lambda: self._truth(expr, False)))

    def number(self, expr: Expr) -> Number:
        """The value of a numeric expression."""
        found: Number = self._once(expr, "number", lambda: self._number(expr))
        return found

    def text(self, expr: Expr) -> Text:
        """The value of a text expression."""
        found: Text = self._once(expr, "text", lambda: self._text(expr))
        return found

    def code(self, column: Column) -> str:
        """This row's code into the column's dictionary; any code where it is NULL."""
        values = self.frame.part(column, "values")
        return str(
            self._once(column, "code", lambda: self.const("d", f"{values}[i] & {CODE_MASK}"))
        )

    def valid(self, column: Column) -> tuple[str, ...]:
        """The name that is 1 where the column is not NULL; none when it never is."""
        if not column.nullable:
            return ()
        bits = self.frame.part(column, "validity")
        made = f"({bits}[i >> 3] >> (i & 7)) & 1"
        return (self._once(column, "valid", lambda: self.const("v", made)),)

    def value(self, column: Column) -> str:
        """This row's element of the column's `values`."""
        values = self.frame.part(column, "values")
        return str(self._once(column, "value", lambda: self.const("a", f"{values}[i]")))

    def keep(self, where: Expr | None, *columns: Column) -> str:
        """1 where the condition is true and no column is NULL, else 0; a name, or 1 for always."""
        asked = [] if where is None else [self.true(where)]
        asked += [name for column in columns for name in self.valid(column)]
        return self.const("b", f"({' & '.join(asked)}) & 1") if asked else "1"

    def _once(self, about: Any, question: str, answer: Callable[[], Any]) -> Any:
        key = (id(about), question)
        if key not in self._memo:
            self._memo[key] = (about, answer())
        return self._memo[key][1]

    def _truth(self, expr: Expr, wanted: bool) -> str:
        match expr:
            case Literal():
                return self._flag(expr, wanted)
            case ColumnRef():
                value = self.value(expr.column)
                asked = value if wanted else f"({value} ^ 1)"
                return self.const("b", " & ".join((asked, *self.valid(expr.column))))
            case Not():
                return self.false(expr.item) if wanted else self.true(expr.item)
            case And() | Or():
                asked_all = [self.true(x) if wanted else self.false(x) for x in expr.items]
                joint = " & " if isinstance(expr, And) is wanted else " | "
                return self.const("b", joint.join(asked_all))
            case IsNull():
                known = self._known(expr.item)
                return self.const("b", f"({known}) ^ 1" if wanted else known)
            case Arithmetic() | Negate():
                return "0"
            case Compare() | Between() | In() | Like():
                column = self._dictionary_of(expr)
                if column is not None:
                    return self._looked_up(expr, column, wanted)
                return self._predicate(expr, wanted)

    def _flag(self, literal: Literal, wanted: bool) -> str:
        if literal.value is None:
            return "0"
        flag = str(
            self._once(
                literal,
                "flag",
                lambda: self.frame.literal("integer", "1" if literal.value else "0"),
            )
        )
        return flag if wanted else self.const("b", f"{flag} ^ 1")

    def _known(self, expr: Expr) -> str:
        """A condition that is 1 where the expression is not NULL."""
        if expr.kind is Kind.NULL:
            return "0"
        if isinstance(expr, ColumnRef):
            valid = self.valid(expr.column)
        elif expr.kind is Kind.BOOLEAN:
            return f"{self.true(expr)} | {self.false(expr)}"
        else:
            found = self.text(expr) if expr.kind is Kind.TEXT else self.number(expr)
            valid = found.valid
        return " & ".join(valid) or "1"

    def _predicate(self, expr: Compare | Between | In | Like, wanted: bool) -> str:
        match expr:
            case Between():
                parts = (Compare("<=", expr.low, expr.item), Compare("<=", expr.item, expr.high))
                return self._truth(self._kept(expr, And(parts)), wanted)
            case In():
                equal = tuple(Compare("=", expr.item, option) for option in expr.options)
                return self._truth(self._kept(expr, Or(equal)), wanted)
        raw, valid = self._once(expr, "raw", lambda: self._raw(expr))
        return self.const("b", " & ".join((raw if wanted else f"!{raw}", *valid)))

    def _kept(self, expr: Expr, same: Expr) -> Expr:
        """The expression that says the same, always the same object."""
        kept: Expr = self._once(expr, "same", lambda: same)
        return kept

    def _raw(self, expr: Compare | Like) -> tuple[str, tuple[str, ...]]:
        """The predicate's constant, right wherever the operands are not NULL, and where that is."""
        if isinstance(expr, Like):
            if expr.item.kind is Kind.NULL:
                return "0", ("0",)
            subject = self.text(expr.item)
            pattern = self.frame.literal("pattern", expr.pattern)
            return self.const("q", f"kit.matches({pattern}, {subject.text})"), subject.valid
        left, right = expr.left, expr.right
        if Kind.NULL in (left.kind, right.kind):
            return "0", ("0",)
        if left.kind is Kind.TEXT:
            return self._texts(expr.op, self.text(left), self.text(right))
        if left.kind is Kind.BOOLEAN:
            known = [self.const("n", self._known(side)) for side in (left, right)]
            one, other = (self.const("n", f"{self.true(side)} & 1") for side in (left, right))
            return self.const("q", f"{one} {OPERATORS[expr.op]} {other}"), tuple(known)
        first, second = self._numbers(left, right)
        made = compared(expr.op, first, second)
        return self.const("q", made), _joint(first.valid, second.valid)

    def _texts(self, op: str, left: Text, right: Text) -> tuple[str, tuple[str, ...]]:
        if op in ("=", "<>"):
            made = f"{left.text} {OPERATORS[op]} {right.text}"
        else:
            made = f"kit.compare({left.text}, {right.text}) {OPERATORS[op]} 0"
        return self.const("q", made), _joint(left.valid, right.valid)

    def _dictionary_of(self, expr: Compare | Between | In | Like) -> Column | None:
        """The one dictionary column that the predicate reads, if it is NULL wherever that is.

        `'a' IN ('a', t)` is not: it is true where t is NULL, so its parts are asked one by one.
        """
        if self._entry is not None:
            return None
        match expr:
            case Between() | In():
                asked = expr.item
                rest = children(expr)[1:]
            case Compare() | Like():
                asked, rest = And(children(expr)), ()
        if any(side.kind not in (Kind.TEXT, Kind.NULL) for side in children(expr)):
            return None
        columns = [node.column for node in walk(asked) if isinstance(node, ColumnRef)]
        others = [node for part in rest for node in walk(part) if isinstance(node, ColumnRef)]
        alone = bool(columns) and not others and all(one == columns[0] for one in columns)
        return columns[0] if alone and columns[0].physical in DICTIONARIES else None

    def _looked_up(self, expr: Expr, column: Column, wanted: bool) -> str:
        """Answers the predicate for each entry before the rows, then looks up this row's."""
        frame = self.frame
        dictionary = frame.part(column, "dictionary")
        table, count, counter, entry = (frame.name(letter) for letter in ("t", "m", "e", "s"))
        turn = Rows(frame, (column, entry))
        answer = turn.true(expr) if wanted else turn.false(expr)
        frame.chunk += [
            f"const {count} = {dictionary}.length;",
            f"const {table} = kit.bytes({count});",
            f"for (let {counter} = 0; {counter} < {count}; {counter}++) {{",
            f"const {entry} = {dictionary}[{counter}];",
            *turn.lines,
            f"{table}[{counter}] = {answer};",
            "}",
        ]
        found = f"{table}[{self.code(column)}]"
        return self.const("b", " & ".join((found, *self.valid(column))))

    def _number(self, expr: Expr) -> Number:
        if expr.kind is Kind.NULL:
            return NULL
        match expr:
            case Literal():
                return self._numeral(expr)
            case ColumnRef():
                text, valid = self.value(expr.column), self.valid(expr.column)
                if expr.kind is Kind.DOUBLE:
                    return Number(text, valid, Form.DOUBLE, nan=True)
                low, high = RANGES[expr.column.physical]
                return Number(text, valid, form_of(low, high), low, high)
            case Negate():
                item = self.number(expr.item)
                text = self.const("x", f"-{item.text}")
                return Number(text, item.valid, item.form, -item.high, -item.low, item.nan)
            case Arithmetic():
                return self._arithmetic(expr)
        raise TypeError(f"{expr} is no number")

    def _numbers(self, *sides: Expr) -> tuple[Number, Number]:
        """Both sides; a whole literal beside a BigInt is made one before the loop."""
        literal = [isinstance(side, Literal) and side.kind is Kind.INTEGER for side in sides]
        big = any(
            not known and side.kind is Kind.INTEGER and self.number(side).form is Form.BIG
            for side, known in zip(sides, literal, strict=True)
        )
        first, second = (
            self._once(side, "big", partial(self._numeral, side, big=True))
            if big and isinstance(side, Literal) and known
            else self.number(side)
            for side, known in zip(sides, literal, strict=True)
        )
        return first, second

    def _numeral(self, literal: Literal, *, big: bool = False) -> Number:
        value = literal.value
        if isinstance(value, float):
            bits = struct.pack(">d", value).hex()
            return Number(self.frame.literal("double", bits), (), Form.DOUBLE)
        if not isinstance(value, int):
            raise TypeError(f"{value!r} is no number")
        form = Form.BIG if big else form_of(value, value)
        reader = "big" if form is Form.BIG else "integer"
        return Number(self.frame.literal(reader, str(value)), (), form, value, value)

    def _arithmetic(self, expr: Arithmetic) -> Number:
        left, right = self._numbers(expr.left, expr.right)
        valid = _joint(left.valid, right.valid)
        if expr.op in "/%":
            zero = "0n" if right.form is Form.BIG else "0"
            valid = (*valid, self.const("z", f"{right.text} !== {zero}"))
        if expr.kind is Kind.DOUBLE:
            made = f"{as_double(left)} {expr.op} {as_double(right)}"
            return Number(self.const("x", made), valid, Form.DOUBLE, nan=True)
        made, form, low, high = whole(expr.op, left, right)
        return Number(self.const("x", made), valid, form, low, high)

    def _text(self, expr: Expr) -> Text:
        if isinstance(expr, Literal):
            return Text(self.frame.literal("text", str(expr.value)), ())
        if not isinstance(expr, ColumnRef):
            raise TypeError(f"{expr} is no text")
        column = expr.column
        if self._entry is not None and self._entry[0] == column:
            return Text(self._entry[1], ())
        valid = self.valid(column)
        if column.physical not in DICTIONARIES:
            return Text(self.value(column), valid)
        dictionary = self.frame.part(column, "dictionary")
        found = f"{dictionary}[{self.code(column)}]"
        made = f"{valid[0]} ? {found} : {dictionary}[0]" if valid else found
        return Text(self.const("s", made), valid)


def _joint(*several: tuple[str, ...]) -> tuple[str, ...]:
    """The names of all, each once."""
    return tuple(dict.fromkeys(name for names in several for name in names))
