"""This file is where refused constructs get names that sqlglot's own would not explain."""

from __future__ import annotations

from sqlglot import exp

CONSTRUCTS: dict[type[exp.Expr], str] = {
    exp.Concat: "text behind text",
    exp.ILike: "ILIKE",
    exp.Escape: "LIKE … ESCAPE",
    exp.Select: "a query",
    exp.Subquery: "a query",
    exp.Exists: "EXISTS",
    exp.Tuple: "a list of values outside IN",
    exp.Placeholder: "a parameter",
    exp.Star: "*",
    exp.RegexpLike: "a regular expression",
    exp.SimilarTo: "SIMILAR TO",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.Window: "a window function",
    exp.Lambda: "a lambda",
    exp.JSONExtract: "->",
    exp.Distinct: "DISTINCT inside a call",
    exp.Collate: "COLLATE",
    exp.AtTimeZone: "AT TIME ZONE",
    exp.Dot: "a name with a dot",
    exp.Func: "this function",
}
