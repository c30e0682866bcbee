"""This file is where a condition in SQL becomes a typed tree.

sqlglot reads the text in DuckDB's dialect; what is on the list below becomes a node of ours, and
everything else is refused by name. Limits stand before the parser, so that no text can exhaust it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import ErrorLevel, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from grid.codegen import build
from grid.codegen.build import Place
from grid.codegen.tree import Expr, walk
from grid.items import Column

#: A condition longer than this was written by a program, which can send a data set instead.
CHARACTERS_MAX = 10_000
TOKENS_MAX = 4_000
#: Nested parentheses and prefix operators: the parser takes up to 20 Python frames for each.
NESTING_MAX = 24
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
ARITHMETIC: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
#: What may not be the bare operand of a comparison: SQL dialects disagree on what it would mean.
LOOSE = (*COMPARISONS, exp.Is, exp.In, exp.Between, exp.Like, exp.Not, exp.And, exp.Or)
PREFIXES = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS})
OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})
#: Words that are types in SQL and names of columns here. sqlglot tries each of them twice, as a
#: type and as a name: 2^20 attempts for twenty in one another.
TYPES = DuckDB.parser_class.TYPE_TOKENS - {TokenType.NULL, TokenType.IDENTIFIER}
#: What an opening parenthesis may follow; behind any other word it is a call, which is tried twice.
BEFORE_PAREN = frozenset(
    {
        *(TokenType.L_PAREN, TokenType.COMMA, TokenType.AND, TokenType.OR, TokenType.NOT),
        *(TokenType.IN, TokenType.BETWEEN, TokenType.LIKE, TokenType.ILIKE, TokenType.IS),
        *(TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE),
        *(TokenType.PLUS, TokenType.DASH, TokenType.STAR, TokenType.SLASH, TokenType.MOD),
        # Refused with better words once they are read.
        *(TokenType.DSTAR, TokenType.CARET, TokenType.DIV, TokenType.DPIPE, TokenType.TILDE),
        TokenType.EXISTS,
    }
)
#: Names of refused constructs that sqlglot's own class name would not explain.
CONSTRUCTS: dict[type[exp.Expr], str] = {
    exp.Pow: "the power operator",
    exp.IntDiv: "integer division //",
    exp.DPipe: "joining text with ||",
    exp.Concat: "joining text",
    exp.ILike: "ILIKE",
    exp.Escape: "LIKE … ESCAPE",
    exp.Cast: "a cast",
    exp.Case: "CASE",
    exp.Select: "a query",
    exp.Subquery: "a query",
    exp.Exists: "EXISTS",
    exp.Tuple: "a list of values outside IN",
    exp.Placeholder: "a parameter",
    exp.Star: "*",
    exp.RegexpLike: "a regular expression",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.Func: "a function call",
}


def parse(text: str, columns: Sequence[Column], pointer: str = "/where") -> Expr:
    """The typed condition that `text` says; `pointer` is where it stands in the spec.

    Raises SpecError with the 0-based position of what is wrong, for any text whatsoever.
    """
    found = expression(text, columns, pointer)
    return build.truth(found, pointer.rsplit("/", 1)[-1], Place(pointer, _start(text)))


def expression(text: str, columns: Sequence[Column], pointer: str) -> Expr:
    """The typed expression of any kind that `text` says; as `parse` otherwise."""
    place = Place(pointer)
    if len(text) > CHARACTERS_MAX:
        raise place.refuse(f"a condition may have {CHARACTERS_MAX} characters")
    build.well_formed(text, place)
    if not text.strip():
        raise place.refuse("a condition is needed here")
    root = _sql(text, pointer)
    found = _Reader(columns, pointer).read(root, 0)
    if sum(1 for _ in walk(found)) > NODES_MAX:
        raise place.refuse(f"a condition may have {NODES_MAX} parts")
    return found


def _start(text: str) -> int:
    """Where the first sign stands that is no blank."""
    return len(text) - len(text.lstrip())


def _sql(text: str, pointer: str) -> exp.Expr:
    """sqlglot's tree of the whole text."""
    dialect = DuckDB()
    try:
        tokens = dialect.tokenize(text)
        _limit(tokens, pointer)
        found = dialect.parser(error_level=ErrorLevel.RAISE).parse_into(exp.Condition, tokens, text)
    except TokenError:
        raise Place(pointer, len(text)).refuse("a quote or comment is not closed") from None
    except ParseError as error:
        raise _syntax(error, text, pointer) from None
    except (RecursionError, ValueError, AttributeError, TypeError, IndexError, KeyError) as error:
        raise Place(pointer).refuse("this is no condition") from error
    if len(found) != 1 or found[0] is None:
        raise Place(pointer).refuse("one condition is needed here")
    return found[0]


def _limit(tokens: Sequence[Token], pointer: str) -> None:
    """Refuse what would keep the parser busy; what could be a type becomes a name."""
    if len(tokens) > TOKENS_MAX:
        raise Place(pointer).refuse(f"a condition may have {TOKENS_MAX} words and signs")
    open_ones = prefixes = 0
    stack: list[int] = []
    for before, token in zip((None, *tokens), tokens, strict=False):
        if token.token_type is TokenType.L_PAREN and before is not None:
            _operand(before, pointer)
        if token.token_type in (TokenType.L_BRACKET, TokenType.L_BRACE):
            raise Place(pointer, token.start).refuse(f"{token.text} is not part of the language")
        if token.token_type in TYPES:
            token.token_type = TokenType.VAR
        if token.token_type in PREFIXES:
            prefixes += 1
        elif token.token_type in OPENING:
            stack.append(open_ones)
            open_ones, prefixes = open_ones + prefixes + 1, 0
        else:
            if token.token_type in CLOSING and stack:
                open_ones = stack.pop()
            prefixes = 0
        if token.token_type is TokenType.CASE:
            raise Place(pointer, token.start).refuse("CASE is not part of the language")
        if open_ones + prefixes > NESTING_MAX:
            raise Place(pointer, token.start).refuse("the condition is nested too deeply")


