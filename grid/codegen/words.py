"""This file is where a text becomes sqlglot's tree: DuckDB's words, and limits before the parser.

No text can exhaust the parser: it is short, shallow, and holds nothing that sqlglot would try to
read twice. What it reads is no more than a grammar; `grid.codegen.parse` decides what is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import ErrorLevel, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.tokenizer_core import Token, TokenType

from grid.codegen.build import Place, well_formed

#: An expression longer than this was written by a program, which can send a data set instead.
CHARACTERS_MAX = 10_000
TOKENS_MAX = 4_000
#: Nested parentheses, CASEs and prefix operators: the parser takes up to 20 Python frames for each.
NESTING_MAX = 24

PREFIXES = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS})
#: Words that are types in SQL and names of columns here. sqlglot tries each of them twice, as a
#: type and as a name: 2^20 attempts for twenty in one another.
TYPES = DuckDBParser.TYPE_TOKENS - {TokenType.NULL, TokenType.IDENTIFIER}
#: What a type stands behind.
BEFORE_TYPE = frozenset({TokenType.ALIAS, TokenType.DCOLON})
#: Types that a text in quotes may follow, which makes it a literal of theirs.
OF_LITERALS = frozenset({TokenType.DATE, TokenType.TIMESTAMP, TokenType.TIMESTAMPNTZ})
#: What no opening parenthesis may follow.
NEVER_BEFORE_PAREN = frozenset(
    {TokenType.STRING, TokenType.NUMBER, TokenType.R_PAREN, TokenType.IDENTIFIER, TokenType.DOT}
)
#: Functions whose operands have a syntax of their own.
WITH_SYNTAX = frozenset({"CAST", "TRY_CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRIM"})


class Parser(DuckDBParser):
    """DuckDB's grammar, in which a call is a name and operands, and nothing is rewritten."""

    FUNCTIONS = {}  # noqa: RUF012 - sqlglot's own way to declare it
    NO_PAREN_FUNCTIONS = {}  # noqa: RUF012
    FUNCTION_PARSERS = {  # noqa: RUF012
        name: read for name, read in DuckDBParser.FUNCTION_PARSERS.items() if name in WITH_SYNTAX
    }
    NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012
        name: read
        for name, read in DuckDBParser.NO_PAREN_FUNCTION_PARSERS.items()
        if name == "CASE"
    }


def tree(text: str, pointer: str, into: type[exp.Expr] = exp.Condition) -> exp.Expr:
    """sqlglot's tree of the whole text.

    Raises SpecError with the 0-based position of what is wrong, for any text whatsoever.
    """
    place = Place(pointer)
    if len(text) > CHARACTERS_MAX:
        raise place.refuse(f"an expression may have {CHARACTERS_MAX} characters")
    well_formed(text, place)
    if not text.strip():
        raise place.refuse("an expression is needed here")
    dialect = DuckDB()
    try:
        tokens = dialect.tokenize(text)
        _limit(tokens, pointer)
        found = Parser(error_level=ErrorLevel.RAISE, dialect=dialect).parse_into(into, tokens, text)
    except TokenError:
        raise Place(pointer, len(text)).refuse("a quote or comment is not closed") from None
    except ParseError as error:
        raise _syntax(error, text, pointer) from None
    except (RecursionError, ValueError, AttributeError, TypeError, IndexError, KeyError) as error:
        raise Place(pointer).refuse("this is no expression") from error
    if len(found) != 1 or found[0] is None:
        raise Place(pointer).refuse("one expression is needed here")
    root: exp.Expr = found[0]
    return root


def _limit(tokens: Sequence[Token], pointer: str) -> None:
    """Refuse what would keep the parser busy; what could be a type becomes a name."""
    if len(tokens) > TOKENS_MAX:
        raise Place(pointer).refuse(f"an expression may have {TOKENS_MAX} words and signs")
    depth = prefixes = 0
    stack: list[int] = []
    for before, token, behind in zip((None, *tokens), tokens, (*tokens[1:], None), strict=False):
        kind = token.token_type
        if kind is TokenType.L_PAREN and before is not None:
            _operand(before, pointer)
        if kind in (TokenType.L_BRACKET, TokenType.L_BRACE):
            raise Place(pointer, token.start).refuse(f"{token.text} is not part of the language")
        if kind in TYPES and not _is_type(before, token, behind):
            token.token_type = TokenType.VAR
        if kind in PREFIXES:
            prefixes += 1
        elif kind in (TokenType.L_PAREN, TokenType.CASE):
            stack.append(depth)
            depth, prefixes = depth + prefixes + 1, 0
        else:
            if kind in (TokenType.R_PAREN, TokenType.END) and stack:
                depth = stack.pop()
            prefixes = 0
        if depth + prefixes > NESTING_MAX:
            raise Place(pointer, token.start).refuse("the expression is nested too deeply")


def _is_type(before: Token | None, token: Token, behind: Token | None) -> bool:
    if before is not None and before.token_type in BEFORE_TYPE:
        return True
    of_literal = behind is not None and behind.token_type is TokenType.STRING
    return token.token_type is TokenType.INTERVAL or (
        of_literal and token.token_type in OF_LITERALS
    )


def _operand(before: Token, pointer: str) -> None:
    """Refuse a parenthesis behind this token unless an operand or a call may stand there."""
    kind = before.token_type
    if kind is TokenType.IDENTIFIER:
        raise Place(pointer, before.start).refuse("a function's name has no quotes")
    if kind in NEVER_BEFORE_PAREN:
        raise Place(pointer, before.start).refuse("( cannot stand behind this")


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
    return Place(pointer, position).refuse(f"the expression cannot be read{near}")
