"""This file is where the program of a simulation is made: paths, and the steps of each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from grid.codegen import answers, keeping
from grid.codegen.cells import Cell, Form
from grid.codegen.failing import sites
from grid.codegen.failures import FIELD
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, indented
from grid.codegen.tree import Expr
from grid.codegen.types import BOOLEAN, INTEGER, Type

from .asked import STEP, WHOLE_DIGITS, Asked

WHOLE_MAX = 10**WHOLE_DIGITS - 1
FORMS = {INTEGER: Form.NUMBER, BOOLEAN: Form.FLAG}
COUNTED = ("nulls", "nans", "plus", "minus")
ADDED = ("count", *COUNTED)


def program(asked: Asked) -> Program:
    """The program and its data; a state that may become NULL has a flag beside it."""
    nullable: set[str] = set()
    while True:
        made = _Made(asked, nullable)
        if made.nullable <= nullable:
            return made.program()
        nullable |= made.nullable


class _Made:
    """A program in which these states may be NULL."""

    def __init__(self, asked: Asked, nullable: set[str]) -> None:
        self.asked, self.known = asked, nullable
        #: The states that may be NULL in fact.
        self.nullable: set[str] = set()
        self.frame = Frame((), *asked.expressions)
        self.names = {name: f"state{number}" for number, name in enumerate(asked.state)}
        state = {name: self._cell(name, type) for name, type in asked.state.items()}
        step = Cell("step", (), Form.NUMBER, 1, asked.steps)
        self.first = self._phase({}, 0, "0")
        self.begun = self._become(self.first, asked.first)
        self.turn = self._phase({**state, STEP: step}, 1, "step")
        self.changed = self._become(self.turn, asked.step)
        self.last = self._phase(state, 2, "last")
        self.observed = self.last.cell(asked.observe)
        self.fails = [
            self._failed(self.first, asked.first.values()),
            self._failed(self.turn, asked.step.values()),
            self._failed(self.last, [asked.observe]),
        ]

    def _cell(self, name: str, type: Type) -> Cell:
        text = self.names[name]
        valid = (f"known{text}",) if name in self.known else ()
        low, high = (-WHOLE_MAX, WHOLE_MAX) if type is INTEGER else (0, 0)
        return Cell(text, valid, FORMS.get(type, Form.DOUBLE), low, high, nan=True)

    def _phase(self, state: Mapping[str, Cell], phase: int, step: str) -> Rows:
        """A turn that reads the state and its own draws, which are made first."""
        cells = dict(state)
        lines = []
        for number, (name, function) in enumerate(self.asked.drawn[phase]):
            text = f"draw{phase}n{number}"
            lines.append(f"const {text} = kit.{function}(stream, {step}, {number});")
            cells[name] = Cell(text, (), Form.DOUBLE)
        rows = Rows(self.frame, variables=cells)
        rows.lines = lines
        return rows

    def _become(self, rows: Rows, expressions: Mapping[str, Expr]) -> list[str]:
        """The lines that give the state its new values: all are read before any is replaced."""
        sets = []
        for name, expr in expressions.items():
            cell, text = rows.cell(expr), self.names[name]
            value = f"{cell.text} & 1" if cell.form is Form.FLAG else cell.text
            sets.append(f"{text} = {rows.const('w', value)};")
            if cell.valid:
                self.nullable.add(name)
            if name in self.known:
                known = rows.const("w", f"({' & '.join(cell.valid) or '1'}) & 1")
                sets.append(f"known{text} = {known};")
        return sets

    def _failed(self, rows: Rows, expressions: Iterable[Expr]) -> list[str]:
        """Takes note of the first place where the path fails."""
        flag, site = rows.fault(*((expr, "1") for expr in expressions))
        if flag == "0":
            return []
        return [f"if ({flag}) {{", "if (bad === 0) {", f"bad = {site};", "}", "}"]

    def program(self) -> Program:
        """The parts, put together."""
        asked, frame = self.asked, self.frame
        steps = frame.literal("times", str(asked.steps))
        seed = frame.literal("integer", str(asked.seed))
        kept = _Statistics(asked, frame, self.observed)
        failing = any(self.fails)
        state = []
        for name, text in self.names.items():
            state.append(f"let {text} = 0;")
            state += [f"let known{text} = 1;"] if name in self.known else []
        valid = [*self.observed.valid, *(["bad === 0"] if failing else [])]
        bad = ["failed", "badrow", "badsite"]
        lines = [
            "(function (inputs, params, kit) {",
            '"use strict";',
            "const literals = params.literals;",
            *frame.setup,
            *(f"let {name} = 0;" for name in (*ADDED, *(bad if failing else []))),
            *kept.before,
            f"const last = {steps} + 1;",
            "const points = inputs[0];",
            "const first = points.first;",
            "const paths = points.rows;",
            "const stream = kit.integers(2);",
            "for (let i = 0; i < paths; i++) {",
            f"kit.stream(stream, {seed}, first + i);",
            *(["let bad = 0;"] if failing else []),
            *state,
            *self.first.lines,
            *self.fails[0],
            *self.begun,
            f"for (let n = 0; n < {steps}; n++) {{",
            "const step = n + 1;",
            *self.turn.lines,
            *self.fails[1],
            *self.changed,
            "}",
            *self.last.lines,
            *self.fails[2],
            *(FAILED if failing else []),
            *_where(" & ".join(f"({each})" for each in valid), kept.rows),
            "}",
            *kept.end,
            f"return {{{self._pair(failing)}{kept.result}}};",
            "})",
        ]
        return Program(indented(lines), {"literals": list(frame.literals)})

    def _pair(self, failing: bool) -> str:
        if not sites(*self.asked.expressions):
            return ""
        told = "{rows: failed, chunk: 0, row: badrow, site: badsite}"
        return f"{FIELD}: {'failed === 0 ? null : ' + told if failing else 'null'}, "


FAILED = [
    "if (bad > 0) {",
    "if (failed === 0) {",
    "badrow = i;",
    "badsite = bad;",
    "}",
    "failed += 1;",
    "}",
]


def _where(condition: str, lines: Sequence[str]) -> list[str]:
    """The lines where there is a value; what has none is counted."""
    if not condition:
        return list(lines)
    return [f"if ({condition}) {{", *lines, "} else {", "nulls += 1;", "}"]


class _Statistics:
    """What is made of the observed values: exact sums, counts above thresholds, all of them."""

    def __init__(self, asked: Asked, frame: Frame, value: Cell) -> None:
        text = value.text
        parts = [f"{name}: {name}" for name in ADDED]
        parts += ["sum: kit.decimal(kit.added(sum))"]
        parts += ["squares: kit.decimal(kit.multiplied(squares))"]
        self.before = ["const sum = kit.adder();", "const squares = kit.products();"]
        self.end: list[str] = []
        self.rows = [
            "count += 1;",
            f"if ({text} - {text} === 0) {{",
            f"kit.add(sum, {text});",
            f"kit.addproduct(squares, {text}, {text});",
            "} else {",
            f"nans += ({text} !== {text}) & 1;",
            f"plus += ({text} > 0) & 1;",
            f"minus += ({text} < 0) & 1;",
            "}",
        ]
        if asked.thresholds:
            edges = sorted(asked.thresholds)
            counts = keeping.histogram(frame, [_behind(edge) for edge in edges], value)
            self.before += counts.before[len(keeping.COUNTS) :]
            self.rows += counts.rows
            self.end += counts.end
            parts.append("counts: list")
        if asked.quantiles:
            self.before.append("const values = kit.list();")
            self.rows.append(f"kit.push(values, {answers.written(value)});")
            parts.append("values: values")
        self.result = ", ".join(parts)


def _behind(threshold: float) -> float:
    """The next double: what is at least that is above the threshold."""
    return math.nextafter(threshold, math.inf)
