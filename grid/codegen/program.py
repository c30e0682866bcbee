"""This file is where the parts of a program are put together.

A program is one JavaScript expression, `(function (inputs, params, kit) { … })`. It goes through
the chunks of a work unit, and through the rows of each in one loop over typed arrays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from grid.codegen.frame import Frame
from grid.items import Json

#: A constant that the kit reads as a Number, or that is made of others without the kit.
MADE = re.compile(r"const (\w+) = (?:(kit\.(?:double|integer|times))\(literals\[\d+\]\)|([^;.]*));")
NAMES = re.compile(r"\b[a-z]\w*")
BIG = re.compile(r"\b\d+n\b")


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


def unboxed(setup: Sequence[str], lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Lines that copy the numbers among the constants of `setup`, and `lines` that use the copies.

    V8 enters a long loop midway, with all that was made before it boxed, and unboxes a constant
    wherever it is used. What is computed in a loop around it is not boxed: half the time of a loop
    of few operations.
    """
    numbers: set[str] = set()
    for line in setup:
        made = MADE.fullmatch(line)
        if made is None:
            continue
        name, reader, expression = made.groups()
        parts = set(NAMES.findall(expression or ""))
        if reader or (parts and parts <= numbers and not BIG.search(expression)):
            numbers.add(name)
    used = sorted({name for line in lines for name in NAMES.findall(line)} & numbers)
    copied = [f"const copy{name} = {name} - 0;" for name in used]
    return copied, [
        NAMES.sub(lambda name: f"copy{name[0]}" if name[0] in used else name[0], line)
        for line in lines
    ]


def indented(lines: Sequence[str]) -> str:
    """Two blanks a block, so that the page that shows the program is readable."""
    depth, out = 0, []
    for line in lines:
        depth -= line.startswith("}")
        out.append("  " * depth + line)
        depth += line.endswith("{")
    return "\n".join(out) + "\n"
