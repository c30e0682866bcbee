"""This file is where the states of a plan's groups become JavaScript: declared, updated, spelled.

A state is a variable where all rows are one group, else an element of an array for each group: `g`
in the loop over rows, `h` where answers are made. What a row adds is proved to be a whole number of
so many bits, so that sums in doubles never round; only what cannot be proved is a BigInt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from grid.codegen.cells import Cell, Form
from grid.codegen.javascript import DICTIONARIES, Rows
from grid.codegen.tree import ColumnRef, Expr
from grid.codegen.types import Kind
from grid.items import PhysicalType
from grid.plan.aggregates import State
from grid.plan.query import Partial

#: Of 2^21 whole numbers up to here the sum is a double; a chunk has no more rows.
SUM_MAX = 2**32
#: The square of a whole number up to here is a double.
SQUARE_MAX = 2**26
#: Limbs of 32 bits for sums of doubles in units of 2^-1074, and of their squares in 2^-2148.
LIMBS, SQUARE_LIMBS = 66, 132
#: Types of 64 bits in memory, which are added up by halves.
WIDE = (PhysicalType.INT53, PhysicalType.INT64)
#: Bytes of an array's element, about; BigInts and texts are objects beside.
BYTES = {"floats": 8, "integers": 4, "bigs": 48, "texts": 48, "filled": 8}
MINUS_INFINITY, NAN = "fff0000000000000", "7ff8000000000000"


class Slot(Struct, frozen=True):
    """A state's name, and whether it has an element for each group."""

    name: str
    grouped: bool

    def at(self, index: str = "g") -> str:
        """Its element for the group of this index."""
        return f"{self.name}[{index}]" if self.grouped else self.name


class States:
    """The parts of a program that are about states."""

    def __init__(self, rows: Rows, *, grouped: bool, keep: str) -> None:
        self.rows, self.frame, self.grouped, self.keep = rows, rows.frame, grouped, keep
        self.before: list[str] = []
        #: Lines of each chunk before and after its rows.
        self.start: list[str] = []
        self.end: list[str] = []
        #: Lines of a row that belongs to group g; `last` come behind all others.
        self.lines: list[str] = []
        self.last: list[str] = []
        #: Lines behind all chunks.
        self.after: list[str] = []
        #: Bytes that the arrays take for each group.
        self.bytes = 0
        self._counts: dict[str, Slot] = {}
        self._known: dict[int, tuple[Expr, str]] = {}
        self._words: dict[int, tuple[Expr, str, str]] = {}

    def spelled(self, partial: Partial) -> str:
        """The state of group h as the answer has it, once every row was seen."""
        if partial.expr is None:
            return self.count(self.keep).at("h")
        return SPELLED[partial.state](self, partial.expr, partial.state)

    def slot(self, letter: str, kind: str = "floats", first: str = "0", width: int = 1) -> Slot:
        """A new state that begins as 0, or as `first`."""
        name = self.frame.name(letter)
        if not self.grouped and width == 1:
            self.before.append(f"let {name} = {first};")
            return Slot(name, False)
        length = "room" if width == 1 else f"room * {width}"
        more = f", {first}" if kind in ("filled", "bigs") else ""
        self.before.append(f"const {name} = kit.{kind}({length}{more});")
        self.bytes += BYTES[kind] * width
        return Slot(name, True)

    def known(self, expr: Expr) -> str:
        """The flag that is 1 where the row counts and the expression has a value."""
        if id(expr) not in self._known:
            flags = [] if self.keep == "1" else [self.keep]
            flags += valid(self.rows, expr)
            fault, _ = self.rows.fault((expr, "1"))
            flags += [] if fault == "0" else [f"!{fault}"]
            made = self.keep
            if flags not in ([], [self.keep]):
                made = self.rows.const("b", f"({' & '.join(flags)}) & 1")
            self._known[id(expr)] = (expr, made)
        return self._known[id(expr)][1]

    def count(self, flag: str) -> Slot:
        """How often the flag was 1."""
        if flag not in self._counts:
            self._counts[flag] = self.slot("n")
            if flag == "1" and not self.grouped:
                self.end.append(f"{self._counts[flag].at()} += count;")
            else:
                self.last.append(f"{self._counts[flag].at()} += {flag};")
        return self._counts[flag]

    def words(self, expr: Expr) -> tuple[str, str]:
        """The low and the high 32 bits of a double, or of a column's whole number of 64 bits."""
        if id(expr) not in self._words:
            frame, at = self.frame, "i << 1"
            low, high = frame.name("l"), frame.name("l")
            pairs = frame.name("p")
            if isinstance(expr, ColumnRef):
                values = frame.part(expr.column, "values")
                self.start.append(f"const {pairs} = kit.words({values});")
            else:
                box, at = frame.name("p"), "0"
                self.before.append(f"const {box} = kit.floats(1);")
                self.before.append(f"const {pairs} = kit.words({box});")
                self.lines.append(f"{box}[0] = {self.rows.cell(expr).text};")
            other = f"({at}) | 1" if at != "0" else "1"
            self.lines.append(f"const {low} = {pairs}[{at}];")
            self.lines.append(f"const {high} = {pairs}[{other}];")
            self._words[id(expr)] = (expr, low, high)
        return self._words[id(expr)][1:]

    def groups(self) -> str:
        """How many groups there are so far."""
        return "found" if self.grouped else "1"

    def turn(self, made: str) -> None:
        """Before each chunk: sums are brought down when its rows could be too many for them."""
        since = self.frame.name("r")
        self.before.append(f"let {since} = 0;")
        self.start.append(f"{since} = kit.{made.replace('SINCE', since)};")


