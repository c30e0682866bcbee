"""This file is where the program of bootstrap is made: the rows' values once, then replicates."""

from __future__ import annotations

from grid.codegen import failures
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, indented
from grid.codegen.totals import UNIT_BITS

from .asked import TEST, Asked

#: The values in the order that was drawn; replicate 0 is the data itself.
DRAWN = [
    "if (number > 0) {",
    "kit.stream(key, seed, number);",
    "kit.resample(key, places, used);",
    "} else {",
    "for (let o = 0; o < size; o++) {",
    "places[o] = o;",
    "}",
    "}",
]
#: How often each place was drawn, and the values of two ranks.
RANKED = [
    "const counts = kit.integers(size);",
    "for (let d = 0; d < size; d++) {",
    "const at = places[d] | 0;",
    "counts[at] += 1;",
    "}",
    "let passed = 0;",
    "let low = 0;",
    "let high = 0;",
    "for (let r = 0; r < size; r++) {",
    "const before = passed;",
    "passed += counts[r];",
    "if ((before < lower) & (passed >= lower)) {",
    "low = xs[r];",
    "}",
    "if ((before < upper) & (passed >= upper)) {",
    "high = xs[r];",
    "}",
    "}",
]
#: The statistics of exact sums → the sums that they need, the lines that make `value` of them, and
#: where it has one.
TOTAL = "const total = kit.added(sum);"
OVER = "const over = kit.added(other);"
SQUARES = "const spread = many * kit.multiplied(squares) - total * total;"
SUMMED: dict[str, tuple[list[str], list[str], str]] = {
    "sum": (["sum"], [TOTAL, "const value = kit.ratio(total, unit);"], "1"),
    "mean": (["sum"], [TOTAL, "const value = kit.ratio(total, many * unit);"], "1"),
    "stddev": (
        ["sum", "squares"],
        [
            TOTAL,
            SQUARES,
            "const below = many * (many - 1n) * unit * unit;",
            "const value = used < 2 ? 0 : kit.sqrt(kit.ratio(spread, below));",
        ],
        "used > 1",
    ),
    "ratio": (
        ["sum", "other"],
        [
            TOTAL,
            OVER,
            "const top = over < 0n ? -total : total;",
            "const below = over < 0n ? -over : over;",
            "const value = below === 0n ? 0 : kit.ratio(top, below);",
        ],
        "over !== 0n",
    ),
    "correlation": (
        ["sum", "other", "squares", "heights", "crossed"],
        [
            TOTAL,
            OVER,
            SQUARES,
            "const height = many * kit.multiplied(heights) - over * over;",
            "const both = many * kit.multiplied(crossed) - total * over;",
            "const area = spread * height;",
            "const size2 = area === 0n ? 0 : kit.sqrt(kit.ratio(both * both, area));",
            "const value = both < 0n ? -size2 : size2;",
        ],
        "area !== 0n",
    ),
}  # fmt: skip
ADDED = {
    "sum": ("adder", "kit.add(sum, x);"),
    "other": ("adder", "kit.add(other, y);"),
    "squares": ("products", "kit.addproduct(squares, x, x);"),
    "heights": ("products", "kit.addproduct(heights, y, y);"),
    "crossed": ("products", "kit.addproduct(crossed, x, y);"),
}


def program(asked: Asked) -> Program:
    """The program and its data."""
    read = [column for column in asked.columns if column.name in asked.reads]
    frame = Frame(read, *asked.expressions)
    rows = Rows(frame)
    keep = rows.keep(asked.where)
    guarded = [(asked.where, "1"), (asked.of, keep), (asked.by, keep)]
    cells = [rows.cell(expr) for expr in (asked.of, asked.by) if expr is not None]
    fails = failures.counting(rows, *guarded, at=("j - 1", "i"))
    flag, _ = rows.fault(*guarded)
    valid = [name for cell in cells for name in cell.valid]
    valid += [f"({cell.text} - {cell.text} === 0)" for cell in cells]
    valid += [] if flag == "0" else [f"!{flag}"]
    stored = [
        f"{name}[at2] = {cell.text} + 0;" for name, cell in zip(("xs", "ys"), cells, strict=False)
    ]
    kept = [
        f"if ({' & '.join(valid)}) {{",
        "const at2 = used | 0;",
        *stored,
        "used += 1;",
        "} else {",
        "missing += 1;",
        "}",
    ]
    if keep != "1":
        kept = [f"if ({keep}) {{", *kept, "}"]
    unit = frame.literal("big", str(2**UNIT_BITS))
    seed = frame.literal("integer", str(asked.seed))
    before, replicate = _replicate(asked, frame)
    lines = [
        "(function (inputs, params, kit) {",
        '"use strict";',
        "const literals = params.literals;",
        *frame.setup,
        *fails.before,
        f"const unit = {unit};",
        f"const seed = {seed};",
        *_gathered(frame, len(cells), [*rows.lines, *fails.rows, *kept]),
        "const size = kit.times(used);",
        "const many = kit.widen(used);",
        "const key = kit.integers(2);",
        "const places = kit.integers(size);",
        "const values = kit.list();",
        *before,
        "const points = inputs[0];",
        "const first = points.first;",
        "const span = points.rows;",
        "for (let p = 0; p < span; p++) {",
        "const number = first + p;",
        *replicate,
        "}",
        f"return {{{fails.pair}used: used, missing: missing, values: values}};",
        "})",
    ]
    return Program(indented(lines), {"literals": list(frame.literals)})


