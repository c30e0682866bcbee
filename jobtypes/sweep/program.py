"""This file is where the program of a sweep is made: loops over the points of a work unit."""

from __future__ import annotations

from grid.codegen import failures, keeping
from grid.codegen.cells import Cell
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.keeping import Kept
from grid.codegen.program import Program, indented

from .asked import Asked
from .parameters import Counter


def program(asked: Asked) -> Program:
    """The program and its data."""
    frame = Frame((), asked.where, asked.value)
    counter = Counter(frame, asked.found)
    outer = Rows(frame, variables=counter.slow)
    rows = Rows(frame, variables=counter.fast, outer=outer)
    asks = failures.counting(rows, (asked.where, "1"), at=("0", "i"))
    keep = rows.keep(asked.where)
    inner = rows.branch()
    value = inner.cell(asked.value)
    fails = failures.counting(inner, (asked.value, "1"), at=("0", "i"))
    flag, _ = inner.fault((asked.value, "1"))
    if asked.edges is not None:
        value = inner.double(value, asked.value.type.scale)
    kept = _kept(asked, frame, value)
    block = [*inner.lines, *fails.rows, *kept.lines(value, flag)]
    counting = failures.together(asks, fails)
    lines = [
        "(function (inputs, params, kit) {",
        '"use strict";',
        "const literals = params.literals;",
        *frame.setup,
        *counting.before,
        *kept.before,
        "const points = inputs[0];",
        "const first = points.first;",
        "const count = points.rows;",
        *counter.before,
        *counter.loops(
            outer.lines,
            [
                *rows.lines,
                *asks.rows,
                *(block if keep == "1" else [f"if ({keep}) {{", *block, "}"]),
            ],
        ),
        *kept.end,
        f"return {{{counting.pair}{kept.result}}};",
        "})",
    ]
    return Program(indented(lines), {"literals": list(frame.literals)})


def _kept(asked: Asked, frame: Frame, value: Cell) -> Kept:
    """Points come in order, so of equal values the first one stays."""
    if asked.edges is not None:
        return keeping.histogram(frame, asked.edges, value)
    if asked.best is not None:
        return keeping.best(frame, asked.best, value, ["first + i"], ordered=True)
    return keeping.listed(value, ["first + i"])