def valid(rows: Rows, expr: Expr) -> tuple[str, ...]:
    """The names that are all 1 where the expression is not NULL; reads no column's values."""
    return rows.valid(expr.column) if isinstance(expr, ColumnRef) else rows.cell(expr).valid


def _count(states: States, expr: Expr, state: State) -> str:
    return states.count(states.known(expr)).at("h")


def _sum(states: States, expr: Expr, state: State) -> str:
    flag = states.known(expr)
    squares = state is State.SQUARES
    if expr.kind is Kind.DOUBLE:
        return _double_squares(states, expr, flag) if squares else _doubles(states, expr, flag)
    if isinstance(expr, ColumnRef) and expr.column.physical in WIDE and not squares:
        low, high = states.words(expr)
        return _words(states, f"({low} >>> 0)", high, flag=flag)
    cell = states.rows.cell(expr)
    size = 1 if cell.form is Form.FLAG else max(abs(cell.low), abs(cell.high))
    if cell.form is Form.BIG or (squares and size > SQUARE_MAX):
        return _bigs(states, cell, flag, squares)
    value = cell.text
    if squares:
        value, size = f"{cell.text} * {cell.text}", size * size
    if size <= SUM_MAX:
        return _words(states, f"({value})", flag=flag)
    return _halves(states, value, flag)


def _words(states: States, *words: str, flag: str) -> str:
    """The sum of whole numbers low + high·2^32, each at most 2^32, in a double for each word."""
    total = states.slot("t", "bigs", "0n")
    shown = []
    for bits, word in zip((0, 32), words, strict=False):
        if states.grouped:
            slot = states.slot("t")
            states.turn(f"poured({total.name}, {slot.name}, {bits}, found, SINCE, count)")
            states.lines.append(f"{slot.at()} += {_where(flag, word)};")
            shown.append(slot.at("h"))
        else:
            name = states.frame.name("t")
            states.start.append(f"let {name} = 0;")
            states.lines.append(f"{name} += {_where(flag, word)};")
            states.end.append(f"{total.name} += kit.raised({name}, {bits});")
    if not states.grouped:
        states.turn("fresh(SINCE, count)")
        return f"kit.decimal({total.name})"
    return f"kit.spelltotal({total.at('h')}, {', '.join([*shown, '0'][:2])})"


def _where(flag: str, value: str) -> str:
    return value if flag == "1" else f"{flag} * {value}"


def _halves(states: States, value: str, flag: str) -> str:
    """The sum of whole numbers up to 2^53, as those of their parts above and below 2^32."""
    word = states.frame.fixed("integer", str(2**32))
    whole, high = states.frame.name("x"), states.frame.name("x")
    states.lines += [
        f"const {whole} = {value};",
        f"const {high} = kit.floor({whole} / {word});",
    ]
    return _words(states, f"({whole} - {high} * {word})", high, flag=flag)


