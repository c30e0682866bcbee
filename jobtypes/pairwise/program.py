"""This file is where the program of pairwise is made: rows once, then their pairs, tile by tile."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from grid.codegen import answers, failures, keeping
from grid.codegen.cells import Cell, Form
from grid.codegen.expense import SIMILAR
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.keeping import Kept
from grid.codegen.program import Program, indented
from grid.codegen.sides import Hoisted
from grid.codegen.tree import Call, Expr, shared, walk
from grid.codegen.types import INT64_MAX, INT64_MIN

from . import tiles
from .asked import Asked

#: Pairs that a work unit lists: with decimals of 38 digits they have 60 of the 64 kB that an answer
#: may have.
LISTED_MAX = 1_000
#: What holds a value of each row.
TABLES = {Form.FLAG: "bytes", Form.NUMBER: "floats", Form.DOUBLE: "floats", Form.TEXT: "texts",
          Form.BIG: "longs"}  # fmt: skip


class Held(Struct, frozen=True):
    """An expression over one row, kept in tables: of its values, and of whether it has one."""

    cell: Cell
    table: str
    known: str | None


class _Gathered:
    """What is computed once for every row of the work unit's chunks."""

    def __init__(self, frame: Frame, asked: Asked, made: Sequence[Expr]) -> None:
        rows = Rows(frame)
        cells = [rows.cell(expr) for expr in made]
        self.held = [
            Held(cell, frame.name("t"), frame.name("t") if cell.valid else None) for cell in cells
        ]
        fill = []
        self.before = []
        for held in self.held:
            self.before.append(f"const {held.table} = kit.{_table(held.cell)}(size);")
            fill.append(f"{held.table}[at] = {held.cell.text};")
            if held.known is not None:
                self.before.append(f"const {held.known} = kit.bytes(size);")
                fill.append(f"{held.known}[at] = {' & '.join(held.cell.valid)};")
        if asked.split is not None:
            self.before += ["const left = kit.bytes(size);", "const right = kit.bytes(size);"]
            fill.append(f"left[at] = {rows.true(asked.split)};")
            fill.append(f"right[at] = {rows.false(asked.split)};")
        self.lines = [
            *self.before,
            "let base = 0;",
            "for (let j = 0; j < parts; j++) {",
            "if (j > 0) {",
            "const chunk = inputs[j];",
            "const count = chunk.rows;",
            "const columns = chunk.columns;",
            *frame.chunk,
            "for (let i = 0; i < count; i++) {",
            *rows.lines,
            "const at = (base + i) | 0;",
            *fill,
            "}",
            "base += count;",
            "}",
            "}",
        ]

    def side(self, side: str, used: set[int]) -> tuple[dict[str, Cell], list[str]]:
        """The columns of one side, and the lines that read them at the place `at<side>`."""
        cells, lines = {}, []
        for number in sorted(used):
            held, name = self.held[number], f"{side}{side}{number}"
            lines.append(f"const {name} = {held.table}[at{side}];")
            valid: tuple[str, ...] = ()
            if held.known is not None:
                lines.append(f"const v{name} = {held.known}[at{side}];")
                valid = (f"v{name}",)
            cell = held.cell
            cells[f"{side}{number}"] = Cell(name, valid, cell.form, cell.low, cell.high, cell.nan)
        return cells, lines


def _table(cell: Cell) -> str:
    """Whole numbers of more than 64 bits go where texts do: an array that takes anything."""
    wide = cell.form is Form.BIG and not INT64_MIN <= cell.low <= cell.high <= INT64_MAX
    return "texts" if wide else TABLES[cell.form]


def program(asked: Asked) -> Program:
    """The program and its data."""
    hoisted = Hoisted()
    value = hoisted.out_of(asked.value)
    where = None if asked.where is None else hoisted.out_of(asked.where)
    value, *rest = shared(value, *([] if where is None else [where]))
    where = rest[0] if rest else None
    read = [column for column in asked.columns if column.name in asked.reads]
    frame = Frame(read, where, value)
    gathered = _Gathered(frame, asked, hoisted.made)
    pairs = _Pairs(asked, frame, gathered, hoisted, where, value)
    lines = [
        "(function (inputs, params, kit) {",
        '"use strict";',
        "const literals = params.literals;",
        *frame.setup,
        *pairs.before,
        "const parts = inputs.length;",
        "let total = 0;",
        "for (let s = 0; s < parts; s++) {",
        "if (s > 0) {",
        "const sized = inputs[s];",
        "total += sized.rows;",
        "}",
        "}",
        "const size = kit.times(total);",
        *gathered.lines,
        *pairs.tables,
        "const points = inputs[0];",
        "const first = points.first;",
        "const span = points.rows;",
        "for (let p = 0; p < span; p++) {",
        "const number = first + p;",
        *(tiles.CROSSED if asked.crossed else tiles.ORDERED),
        *_found(asked.tile),
        *pairs.lines,
        "}",
        *pairs.kept.end,
        f"return {{{pairs.failed}{pairs.kept.result}}};",
        "})",
    ]
    return Program(indented(lines), {"literals": list(frame.literals)})


