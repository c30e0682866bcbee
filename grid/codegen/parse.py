"""This file is where an expression in SQL becomes a typed tree.

sqlglot reads the text in DuckDB's dialect (`grid.codegen.words`); what the grammar has becomes a
node of ours, and everything else is refused by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

from sqlglot import exp

from grid.codegen import build, casting, constants
from grid.codegen.build import Place
from grid.codegen.grammar import FUNCTIONS, PART_FUNCTIONS
from grid.codegen.refusals import CONSTRUCTS
from grid.codegen.tree import Expr, Literal, walk
from grid.codegen.types import NULL, TEXT, Kind
from grid.codegen.words import tree
from grid.items import Column

#: Nodes under one another; a chain a + b + c … is as deep as it is long.
DEPTH_MAX = 100
#: Nodes in all: each costs the program about one line.
NODES_MAX = 2_000

COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
INFIX: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.IntDiv: "//",
    exp.Mod: "%",
    exp.DPipe: "||",
    exp.Pow: "pow",
}
#: What may not be the bare operand of a comparison: SQL dialects disagree on what it would mean.
LOOSE = (*COMPARISONS, exp.Is, exp.In, exp.Between, exp.Like, exp.Not, exp.And, exp.Or)

#: What a caller knows of a node that is not the language's own, such as an aggregate; else None.
Known = Callable[[exp.Expr], Expr | None]


def parse(text: str, columns: Sequence[Column], pointer: str = "/where") -> Expr:
    """The typed condition that `text` says; `pointer` is where it stands in the spec.

    Raises SpecError with the 0-based position of what is wrong, for any text whatsoever.
    """
    found = expression(text, columns, pointer)
    start = len(text) - len(text.lstrip())
    return build.truth(found, pointer.rsplit("/", 1)[-1], Place(pointer, start))


def expression(text: str, columns: Sequence[Column], pointer: str) -> Expr:
    """The typed expression of any kind that `text` says; as `parse` otherwise."""
    return read(tree(text, pointer), columns, pointer)


def read(
    root: exp.Expr, columns: Sequence[Column], pointer: str, known: Known | None = None
) -> Expr:
    """The typed expression of a tree that `words.tree` gave, alone or within a SELECT."""
    found = Reader(columns, pointer, known).read(root, 0)
    if sum(1 for _ in walk(found)) > NODES_MAX:
        raise Place(pointer).refuse(f"an expression may have {NODES_MAX} parts")
    if found.kind is Kind.INTERVAL:
        raise Place(pointer).refuse("an interval stands beside + or - only")
    constants.check(found, pointer)
    return found


class Reader:
    """Turns sqlglot's nodes into ours, one method a family."""

    def __init__(self, columns: Sequence[Column], pointer: str, known: Known | None) -> None:
        self.columns, self.pointer, self.known = columns, pointer, known
        #: Where the last node began that says where.
        self.near: int | None = None

    def place(self, node: exp.Expr) -> Place:
        """Where the node begins: the first of its names and literals, or near it."""
        starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
        self.near = min(starts, default=self.near)
        return Place(self.pointer, self.near)

    def read(self, node: exp.Expr, depth: int) -> Expr:
        """Our node for `node`; a parenthesis is transparent."""
        if depth > DEPTH_MAX:
            raise self.place(node).refuse("the expression is nested too deeply")
        while type(node) is exp.Paren:
            self.only(node, "this")
            node = node.this
        if self.known is not None and (found := self.known(node)) is not None:
            return found
        kind = type(node)
        if kind in (exp.Column, exp.Literal, exp.Boolean, exp.Null):
            return self.leaf(node)
        if kind in (exp.And, exp.Or):
            return self.logic(node, depth)
        if kind in (exp.Not, exp.Neg):
            self.only(node, "this")
            item, place = self.read(node.this, depth + 1), self.place(node.this)
            if kind is exp.Neg:
                return build.call("negate", [item], place)
            return build.call("not", [build.truth(item, "NOT", place)], place)
        if kind in INFIX:
            self.only(node, "this", "expression", "typed", "safe")
            sides = [self.read(side, depth + 1) for side in (node.this, node.expression)]
            return build.call(INFIX[kind], sides, self.place(node))
        if kind in (exp.Case, exp.If):
            return self.case(node, depth)
        return self.function(node, depth)

    def leaf(self, node: exp.Expr) -> Expr:
        place = self.place(node)
        if isinstance(node, exp.Column):
            if not isinstance(node.this, exp.Identifier):
                raise self.refused(node.this)
            if node.args.get("table"):
                raise place.refuse('a.b names no column here; quote a name with a dot: "a.b"')
            self.only(node, "this")
            return build.column(node.this.this, self.columns, place)
        if isinstance(node, exp.Literal):
            text: str = node.this
            if node.is_string:
                return build.literal(text, place)
            # sqlglot reads .25 as a 0.25 without a place; it has a digit less than one with.
            return build.number(text if "start" in node.meta else text.removeprefix("0"), place)
        if isinstance(node, exp.Boolean):
            return build.literal(bool(node.this), place)
        return build.literal(None, place)

    def logic(self, node: exp.Expr, depth: int) -> Expr:
        """A chain of ANDs or ORs as one node, however long it is."""
        items: list[exp.Expr] = []
        kind, spine = type(node), node
        while type(spine) is kind:
            self.only(spine, "this", "expression")
            items.append(spine.expression)
            spine = spine.this
        items.append(spine)
        return build.logic(
            "and" if kind is exp.And else "or",
            [(self.read(item, depth + 1), self.place(item)) for item in reversed(items)],
            self.place(node),
        )

    def case(self, node: exp.Expr, depth: int) -> Expr:
        """CASE in both its forms, and if(condition, value, value)."""
        place = self.place(node)
        if isinstance(node, exp.If):
            self.only(node, "this", "true", "false")
            branches, default, subject = [node], node.args.get("false"), None
        else:
            self.only(node, "this", "ifs", "default")
            branches, default, subject = node.args["ifs"], node.args.get("default"), node.this
        args: list[Expr] = []
        places: list[Place] = []
        asked = None if subject is None else self.read(subject, depth + 1)
        for branch in branches:
            self.only(branch, "this", "true", *(["false"] if branch is node else []))
            condition = self.read(branch.this, depth + 1)
            places.append(self.place(branch.this))
            if asked is not None:
                condition = build.call("=", [asked, condition], places[-1])
            args += [condition, self.read(branch.args["true"], depth + 1)]
        last = Literal(NULL, None) if default is None else self.read(default, depth + 1)
        return build.case([*args, last], places, place)

    def function(self, node: exp.Expr, depth: int) -> Expr:
        """A call by its name, and calls with a syntax of their own."""
        place, kind = self.place(node), type(node)
        if kind is exp.Anonymous:
            self.only(node, "this", "expressions")
            args = [self.read(item, depth + 1) for item in node.expressions]
            return self.named(str(node.this).lower(), args, place)
        if kind in (exp.Cast, exp.TryCast):
            return casting.cast(node, lambda item: self.read(item, depth + 1), place)
        if kind is exp.Interval:
            return casting.interval(node, place)
        parts: dict[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
            exp.Substring: ("substr", ("this", "start", "length")),
            exp.StrPosition: ("position", ("this", "substr")),
        }
        if kind in parts:
            op, names = parts[kind]
            self.only(node, *names)
            found = [node.args[name] for name in names if node.args.get(name) is not None]
            return build.call(op, [self.read(item, depth + 1) for item in found], place)
        if kind is exp.Extract:
            self.only(node, "this", "expression")
            part = Literal(TEXT, str(node.this.name).lower())
            return self.named("date_part", [part, self.read(node.expression, depth + 1)], place)
        if kind is exp.Trim:
            self.only(node, "this", "expression", "position")
            side = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position")))
            items = [node.this, *([node.expression] if node.args.get("expression") else [])]
            return build.call(side or "trim", [self.read(x, depth + 1) for x in items], place)
        return self.predicate(node, depth)

    def named(self, name: str, args: list[Expr], place: Place) -> Expr:
        """The call of a function by the name that a spec may use."""
        if name in PART_FUNCTIONS and len(args) == 1:
            return build.call("extract", [Literal(TEXT, PART_FUNCTIONS[name]), *args], place)
        if name in ("date_part", "datepart") and args[:1] == [Literal(TEXT, "epoch")]:
            return build.call("epoch", args[1:], place)
        if name not in FUNCTIONS:
            near = difflib.get_close_matches(name, [*FUNCTIONS, *PART_FUNCTIONS], 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise place.refuse(f"there is no function {name!r}{hint}")
        return build.call(FUNCTIONS[name].op, args, place)

    def predicate(self, node: exp.Expr, depth: int) -> Expr:
        place = self.place(node)
        kind = type(node)
        if kind in COMPARISONS:
            self.only(node, "this", "expression")
            sides = self.operands(depth, node.this, node.expression)
            return build.call(COMPARISONS[kind], sides, place)
        if kind is exp.Between:
            self.only(node, "this", "low", "high")
            items = self.operands(depth, node.this, node.args["low"], node.args["high"])
            return build.call("between", items, place)
        if kind is exp.In:
            if any(node.args.get(name) for name in ("query", "field", "unnest")):
                raise place.refuse("IN needs a list of values in parentheses")
            self.only(node, "this", "expressions")
            (item,) = self.operands(depth, node.this)
            options = [self.read(option, depth + 1) for option in node.expressions]
            if not options:
                raise place.refuse("IN needs a list of values in parentheses")
            return build.call("in", [item, *options], place)
        if kind is exp.Like:
            self.only(node, "this", "expression", "negate")
            items = self.operands(depth, node.this, node.expression)
            found = build.call("like", items, self.place(node.expression))
            return build.call("not", [found], place) if node.args.get("negate") else found
        if kind is exp.Is and type(node.expression) is exp.Null:
            self.only(node, "this", "expression")
            return build.call("is null", self.operands(depth, node.this), place)
        if kind is exp.Is:
            raise place.refuse("IS is followed by NULL or NOT NULL")
        raise self.refused(node)

    def operands(self, depth: int, *items: exp.Expr) -> list[Expr]:
        """The operands of a comparison, none of them a bare comparison itself."""
        for item in items:
            if isinstance(item, LOOSE):
                message = "put parentheses around this: it is compared with something else"
                raise self.place(item).refuse(message)
        return [self.read(item, depth + 1) for item in items]

    def only(self, node: exp.Expr, *known: str) -> None:
        """Refuse a node that says more than what we read of it."""
        for name, value in node.args.items():
            if name not in known and value:
                raise self.place(node).refuse(f"{name.upper()} is not part of the language")

    def refused(self, node: exp.Expr) -> Exception:
        words = next((name for kind, name in CONSTRUCTS.items() if isinstance(node, kind)), None)
        named = words or str(node.key).upper()
        return self.place(node).refuse(f"{named} is not part of the language")