def _bigs(states: States, cell: Cell, flag: str, squares: bool) -> str:
    total = states.slot("t", "bigs", "0n")
    whole = states.frame.name("x")
    made = cell.text if cell.form is Form.BIG else f"kit.widen({cell.text})"
    states.lines += [
        f"if ({flag}) {{",
        f"const {whole} = {made};",
        f"{total.at()} += {f'{whole} * {whole}' if squares else whole};",
        "}",
    ]
    return f"kit.decimal({total.at('h')})"


def _doubles(states: States, expr: Expr, flag: str) -> str:
    """By exponent where all rows are one group: two additions a row. Else in limbs: three."""
    low, high = states.words(expr)
    frame = states.frame
    odd = states.slot("o", "integers")
    power, sign, top = frame.name("e"), frame.name("e"), frame.name("e")
    states.lines += [
        f"const {power} = ({high} >>> 20) & 2047;",
        f"const {sign} = {flag} * (1 - (({high} >>> 31) << 1));",
        f"const {top} = ((({power} > 0) & 1) << 20) | ({high} & 1048575);",
    ]
    if flag == "1" and not states.grouped and isinstance(expr, ColumnRef):
        _odd_ones(states, expr, odd, power)
    else:
        states.lines += _oddity(odd, power, flag, low, high)
    if not states.grouped:
        total = states.slot("t", "bigs", "0n")
        lows, highs = frame.name("t"), frame.name("t")
        states.turn("fresh(SINCE, count)")
        states.start += [f"const {one} = kit.floats(2048);" for one in (lows, highs)]
        states.lines += [
            f"{lows}[{power} & 2047] += {sign} * ({low} >>> 0);",
            f"{highs}[{power} & 2047] += {sign} * {top};",
        ]
        states.end.append(f"{total.name} += kit.exact({lows}, {highs});")
        return f"kit.spellsum({total.name}, {odd.name})"
    limbs = states.slot("t", width=LIMBS)
    states.turn(f"carried({limbs.name}, {LIMBS}, {states.groups()}, SINCE, count)")
    place, turn, at = frame.name("e"), frame.name("e"), frame.name("e")
    middle = f"(({top} << {turn}) | (({low} >>> 1) >>> (31 - {turn}))) >>> 0"
    states.lines += [
        f"const {place} = {power} - (({power} > 0) & 1);",
        f"const {turn} = {place} & 31;",
        f"const {at} = (g * {LIMBS} + ({place} >>> 5)) | 0;",
        f"{limbs.name}[{at}] += {sign} * (({low} << {turn}) >>> 0);",
        f"{limbs.name}[({at} + 1) | 0] += {sign} * ({middle});",
        f"{limbs.name}[({at} + 2) | 0] += {sign} * (({top} >>> 1) >>> (31 - {turn}));",
    ]
    return f"kit.spelllimbs({limbs.name}, {LIMBS}, h, {odd.at('h')})"


def _double_squares(states: States, expr: Expr, flag: str) -> str:
    low, high = states.words(expr)
    odd = states.slot("o", "integers")
    limbs = states.slot("t", width=SQUARE_LIMBS)
    states.turn(f"carried({limbs.name}, {SQUARE_LIMBS}, {states.groups()}, SINCE, count)")
    power = states.frame.name("e")
    start = f"g * {SQUARE_LIMBS}" if states.grouped else "0"
    states.lines += [
        f"const {power} = ({high} >>> 20) & 2047;",
        *_oddity(odd, power, flag, low, f"({high} & 2147483647)"),
        f"if ({flag}) {{",
        f"kit.squared({limbs.name}, {start}, {low}, {high});",
        "}",
    ]
    group = "h" if states.grouped else "0"
    return f"kit.spelllimbs({limbs.name}, {SQUARE_LIMBS}, {group}, {odd.at('h')})"


def _odd_ones(states: States, column: ColumnRef, odd: Slot, power: str) -> None:
    """NaN and infinities of a whole column: a branch in the loop would cost every row a third, so
    a chunk that has any is gone through once more."""
    seen, at, high = (states.frame.name(letter) for letter in "ssl")
    words = f"kit.words({states.frame.part(column.column, 'values')})"
    pairs = states.frame.name("p")
    states.start.append(f"let {seen} = 0;")
    states.lines.append(f"{seen} = {seen} | ({power} + 1);")
    states.end += [
        f"if ({seen} > 2047) {{",
        f"const {pairs} = {words};",
        f"for (let {at} = 0; {at} < count; {at}++) {{",
        f"const {high} = {pairs}[({at} << 1) | 1];",
        f"if ((({high} >>> 20) & 2047) === 2047) {{",
        f"{odd.at()} = {odd.at()} | kit.oddity({pairs}[{at} << 1], {high});",
        "}",
        "}",
        "}",
    ]


