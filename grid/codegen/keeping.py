"""This file is where programs keep what an expression gives: all values, the best few, or counts.

Whatever is kept, `selected` counts how often there was something to keep, and `nulls` and `nans`
how often that was NULL (failures among them) or NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

from grid.codegen import answers
from grid.codegen.best import Best
from grid.codegen.cells import Cell, Form
from grid.codegen.frame import Frame

COUNTS = ("selected", "nulls", "nans")


class Kept:
    """What is done with a value, and where it goes in the end."""

    def __init__(self, result: str) -> None:
        #: What it adds to the output, behind the counts.
        self.result = "".join(f"{name}: {name}, " for name in COUNTS) + result
        #: Lines before all values and behind all.
        self.before = [f"let {name} = 0;" for name in COUNTS]
        self.end: list[str] = []
        #: Around each that is selected, for a value, for NaN, and for none.
        self.head: list[str] = []
        self.rows: list[str] = []
        self.nans: list[str] = []
        self.missing: list[str] = []
        self.tail: list[str] = []

    def lines(self, value: Cell, fails: str) -> list[str]:
        """Those of one that is selected; `fails` is a flag, or 0."""
        lines = self.rows
        if value.form is Form.DOUBLE and value.nan:
            test = f"if ({value.text} !== {value.text}) {{"
            lines = [test, "nans += 1;", *self.nans, "} else {", *lines, "}"]
        valid = [*value.valid, *([] if fails == "0" else [f"!{fails}"])]
        if valid:
            missing = ["nulls += 1;", *self.missing]
            lines = [f"if ({' & '.join(valid)}) {{", *lines, "} else {", *missing, "}"]
        return ["selected += 1;", *self.head, *lines, *self.tail]


def listed(value: Cell, places: Sequence[str], most: int | None = None) -> Kept:
    """All of them, up to `most`, as lists of their places and the value."""
    kept = Kept("found: found")
    kept.before.append("const found = kit.list();")
    kept.head = ["const entry = kit.list();", *(f"kit.push(entry, {place});" for place in places)]
    kept.rows = kept.nans = [f"kit.push(entry, {answers.written(value)});"]
    kept.missing = ["kit.push(entry, null);"]
    pushed = "kit.push(found, entry);"
    kept.tail = [pushed] if most is None else [f"if (selected <= {most}) {{", pushed, "}"]
    return kept


def histogram(frame: Frame, edges: Sequence[float], value: Cell) -> Kept:
    """How many doubles lie below the first edge, from each to the next, and from the last on."""
    kept = Kept("counts: list")
    table = frame.table("floats", "double", [str(answers.spelled(edge)) for edge in edges])
    kept.before += [
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


def best(frame: Frame, asked: Best, value: Cell, places: Sequence[str], *, ordered: bool) -> Kept:
    """The best few with their places; `ordered` says that places only ever grow."""
    kept = Kept("found: found")
    zero = "0n" if value.form is Form.BIG else "0"
    size = frame.literal("integer", str(asked.size))
    kept.before += [
        f"const best = kit.ranking({size}, {int(asked.most)});",
        "let full = 0;",
        f"let last = {zero};",
    ]
    better = (">" if asked.most else "<") + ("" if ordered else "=")
    kept.rows = [
        f"if ((full === 0) | ({value.text} {better} last)) {{",
        "const place = kit.list();",
        *(f"kit.push(place, {each});" for each in places),
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
