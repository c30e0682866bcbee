"""This file is where it is estimated what an expression takes a browser, before any has tried."""

from __future__ import annotations

from grid.codegen.tree import Call, Expr, walk
from grid.codegen.types import Kind

#: What operations take a browser of 2024, as measured: those of doubles and small whole numbers,
#: of texts, of the portable libm, and comparisons of two names.
PLAIN_NS, TEXT_NS, LIBM_NS, SIMILAR_NS = 2, 60, 40, 250
LIBM = frozenset({"sin", "cos", "tan", "atan2", "exp", "ln", "log10", "pow"})
SIMILAR = frozenset({"levenshtein", "jaro_winkler_similarity"})


def nanoseconds(*expressions: Expr | None) -> int:
    """What one row of all of them takes; parts that are one object count once. At least 1."""
    items = {id(item): item for expr in expressions if expr is not None for item in walk(expr)}
    return PLAIN_NS + sum(map(_ns, items.values()))


def _ns(item: Expr) -> int:
    if not isinstance(item, Call):
        return 0
    if item.op in LIBM:
        return LIBM_NS
    if item.op in SIMILAR:
        return SIMILAR_NS
    texts = item.kind is Kind.TEXT or any(one.kind is Kind.TEXT for one in item.args)
    return TEXT_NS if texts else PLAIN_NS