def _oddity(odd: Slot, power: str, flag: str, low: str, high: str) -> list[str]:
    return [
        f"if (({power} === 2047) & {flag}) {{",
        f"{odd.at()} = {odd.at()} | kit.oddity({low}, {high});",
        "}",
    ]


def _extreme(states: States, expr: Expr, state: State) -> str:
    """The least or greatest value; null while there is none."""
    flag = states.known(expr)
    less = "<" if state is State.LEAST else ">"
    if isinstance(expr, ColumnRef) and expr.column.physical in DICTIONARIES:
        return _coded(states, expr, flag, less)
    count = states.count(flag)
    cell = states.rows.cell(expr)
    value, frame = cell.text, states.frame
    match cell.form:
        case Form.DOUBLE:
            bits = NAN if state is State.LEAST else MINUS_INFINITY
            best = states.slot("t", "filled", frame.fixed("double", bits))
            now = best.at()
            better = f"({value} < {now}) | (({now} !== {now}) & ({value} === {value}))"
            if state is State.GREATEST:
                better = f"({value} > {now}) | ({value} !== {value})"
            spelled = f"kit.bits({best.at('h')} + 0)"
        case Form.TEXT:
            best = states.slot("t", "texts", frame.fixed("text", ""))
            better = f"({count.at()} === 0) | (kit.compare({value}, {best.at()}) {less} 0)"
            spelled = best.at("h")
        case Form.BIG:
            first = states.rows.whole(cell.high if state is State.LEAST else cell.low, big=True)
            best = states.slot("t", "bigs", first.text)
            better = f"{value} {less} {best.at()}"
            spelled = f"kit.decimal({best.at('h')})"
        case form:
            low, high = (0, 1) if form is Form.FLAG else (cell.low, cell.high)
            first = states.rows.whole(high if state is State.LEAST else low)
            best = states.slot("t", "filled", first.text)
            value = f"({value} & 1)" if form is Form.FLAG else value
            better = f"{value} {less} {best.at()}"
            flagged = form is Form.FLAG
            spelled = f"{best.at('h')} === 1" if flagged else f"kit.digits({best.at('h')})"
    states.lines += _replaced(flag, better, best.at(), value)
    return f"{count.at('h')} === 0 ? null : {spelled}"


def _coded(states: States, expr: ColumnRef, flag: str, less: str) -> str:
    """Codes are in the order of their texts; those become texts at the end of each chunk."""
    code, frame = states.rows.code(expr.column), states.frame
    dictionary = frame.part(expr.column, "dictionary")
    none = "32767" if less == "<" else "-1"
    best = states.slot("t", "filled", none)
    words = states.slot("t", "texts", frame.fixed("text", ""))
    states.lines += _replaced(flag, f"{code} {less} {best.at()}", best.at(), code)
    if not states.grouped:
        taken = f"if ({best.name} !== {none}) {{"
        states.end += [taken, f"{words.name} = {dictionary}[{best.name} & 32767];", "}"]
    else:
        many, each = frame.name("h"), frame.name("h")
        states.end += [
            f"const {many} = kit.times(found);",
            f"for (let {each} = 0; {each} < {many}; {each}++) {{",
            f"if ({best.at(each)} !== {none}) {{",
            f"{words.at(each)} = {dictionary}[{best.at(each)} & 32767];",
            "}",
            "}",
        ]
    return f"{best.at('h')} === {none} ? null : {words.at('h')}"


def _replaced(flag: str, better: str, best: str, value: str) -> list[str]:
    asked = better if flag == "1" else f"{flag} & ({better})"
    return [f"if ({asked}) {{", f"{best} = {value};", "}"]


Spell = Callable[[States, Expr, State], str]
SPELLED: Mapping[State, Spell] = {
    State.COUNT: _count,
    State.SUM: _sum,
    State.SQUARES: _sum,
    State.LEAST: _extreme,
    State.GREATEST: _extreme,
}