def _gathered(frame: Frame, sides: int, lines: list[str]) -> list[str]:
    """The values of all rows that have them, in `xs` and `ys`."""
    return [
        "const parts = inputs.length;",
        "let total0 = 0;",
        "for (let s = 0; s < parts; s++) {",
        "if (s > 0) {",
        "const sized = inputs[s];",
        "total0 += sized.rows;",
        "}",
        "}",
        "const room = kit.times(total0);",
        "const xs = kit.floats(room);",
        *(["const ys = kit.floats(room);"] if sides > 1 else []),
        "let used = 0;",
        "let missing = 0;",
        "for (let j = 0; j < parts; j++) {",
        "if (j > 0) {",
        "const chunk = inputs[j];",
        "const count = chunk.rows;",
        "const columns = chunk.columns;",
        *frame.chunk,
        "for (let i = 0; i < count; i++) {",
        *lines,
        "}",
        "}",
        "}",
    ]


def _replicate(asked: Asked, frame: Frame) -> tuple[list[str], list[str]]:
    """Lines before all replicates, and of each."""
    if asked.statistic == TEST:
        return _test()
    if asked.statistic in SUMMED:
        sums, made, known = SUMMED[asked.statistic]
        adding = [
            *(f"const {name} = kit.{ADDED[name][0]}();" for name in sums),
            "for (let a = 0; a < size; a++) {",
            "const spot = places[a] | 0;",
            "const x = xs[spot];",
            *(["const y = ys[spot];"] if asked.by is not None else []),
            *(ADDED[name][1] for name in sums),
            "}",
        ]
        return [], _pushed("used > 0", [*DRAWN, *adding, *made], known, "value")
    before = ["kit.ascend(xs, used);"]
    if asked.share is None:
        before += ["const lower = (used + 1) >> 1;", "const upper = (used >> 1) + 1;"]
        return before, _pushed("used > 0", [*DRAWN, *RANKED], "1", "low / 2 + high / 2")
    top, bottom = (
        frame.literal("big", str(n)) for n in (asked.share.numerator, asked.share.denominator)
    )
    rank = f"kit.narrow(({top} * many + {bottom} - 1n) / {bottom})"
    before = [f"const rank = {rank};", "const lower = rank < 1 ? 1 : rank;", "const upper = 0;"]
    before.append("kit.ascend(xs, used);")
    return before, _pushed("used > 0", [*DRAWN, *RANKED], "1", "low")


def _test() -> tuple[list[str], list[str]]:
    """The difference of means, of the group and of as many others in its place."""
    before = [
        "let within = 0;",
        "const whole = kit.adder();",
        "for (let w = 0; w < size; w++) {",
        "within += ys[w];",
        "kit.add(whole, xs[w]);",
        "}",
        "const all = kit.added(whole);",
        "const chosen = kit.times(within);",
        "const inside = kit.widen(within);",
        "const outside = many - inside;",
    ]
    replicate = [
        "const sum = kit.adder();",
        "if (number > 0) {",
        "kit.stream(key, seed, number);",
        "kit.shuffle(key, places, chosen);",
        "for (let a = 0; a < chosen; a++) {",
        "const spot = places[a] | 0;",
        "kit.add(sum, xs[spot]);",
        "}",
        "} else {",
        "for (let g = 0; g < size; g++) {",
        "if (ys[g] === 1) {",
        "kit.add(sum, xs[g]);",
        "}",
        "}",
        "}",
        TOTAL,
        "const gap = total * outside - (all - total) * inside;",
        "const value = kit.ratio(gap, inside * outside * unit);",
    ]
    return before, _pushed("(within > 0) & (within < used)", replicate, "1", "value")


def _pushed(there: str, lines: list[str], known: str, value: str) -> list[str]:
    """Puts a replicate's value behind the others, or null where it has none."""
    pushed = f"kit.push(values, kit.bits({value}));"
    if known != "1":
        pushed = f"kit.push(values, {known} ? kit.bits({value}) : null);"
    return [f"if ({there}) {{", *lines, pushed, "} else {", "kit.push(values, null);", "}"]