def _found(tile: int) -> list[str]:
    """Where the rows of both tiles stand in the tables, and how many each has."""
    lines = ["let spot = 0;"]
    for side, number in (("a", "one"), ("b", "two")):
        lines += [f"const low{side} = {number} * {tile};", f"let base{side} = 0;"]
        lines += [f"let rows{side} = 0;"]
    lines += [
        "for (let c = 0; c < parts; c++) {",
        "if (c > 0) {",
        "const part = inputs[c];",
        "const start = part.first;",
        "const stop = start + part.rows;",
    ]
    for side in "ab":
        lines += [
            f"const from{side} = start > low{side} ? start : low{side};",
            f"const to{side} = stop < low{side} + {tile} ? stop : low{side} + {tile};",
            f"if (from{side} < to{side}) {{",
            f"if (rows{side} === 0) {{",
            f"base{side} = spot + from{side} - start;",
            "}",
            f"rows{side} += to{side} - from{side};",
            "}",
        ]
    ends = [f"const end{side} = kit.times(rows{side});" for side in "ab"]
    return [*lines, "spot += part.rows;", "}", "}", *ends]


class _Pairs:
    """The loops over the pairs of a point."""

    def __init__(
        self,
        asked: Asked,
        frame: Frame,
        gathered: _Gathered,
        hoisted: Hoisted,
        where: Expr | None,
        value: Expr,
    ) -> None:
        cells, reading = gathered.side("a", hoisted.used["a"])
        outer = Rows(frame, variables=cells)
        cells, theirs = gathered.side("b", hoisted.used["b"])
        inner = Rows(frame, variables=cells, outer=outer)
        skip = _skipped(inner, where)
        asks = inner.branch()
        at = ("rowa", "rowb")
        condition = failures.counting(asks, (where, "1"), at=at)
        keep = asks.keep(where)
        given = asks.branch()
        cell = given.cell(value)
        fails = failures.counting(given, (value, "1"), at=at)
        flag, _ = given.fault((value, "1"))
        self.kept, self.tables = _kept(asked, frame, cell)
        counting = failures.together(condition, fails)
        self.before = [*counting.before, *self.kept.before]
        self.failed = counting.pair
        found = [*given.lines, *fails.rows, *self.kept.lines(cell, flag)]
        found = [*asks.lines, *condition.rows, *_where(keep, found)]
        found = [*theirs, *inner.lines, *_where(skip, found)]
        self.lines = [
            "for (let x = 0; x < enda; x++) {",
            "const ata = (basea + x) | 0;",
            "const rowa = lowa + x;",
            *_where(
                "left[ata]" if asked.crossed else "1",
                [
                    *reading,
                    *outer.lines,
                    "for (let y = 0; y < endb; y++) {",
                    "const atb = (baseb + y) | 0;",
                    "const rowb = lowb + y;",
                    *_where("right[atb]" if asked.crossed else "rowa < rowb", found),
                    "}",
                ],
            ),
            "}",
        ]


def _where(flag: str, lines: list[str]) -> list[str]:
    return lines if flag == "1" else [f"if ({flag}) {{", *lines, "}"]


def _skipped(rows: Rows, where: Expr | None) -> str:
    """1, or a flag that is 0 where a part of the condition that is cheap is false already."""
    parts = where.args if isinstance(where, Call) and where.op == "and" else ()
    cheap = [part for part in parts if not _slow(part)]
    if not cheap or len(cheap) == len(parts):
        return "1"
    return f"!({' | '.join(rows.false(part) for part in cheap)})"


def _slow(expr: Expr) -> bool:
    return any(isinstance(item, Call) and item.op in SIMILAR for item in walk(expr))


def _kept(asked: Asked, frame: Frame, cell: Cell) -> tuple[Kept, list[str]]:
    """What is kept of the pairs, and the tables that this needs."""
    if asked.mode == "each":
        return _each(asked, cell)
    places = ["rowa", "rowb"]
    if asked.best is not None:
        return keeping.best(frame, asked.best, cell, places, ordered=False), []
    return keeping.listed(cell, places, LISTED_MAX if asked.mode == "pairs" else None), []


def _each(asked: Asked, cell: Cell) -> tuple[Kept, list[str]]:
    """The best of each row's pairs; of equal values the one with the least row."""
    assert asked.best is not None
    kept = Kept("found: found")
    better = ">" if asked.best.most else "<"
    held = TABLES[cell.form]
    tables = [
        f"const scores = kit.{held}(size);",
        "const matches = kit.floats(size);",
        "const seen = kit.bytes(size);",
    ]
    sides = [("ata", "rowb")] if asked.crossed else [("ata", "rowb"), ("atb", "rowa")]
    for at, other in sides:
        equal = f"(({cell.text} === scores[{at}]) & ({other} < matches[{at}]))"
        kept.rows += [
            f"if ((seen[{at}] === 0) | ({cell.text} {better} scores[{at}]) | {equal}) {{",
            f"seen[{at}] = 1;",
            f"scores[{at}] = {cell.text};",
            f"matches[{at}] = {other};",
            "}",
        ]
    kept.end = [
        "const found = kit.list();",
        "let held = 0;",
        "for (let d = 0; d < parts; d++) {",
        "if (d > 0) {",
        "const told = inputs[d];",
        "const height = told.rows;",
        "const top = told.first;",
        "for (let n = 0; n < height; n++) {",
        "const at2 = (held + n) | 0;",
        "if (seen[at2]) {",
        "const entry = kit.list();",
        "const score = scores[at2];",
        "kit.push(entry, top + n);",
        "kit.push(entry, matches[at2]);",
        f"kit.push(entry, {answers.written(cell, 'score')});",
        "kit.push(found, entry);",
        "}",
        "}",
        "held += height;",
        "}",
        "}",
    ]
    return kept, tables
