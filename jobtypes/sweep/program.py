"""This file is where the program of a sweep is made: one loop over the points of a work unit."""

from __future__ import annotations

from grid.codegen import answers, failures
from grid.codegen.cells import Cell, Form
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, indented

from .asked import Asked
from .parameters import Counter

COUNTS = ("selected", "nulls", "nans")


def program(asked: Asked) -> Program:
    """The program and its data."""
    frame = Frame((), asked.where, asked.value)
    counter = Counter(frame, asked.found)
    rows = Rows(frame, variables=counter.cells)
    asks = failures.counting(rows, (asked.where, "1"), at=("0", "i"))
    keep = rows.keep(asked.where)
    inner = rows.branch()
    value = inner.cell(asked.value)
    fails = failures.counting(inner, (asked.value, "1"), at=("0", "i"))
    flag, _ = inner.fault((asked.value, "1"))
    if asked.edges is not None:
        value = inner.double(value, asked.value.type.scale)
    kept = _kept(asked, frame, value)
    block = [
        *inner.lines,
        *fails.rows,
        *kept.lines(value, flag),
    ]
    result = "".join(f"{name}: {name}, " for name in COUNTS) + kept.result
    pair = fails.pair if fails.before or not asks.before else asks.pair
    lines = [
        "(function (inputs, params, kit) {",
        '"use strict";',
        "const literals = params.literals;",
        *frame.setup,
        *(f"let {name} = 0;" for name in COUNTS),
        *(asks.before or fails.before),
        *kept.before,
        "const points = inputs[0];",
        "const first = points.first;",
        "const count = points.rows;",
        *counter.before,
        "for (let i = 0; i < count; i++) {",
        *rows.lines,
        *asks.rows,
        *(block if keep == "1" else [f"if ({keep}) {{", *block, "}"]),
        *counter.behind,
        "}",
        *kept.end,
        f"return {{{pair}{result}}};",
        "})",
    ]
    return Program(indented(lines), {"literals": list(frame.literals)})


class _Kept:
    """What is done with a value, and where it goes in the end."""

    def __init__(self, result: str) -> None:
        self.result = result
        #: Lines before all points and behind all.
        self.before: list[str] = []
        self.end: list[str] = []
        #: Around each selected point, for its value, for its NaN, and where it has none.
        self.head: list[str] = []
        self.rows: list[str] = []
        self.nans: list[str] = []
        self.missing: list[str] = []
        self.tail: list[str] = []

    def lines(self, value: Cell, fails: str) -> list[str]:
        """Those of a selected point; NULLs, failures among them, and NaNs are counted."""
        lines = self.rows
        if value.form is Form.DOUBLE:
            test = f"if ({value.text} !== {value.text}) {{"
            lines = [test, "nans += 1;", *self.nans, "} else {", *lines, "}"]
        valid = [*value.valid, *([] if fails == "0" else [f"!{fails}"])]
        if valid:
            missing = ["nulls += 1;", *self.missing]
            lines = [f"if ({' & '.join(valid)}) {{", *lines, "} else {", *missing, "}"]
        return ["selected += 1;", *self.head, *lines, *self.tail]


def _kept(asked: Asked, frame: Frame, value: Cell) -> _Kept:
    if asked.edges is not None:
        return _histogram(asked.edges, frame, value)
    if asked.best is not None:
        return _best(asked, frame, value)
    kept = _Kept("found: found")
    kept.before = ["const found = kit.list();"]
    kept.head = ["const entry = kit.list();", "kit.push(entry, first + i);"]
    kept.rows = kept.nans = [f"kit.push(entry, {answers.written(value)});"]
    kept.missing = ["kit.push(entry, null);"]
    kept.tail = ["kit.push(found, entry);"]
    return kept


def _histogram(edges: tuple[float, ...], frame: Frame, value: Cell) -> _Kept:
    kept = _Kept("counts: list")
    table = frame.table("floats", "double", [str(answers.spelled(edge)) for edge in edges])
    kept.before = [
        f"const bins = {table}.length;",
        "const places = kit.times(bins + 1);",
        "const counts = kit.floats(places);",
    ]
    kept.rows = [f"counts[kit.bin({table}, {value.text}) | 0] += 1;"]
    kept.end = [
        "const list = kit.list();",
        "for (let e = 0; e < places; e++) {",
        "kit.push(list, counts[e]);",
        "}",
    ]
    return kept


def _best(asked: Asked, frame: Frame, value: Cell) -> _Kept:
    """Points come in order, so of equal values the first one stays."""
    assert asked.best is not None
    kept = _Kept("found: found")
    zero = "0n" if value.form is Form.BIG else "0"
    size = frame.literal("integer", str(asked.best.size))
    kept.before = [
        f"const best = kit.ranking({size}, {int(asked.best.most)});",
        "let full = 0;",
        f"let last = {zero};",
    ]
    better = ">" if asked.best.most else "<"
    kept.rows = [
        f"if ((full === 0) | ({value.text} {better} last)) {{",
        "const place = kit.list();",
        "kit.push(place, first + i);",
        f"full = kit.enter(best, {value.text}, place);",
        "last = kit.worst(best);",
        "}",
    ]
    kept.end = [
        "const found = kit.list();",
        "const scores = kit.scores(best);",
        "const places = kit.places(best);",
        "const held = scores.length;",
        "for (let e = 0; e < held; e++) {",
        "const entry = places[e];",
        "const score = scores[e];",
        f"kit.push(entry, {answers.written(value, 'score')});",
        "kit.push(found, entry);",
        "}",
    ]
    return kept
