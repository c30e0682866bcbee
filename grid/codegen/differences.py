"""This file is where it stands how the language differs from DuckDB's, on purpose."""

from __future__ import annotations

from collections.abc import Mapping

#: Construct → (what DuckDB does, what Grid does, and why). Nothing else may differ; the tests that
#: compare with DuckDB may leave out exactly these.
DIFFERENCES: Mapping[str, tuple[str, str]] = {
    "integer + - *": (
        "an error where the result leaves the operands' type",
        "exact at any size: an answer never depends on how narrowly a column is stored",
    ),
    "x / 0": (
        "infinity or NaN",
        "NULL, as DuckDB did before and as SQL users expect of a row that has no answer",
    ),
    "x % 0": (
        "an error for integers, NaN for doubles",
        "NULL, so that one row cannot fail a job",
    ),
    "decimal literals": (
        "0.1 is a DECIMAL, and 0.1 + 0.2 = 0.3",
        "the nearest double, as in the columns it is compared with",
    ),
    "1e400": (
        "infinity",
        "refused: the literal is not the number that was written",
    ),
    "'3' = 3": (
        "text and numbers are cast to each other",
        "refused, naming the place: which cast was meant is the requester's to say",
    ),
    "a = b IN (c)": (
        "comparisons of comparisons follow precedence",
        "refused until parentheses say which is meant",
    ),
}
