"""This file is where the text of a SELECT falls into its clauses, before anything in it is read.

Only what an expression can be is then given to the parser of expressions, so that a query can do
no more to it than a condition can. What no clause begins with is refused by its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from grid.codegen.build import Place, well_formed
from grid.codegen.words import CHARACTERS_MAX, TOKENS_MAX

#: What begins a clause, in the order in which they may stand.
CLAUSES: Mapping[TokenType, str] = {
    TokenType.SELECT: "SELECT",
    TokenType.FROM: "FROM",
    TokenType.WHERE: "WHERE",
    TokenType.GROUP_BY: "GROUP BY",
    TokenType.HAVING: "HAVING",
    TokenType.ORDER_BY: "ORDER BY",
    TokenType.LIMIT: "LIMIT",
    TokenType.OFFSET: "OFFSET",
}
#: What may never stand anywhere, as people call it.
REFUSED: Mapping[TokenType, str] = {
    TokenType.WITH: "a common table expression (WITH)",
    TokenType.UNION: "UNION",
    TokenType.EXCEPT: "EXCEPT",
    TokenType.INTERSECT: "INTERSECT",
    TokenType.OVER: "a window function (OVER)",
    TokenType.WINDOW: "WINDOW",
    TokenType.QUALIFY: "QUALIFY",
    TokenType.EXISTS: "EXISTS",
    TokenType.VALUES: "VALUES",
    TokenType.FILTER: "FILTER",
    TokenType.SEMICOLON: "a second statement",
    **dict.fromkeys(
        (
            TokenType.JOIN, TokenType.INNER, TokenType.LEFT, TokenType.RIGHT, TokenType.FULL,
            TokenType.CROSS, TokenType.NATURAL, TokenType.ASOF, TokenType.SEMI, TokenType.ANTI,
            TokenType.LATERAL, TokenType.USING,
        ),
        "JOIN",
    ),
}  # fmt: skip
#: Behind these a name is another name for what they end.
OPERAND_ENDS = frozenset(
    {
        TokenType.R_PAREN,
        TokenType.VAR,
        TokenType.IDENTIFIER,
        TokenType.NUMBER,
        TokenType.STRING,
        TokenType.END,
    }
)
NAMES = frozenset({TokenType.VAR, TokenType.IDENTIFIER})
FORM = "a query is SELECT … FROM data [WHERE …] [GROUP BY …] [HAVING …] [ORDER BY …] [LIMIT …]"

MISSING = "something is missing beside the comma"


class Item(Struct, frozen=True):
    """A piece of the query's text between commas; its text stands at its place in the query."""

    tokens: tuple[Token, ...]
    #: The piece with blanks ahead of it, so that positions in it are positions in the query.
    text: str
    place: Place

    @property
    def bare(self) -> str:
        """The piece itself."""
        return self.text.strip()

    def word(self) -> str | None:
        """Its only word in lower case; None where it has more."""
        return self.tokens[0].text.lower() if len(self.tokens) == 1 else None


