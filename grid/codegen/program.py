"""This file is where the parts of a program are put together.

A program is one JavaScript expression, `(function (inputs, params, kit) { … })`. It goes through
the chunks of a work unit, and through the rows of each in one loop over typed arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from grid.codegen.frame import Frame
from grid.items import Json


class Program(Struct, frozen=True):
    """The text that every host runs, and the data it gets beside its inputs."""

    text: str
    params: Json


def assemble(
    frame: Frame,
    *,
    before: Sequence[str] = (),
    start: Sequence[str] = (),
    rows: Sequence[str],
    end: Sequence[str] = (),
    after: Sequence[str] = (),
    result: str,
) -> Program:
    """The whole program: lines `before` and `after` all chunks, at the `start` and `end` of each,
    for each row, and the object it returns. `j` counts chunks, `i` rows, `count` is the chunk's
    row count.
    """
    lines = [
        "(function (inputs, params, kit) {",
        '"use strict";',
        "const literals = params.literals;",
        *frame.setup,
        *before,
        "const chunks = inputs.length;",
        "for (let j = 0; j < chunks; j++) {",
        "const chunk = inputs[j];",
        "const count = chunk.rows;",
        "const columns = chunk.columns;",
        *frame.chunk,
        *start,
        "for (let i = 0; i < count; i++) {",
        *rows,
        "}",
        *end,
        "}",
        *after,
        f"return {result};",
        "})",
    ]
    return Program(indented(lines), {"literals": list(frame.literals)})


def indented(lines: Sequence[str]) -> str:
    """Two blanks a block, so that the page that shows the program is readable."""
    depth, out = 0, []
    for line in lines:
        depth -= line.startswith("}")
        out.append("  " * depth + line)
        depth += line.endswith("{")
    return "\n".join(out) + "\n"
