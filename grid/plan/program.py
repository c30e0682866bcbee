"""This file is where a plan becomes the program that hosts run."""

from __future__ import annotations

from grid.codegen import failures
from grid.codegen.build import Place
from grid.codegen.checker import PROGRAM_BYTES_MAX
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, assemble
from grid.plan.grouping import Grouping
from grid.plan.query import STATES_BYTES_MAX, WEIGHT_MAX, Query
from grid.plan.states import States


def program(query: Query) -> Program:
    """The program of a plan; raises SpecError where its groups would take too much memory."""
    names = query.reads
    frame = Frame([one for one in query.columns if one.name in names], *query.expressions)
    rows = Rows(frame)
    keep = rows.keep(query.where)
    grouped = bool(query.keys)
    states = States(rows, grouped=grouped, keep=keep)
    groups = Grouping(states, query.keys) if grouped else None
    spelled = [states.spelled(partial) for partial in query.partials]
    if states.bytes * query.groups_max > STATES_BYTES_MAX:
        raise Place("/max_groups").refuse(
            f"{query.groups_max} groups of {states.bytes} bytes are more than a program may hold; "
            f"{STATES_BYTES_MAX // states.bytes} are the most for these aggregates"
        )
    failed = failures.counting(
        rows, (query.where, "1"), *((expr, keep) for expr in query.expressions[1:])
    )
    lines = [*states.lines, *states.last]
    if groups is not None:
        lines = [*groups.lines, *lines]
        if keep != "1":
            lines = [f"if ({keep}) {{", *lines, "}"]
    made = assemble(
        frame,
        before=[*_before(query, frame, groups), *states.before, *failed.before],
        start=states.start,
        rows=[*rows.lines, *failed.rows, *lines],
        end=states.end,
        after=_after(frame, groups, spelled),
        result=f"{{{failed.pair}full: refused, keys: refused === 0 ? keys : kit.list(), "
        "states: refused === 0 ? answers : kit.list()}",
    )
    return sized(made)


def sized(made: Program) -> Program:
    """The program, unless its text is longer than any may be; then it raises SpecError."""
    if len(made.text) > PROGRAM_BYTES_MAX:
        raise Place("").refuse(
            f"this makes a program of {len(made.text)} bytes, and {PROGRAM_BYTES_MAX} are the most"
        )
    return made


def _before(query: Query, frame: Frame, groups: Grouping | None) -> list[str]:
    if groups is None:
        return ["const room = 1;", "const full = 0;"]
    limit = frame.fixed("integer", str(query.groups_max))
    return [
        f"const limit = {limit};",
        "const room = limit + 1;",
        "let found = 0;",
        "let full = 0;",
        *groups.before,
    ]


def _after(frame: Frame, groups: Grouping | None, spelled: list[str]) -> list[str]:
    """Lines that make the lists of keys and states, and refuse what is too much to merge."""
    lists = [frame.name("z") for _ in spelled]
    pushed = [f"kit.push({name}, {made});" for name, made in zip(lists, spelled, strict=True)]
    if groups is not None:
        loop = "for (let h = 0; h < groups; h++) {"
        pushed = ["const groups = kit.times(found);", loop, *pushed, "}"]
    return [
        *(f"const {name} = kit.list();" for name in lists),
        *pushed,
        "const keys = kit.list();",
        *(f"kit.push(keys, {name});" for name in ([] if groups is None else groups.lists)),
        "const answers = kit.list();",
        *(f"kit.push(answers, {name});" for name in lists),
        "const weight = kit.weight(keys) + kit.weight(answers);",
        f"const refused = full === 1 ? 1 : weight > {WEIGHT_MAX} ? 2 : 0;",
    ]