def _operand(before: Token, pointer: str) -> None:
    """Refuse a parenthesis behind this token unless an operand may stand there."""
    if before.token_type in BEFORE_PAREN:
        return
    kind, word = before.token_type, before.text[:1].isidentifier()
    named = kind is TokenType.IDENTIFIER or (word and kind is not TokenType.STRING)
    says = "a function call is not part of the language" if named else "( cannot stand behind this"
    raise Place(pointer, before.start).refuse(says)


def _syntax(error: ParseError, text: str, pointer: str) -> Exception:
    """The parser's complaint, with its place as an offset into the text."""
    details = error.errors[0] if error.errors else {}
    line, col = details.get("line"), details.get("col")
    shown = str(details.get("highlight") or "")
    position = None
    if isinstance(line, int) and isinstance(col, int):
        before = sum(len(row) + 1 for row in text.split("\n")[: line - 1])
        position = max(0, min(before + col - max(len(shown), 1), len(text)))
    near = f" near {shown!r}" if shown else ""
    return Place(pointer, position).refuse(f"the condition cannot be read{near}")


class _Reader:
    """Turns sqlglot's nodes into ours, one method a family."""

    def __init__(self, columns: Sequence[Column], pointer: str) -> None:
        self.columns = columns
        self.pointer = pointer

    def place(self, node: exp.Expr) -> Place:
        """Where the node begins: the first of its names and literals."""
        starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
        return Place(self.pointer, min(starts, default=None))

    def read(self, node: exp.Expr, depth: int) -> Expr:
        """Our node for `node`; a parenthesis is transparent."""
        if depth > DEPTH_MAX:
            raise self.place(node).refuse("the condition is nested too deeply")
        while type(node) is exp.Paren:
            node = node.this
        kind = type(node)
        if kind in (exp.Column, exp.Literal, exp.Boolean, exp.Null):
            return self.leaf(node)
        if kind in (exp.And, exp.Or):
            return self.logic(node, depth)
        if kind is exp.Not:
            self.only(node, "this")
            return build.negation(self.read(node.this, depth + 1), self.place(node.this))
        if kind is exp.Neg:
            self.only(node, "this")
            return build.negate(self.read(node.this, depth + 1), self.place(node.this))
        if kind in ARITHMETIC:
            self.only(node, "this", "expression", "typed", "safe")
            left, right = (self.read(side, depth + 1) for side in (node.this, node.expression))
            return build.arithmetic(ARITHMETIC[kind], left, right, self.place(node))
        return self.predicate(node, depth)

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
            return build.literal(text, place) if node.is_string else build.number(text, place)
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
            "AND" if kind is exp.And else "OR",
            [(self.read(item, depth + 1), self.place(item)) for item in reversed(items)],
        )

    def predicate(self, node: exp.Expr, depth: int) -> Expr:
        place = self.place(node)
        kind = type(node)
        if kind in COMPARISONS:
            self.only(node, "this", "expression")
            left, right = self.operands(depth, node.this, node.expression)
            return build.compare(COMPARISONS[kind], left, right, place)
        if kind is exp.Between:
            self.only(node, "this", "low", "high")
            item, low, high = self.operands(depth, node.this, node.args["low"], node.args["high"])
            return build.between(item, low, high, place)
        if kind is exp.In:
            if node.args.get("query") or node.args.get("field") or node.args.get("unnest"):
                raise place.refuse("IN needs a list of values in parentheses")
            self.only(node, "this", "expressions")
            (item,) = self.operands(depth, node.this)
            options = [self.read(option, depth + 1) for option in node.expressions]
            return build.among(item, options, place)
        if kind is exp.Like:
            self.only(node, "this", "expression", "negate")
            item, pattern = self.operands(depth, node.this, node.expression)
            found = build.like(item, pattern, self.place(node.expression))
            return build.negation(found, place) if node.args.get("negate") else found
        if kind is exp.Is and type(node.expression) is exp.Null:
            self.only(node, "this", "expression")
            return build.is_null(*self.operands(depth, node.this))
        if kind is exp.Is:
            raise place.refuse("IS is followed by NULL or NOT NULL")
        raise self.refused(node)

    def operands(self, depth: int, *nodes: exp.Expr) -> list[Expr]:
        """The operands of a comparison, none of them a bare comparison itself."""
        for node in nodes:
            if isinstance(node, LOOSE):
                message = "put parentheses around this: it is compared with something else"
                raise self.place(node).refuse(message)
        return [self.read(node, depth + 1) for node in nodes]

    def only(self, node: exp.Expr, *known: str) -> None:
        """Refuse a node that says more than what we read of it."""
        for name, value in node.args.items():
            if name not in known and value:
                raise self.place(node).refuse(f"{name.upper()} is not part of the language")

    def refused(self, node: exp.Expr) -> Exception:
        words = next((name for kind, name in CONSTRUCTS.items() if isinstance(node, kind)), None)
        named = words or str(node.key).upper()
        return self.place(node).refuse(f"{named} is not part of the language")