class Clauses:
    """A query's clauses, each as its pieces."""

    def __init__(self, text: str, pointer: str) -> None:
        self.text, self.pointer = text, pointer
        self.distinct = False
        self._found: dict[str, list[Token]] = {}
        self._split(self._tokens())
        self._from()

    def has(self, clause: str) -> bool:
        """Whether the query has this clause."""
        return clause in self._found

    def items(self, clause: str) -> list[Item]:
        """What stands between the commas of a clause; nothing where there is no such clause."""
        return [self.item(tokens) for tokens in self._pieces(clause)]

    def only(self, clause: str) -> Item | None:
        """The one piece of a clause without commas."""
        items = self.items(clause)
        if len(items) > 1:
            raise items[1].place.refuse(f"{clause} has one part, without commas")
        return items[0] if items else None

    def item(self, tokens: Sequence[Token]) -> Item:
        """These tokens as a piece."""
        start, end = tokens[0].start, tokens[-1].end + 1
        blank = "".join("\n" if char == "\n" else " " for char in self.text[:start])
        return Item(tuple(tokens), blank + self.text[start:end], Place(self.pointer, start))

    def named(self, item: Item) -> tuple[Item, str | None]:
        """The piece without the name it is given, and that name: `x AS name`, or `x name`."""
        *ahead, last = item.tokens
        if len(ahead) > 1 and ahead[-1].token_type is TokenType.ALIAS:
            if last.token_type in NAMES or last.text.isidentifier():
                return self.item(ahead[:-1]), last.text
        elif ahead and ahead[-1].token_type in OPERAND_ENDS and last.token_type in NAMES:
            return self.item(ahead), last.text
        return item, None

    def _tokens(self) -> list[Token]:
        place = Place(self.pointer)
        if len(self.text) > CHARACTERS_MAX:
            raise place.refuse(f"a query may have {CHARACTERS_MAX} characters")
        well_formed(self.text, place)
        try:
            tokens = DuckDB().tokenize(self.text)
        except TokenError:
            message = "a quote or comment is not closed"
            raise Place(self.pointer, len(self.text)).refuse(message) from None
        if tokens and tokens[-1].token_type is TokenType.SEMICOLON:
            tokens.pop()
        if len(tokens) > TOKENS_MAX:
            raise place.refuse(f"a query may have {TOKENS_MAX} words and signs")
        if not tokens or tokens[0].token_type not in (TokenType.SELECT, *REFUSED):
            raise place.refuse(FORM)
        return tokens

    def _split(self, tokens: Sequence[Token]) -> None:
        depth, clause = 0, ""
        order = list(CLAUSES.values())
        for token in tokens:
            kind = token.token_type
            depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
            if kind in REFUSED:
                raise self._refused(token, REFUSED[kind])
            if kind is TokenType.SELECT and (depth or clause):
                raise self._refused(token, "a query within a query")
            if depth or kind not in CLAUSES:
                self._found[clause].append(token)
                continue
            name = CLAUSES[kind]
            if clause and order.index(name) <= order.index(clause):
                raise Place(self.pointer, token.start).refuse(f"{name} cannot stand here; {FORM}")
            self._found[name], clause = [], name
        for name, found in self._found.items():
            if not found:
                raise Place(self.pointer, len(self.text)).refuse(
                    f"{name} needs something behind it"
                )
        first, *rest = self._found["SELECT"]
        if first.token_type is TokenType.DISTINCT:
            self.distinct, self._found["SELECT"] = True, rest
            if not rest or rest[0].token_type is TokenType.ON:
                raise self._refused(first, "DISTINCT ON")

    def _from(self) -> None:
        """There is one table, which is called data."""
        if "FROM" not in self._found:
            raise Place(self.pointer, len(self.text)).refuse(f"FROM data is missing; {FORM}")
        first, *rest = self._found["FROM"]
        if first.token_type is TokenType.L_PAREN:
            raise self._refused(first, "a query within a query")
        if first.text.lower() != "data":
            message = f"there is no table {first.text!r}: the data set is called data"
            raise Place(self.pointer, first.start).refuse(message)
        if rest:
            comma = rest[0].token_type is TokenType.COMMA
            raise self._refused(rest[0], "JOIN" if comma else repr(rest[0].text))

    def _pieces(self, clause: str) -> Iterator[list[Token]]:
        found: list[Token] = []
        depth = 0
        tokens = self._found.get(clause, [])
        for token in tokens:
            kind = token.token_type
            depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
            if kind is not TokenType.COMMA or depth:
                found.append(token)
                continue
            if not found:
                raise Place(self.pointer, token.start).refuse(MISSING)
            yield found
            found = []
        if found:
            yield found
        elif tokens:
            raise Place(self.pointer, tokens[-1].start).refuse(MISSING)

    def _refused(self, token: Token, what: str) -> Exception:
        return Place(self.pointer, token.start).refuse(f"{what} is not part of the language")
