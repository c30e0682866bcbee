"""This file is where one SELECT becomes a plan: `SELECT … FROM data` with aggregates.

What its expressions may be is the language's; the words around them are here. Names mean what they
mean in DuckDB: in GROUP BY and HAVING a column goes before a name that SELECT gave, in ORDER BY the
other way round; a number is the place of an item; GROUP BY ALL groups by whatever has no aggregate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from grid.codegen import build
from grid.codegen.build import Place
from grid.codegen.errors import SpecError
from grid.codegen.parse import read
from grid.codegen.tree import ColumnRef, Expr
from grid.codegen.types import Kind
from grid.codegen.words import tree
from grid.items import Column
from grid.plan.aggregates import BY_SQL
from grid.plan.clauses import Clauses, Item
from grid.plan.listing import ROWS_MAX as SORTED_MAX
from grid.plan.listing import Listing
from grid.plan.query import Final, Order, Output, Planner, Query
from grid.plan.spec import unique

#: Items and keys of a query, as in groupBy.
ITEMS_MAX, KEYS_MAX = 48, 16
ROWS_MAX = 2**53
#: What sqlglot calls otherwise than DuckDB.
WITH_STAR = {"except_": "EXCLUDE", "except": "EXCLUDE"}


class Chosen(Struct, frozen=True):
    """An item of SELECT: its tree, and what its column is called."""

    root: exp.Expr
    name: str
    #: Whether the query gave it that name.
    given: bool
    item: Item


def has_groups(text: str, pointer: str) -> bool:
    """Whether the query has groups; else it lists rows. Raises SpecError."""
    clauses = Clauses(text, pointer)
    return (
        clauses.distinct
        or clauses.has("GROUP BY")
        or clauses.has("HAVING")
        or any(
            token.text.lower() in BY_SQL and behind.token_type is TokenType.L_PAREN
            for clause in ("SELECT", "ORDER BY")
            for item in clauses.items(clause)
            for token, behind in zip(item.tokens, item.tokens[1:], strict=False)
        )
    )


def select(text: str, columns: Sequence[Column], pointer: str, groups_max: int) -> Query:
    """The plan of a query with groups; raises SpecError at what is not part of the language."""
    return _Select(Clauses(text, pointer), columns, pointer).query(groups_max)


def listing(text: str, columns: Sequence[Column], pointer: str) -> Listing:
    """The plan of a query without groups; raises SpecError."""
    return _Select(Clauses(text, pointer), columns, pointer).listing()


class _Select:
    """One query; its final expressions are over the merged columns."""

    def __init__(self, clauses: Clauses, columns: Sequence[Column], pointer: str) -> None:
        self.clauses, self.columns, self.pointer = clauses, columns, pointer
        self.chosen = [_chosen(clauses, item, pointer) for item in clauses.items("SELECT")]
        if len(self.chosen) > ITEMS_MAX:
            raise self.chosen[ITEMS_MAX].item.place.refuse(
                f"a query has {ITEMS_MAX} columns at most"
            )
        where = clauses.only("WHERE")
        self.planner = Planner(columns, None if where is None else self._condition(where))
        #: How many nodes each key's tree has: no tree of another size is looked at.
        self.sizes: set[int] = set()

    def query(self, groups_max: int) -> Query:
        roots = self._grouped()
        if len(roots) > KEYS_MAX:
            raise roots[KEYS_MAX][1].refuse(f"a query has {KEYS_MAX} keys at most")
        for root, place in roots:
            self.planner.key(read(root, self.columns, self.pointer), place)
            self.sizes.add(_size(root))
        outputs = unique(
            [Output(name=one.name, expr=self._final(one.root)) for one in self.chosen],
            [self.pointer] * len(self.chosen),
        )
        having = self.clauses.only("HAVING")
        order = [self._order(item, self._final) for item in self.clauses.items("ORDER BY")]
        keys = [Order(expr=self.planner.key(key, Place(self.pointer))) for key in self.planner.keys]
        final = Final(
            outputs=outputs,
            having=None if having is None else self._having(having),
            order=(*order, *keys),
            offset=self._count("OFFSET") or 0,
            limit=self._count("LIMIT"),
        )
        return self.planner.query(final, groups_max)

    def listing(self) -> Listing:
        self.chosen = [each for one in self.chosen for each in self._starless(one)]
        outputs: list[Output] = []
        for one in self.chosen:
            expr = self._row(one.root)
            if expr.kind is Kind.NULL:
                raise one.item.place.refuse("NULL alone has no type; use CAST")
            outputs.append(Output(name=one.name, expr=expr))
        items = self.clauses.items("ORDER BY")
        offset, limit = self._count("OFFSET") or 0, self._count("LIMIT")
        if items and (limit is None or offset + limit > SORTED_MAX):
            raise items[0].place.refuse(
                f"ORDER BY without groups needs a LIMIT, of {SORTED_MAX} with OFFSET at most"
            )
        if len(items) > ITEMS_MAX:
            raise items[ITEMS_MAX].place.refuse(f"rows are ordered by {ITEMS_MAX} keys at most")
        return Listing(
            columns=self.planner.columns,
            where=self.planner.where,
            outputs=unique(outputs, [self.pointer] * len(outputs)),
            order=tuple(self._order(item, self._row) for item in items),
            offset=offset,
            limit=limit,
        )

    def _starless(self, one: Chosen) -> list[Chosen]:
        """The item, or all columns in its place where it is `*`."""
        if not isinstance(one.root, exp.Star):
            return [one]
        roots = [exp.column(exp.to_identifier(each.name, quoted=True)) for each in self.columns]
        return [Chosen(root, root.name, False, one.item) for root in roots]

    def _row(self, root: exp.Expr) -> Expr:
        """Over the data set's columns."""
        return read(root, self.columns, self.pointer)

    def _grouped(self) -> list[tuple[exp.Expr, Place]]:
        """The trees of the keys."""
        items = self.clauses.items("GROUP BY")
        all_of = len(items) == 1 and items[0].word() == "all"
        if all_of or (self.clauses.distinct and not items):
            return [(one.root, one.item.place) for one in self.chosen if not _aggregated(one.root)]
        if self.clauses.distinct:
            raise items[0].place.refuse("DISTINCT beside GROUP BY is not part of the language")
        return [(self._key(item), item.place) for item in items]

    def _key(self, item: Item) -> exp.Expr:
        numbered = self._numbered(item)
        if numbered is not None:
            return numbered.root
        root = tree(item.text, self.pointer)
        return self._alias(root) or root

    def _numbered(self, item: Item) -> Chosen | None:
        """The item of SELECT at the place that this number names."""
        if len(item.tokens) > 1 or item.tokens[0].token_type is not TokenType.NUMBER:
            return None
        word = item.tokens[0].text
        if not (word.isascii() and word.isdigit() and 0 < int(word[:9]) <= len(self.chosen)):
            raise item.place.refuse(f"SELECT has the items 1 to {len(self.chosen)}")
        return self.chosen[int(word) - 1]

    def _alias(self, root: exp.Expr, *, first: bool = False) -> exp.Expr | None:
        """The tree that SELECT gave this name; `first` if before a column of the name."""
        if not isinstance(root, exp.Column) or root.args.get("table"):
            return None
        name = str(root.name).lower()
        if not first and any(column.name.lower() == name for column in self.columns):
            return None
        return next((one.root for one in self.chosen if one.given and one.name.lower() == name),
                    None)  # fmt: skip

    def _final(self, root: exp.Expr) -> Expr:
        return read(root, self.columns, self.pointer, self._known)

    def _known(self, node: exp.Expr) -> Expr | None:
        """The merged column of an aggregate or a key; None for what is made of such."""
        if isinstance(node, exp.Anonymous) and str(node.this).lower() in BY_SQL:
            return self._measure(node)
        if isinstance(node, exp.Star):
            raise self._place(node).refuse("* is for count(*), and for queries without groups")
        if _size(node) in self.sizes and not _aggregated(node):
            found = self._key_of(node)
            if found is not None:
                return found
        if isinstance(node, exp.Column):
            column = read(node, self.columns, self.pointer)
            name = column.column.name if isinstance(column, ColumnRef) else node.name
            raise self._place(node).refuse(f"{name!r} is neither grouped by nor aggregated")
        return None

    def _key_of(self, node: exp.Expr) -> Expr | None:
        """The merged column of the key that the node is, if it is one."""
        try:
            expr = read(node, self.columns, self.pointer)
        except SpecError:
            return None
        return self.planner.key(expr, self._place(node)) if expr in self.planner.keys else None

    def _known_having(self, node: exp.Expr) -> Expr | None:
        """The same, where a name that SELECT gave stands for its item."""
        alias = self._alias(node)
        return self._known(node) if alias is None else self._final(alias)

    def _measure(self, node: exp.Anonymous) -> Expr:
        place, name = self._place(node), str(node.this).lower()
        given = node.expressions
        if len(given) > 1 or (not given and name != "count"):
            raise place.refuse(f"{name} takes one operand")
        if not given or (isinstance(given[0], exp.Star) and name == "count"):
            for star in given:
                _plain(star, place)
            return self.planner.measure(BY_SQL[name], None, place)
        if isinstance(given[0], exp.Distinct):
            raise place.refuse(f"{name}(DISTINCT …) is not part of the language")
        if _aggregated(given[0]):
            raise place.refuse("an aggregate of an aggregate is not part of the language")
        expr = read(given[0], self.columns, self.pointer)
        return self.planner.measure(BY_SQL[name], expr, place)

    def _condition(self, item: Item) -> Expr:
        root = tree(item.text, self.pointer)
        if _aggregated(root):
            raise item.place.refuse("WHERE has no aggregates; HAVING has")
        return build.truth(read(root, self.columns, self.pointer), "WHERE", item.place)

    def _having(self, item: Item) -> Expr:
        root = tree(item.text, self.pointer)
        found = read(root, self.columns, self.pointer, self._known_having)
        return build.truth(found, "HAVING", item.place)

    def _order(self, item: Item, meant: Callable[[exp.Expr], Expr]) -> Order:
        """`expression [ASC | DESC] [NULLS FIRST | LAST]`; NULL comes last where nothing is said."""
        tokens = list(item.tokens)
        words = [token.text.lower() for token in tokens]
        nulls_first = descending = False
        if words[-2:] in (["nulls", "first"], ["nulls", "last"]) and len(words) > 2:
            nulls_first = words[-1] == "first"
            tokens, words = tokens[:-2], words[:-2]
        if words[-1] in ("asc", "desc") and len(words) > 1:
            descending = words[-1] == "desc"
            tokens = tokens[:-1]
        item = self.clauses.item(tokens)
        if item.word() == "all":
            raise item.place.refuse("ORDER BY ALL is not part of the language")
        numbered = self._numbered(item)
        root = tree(item.text, self.pointer) if numbered is None else numbered.root
        expr = meant(self._alias(root, first=True) or root)
        if expr.kind is Kind.NULL:
            raise item.place.refuse("NULL alone orders nothing")
        return Order(expr=expr, descending=descending, nulls_first=nulls_first)

    def _count(self, clause: str) -> int | None:
        item = self.clauses.only(clause)
        if item is None:
            return None
        word = item.word() or ""
        if not (word.isascii() and word.isdigit() and len(word) <= 16 and int(word) < ROWS_MAX):
            raise item.place.refuse(f"{clause} is followed by a number of rows")
        return int(word)

    def _place(self, node: exp.Expr) -> Place:
        starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
        return Place(self.pointer, min(starts, default=None))


def _chosen(clauses: Clauses, item: Item, pointer: str) -> Chosen:
    bare, name = clauses.named(item)
    root = tree(bare.text, pointer)
    _plain(root, bare.place)
    plain = root.name if isinstance(root, exp.Column) else bare.bare
    return Chosen(root, name or str(plain), name is not None, bare)


def _plain(root: exp.Expr, place: Place) -> None:
    """Refuse a `*` that takes columns out, or others in."""
    if isinstance(root, exp.Star):
        for word, said in root.args.items():
            if said:
                raise place.refuse(
                    f"* with {WITH_STAR.get(word, word).upper()} is not part of the language"
                )


def _aggregated(root: exp.Expr) -> bool:
    return any(
        isinstance(node, exp.Anonymous) and str(node.this).lower() in BY_SQL for node in root.walk()
    )


def _size(root: exp.Expr) -> int:
    while type(root) is exp.Paren:
        root = root.this
    return sum(1 for node in root.walk() if type(node) is not exp.Paren)
