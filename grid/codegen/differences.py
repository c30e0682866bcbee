"""This file is where it stands how the language differs from DuckDB's, on purpose."""

from __future__ import annotations

from collections.abc import Mapping

#: Construct → (what DuckDB does, what Grid does, and why). Nothing else may differ; the tests that
#: compare with DuckDB may leave out exactly these.
DIFFERENCES: Mapping[str, tuple[str, str]] = {
    "integer literals": (
        "of 32 bits where they fit: 2147483647 + 1 overflows",
        "of 64 bits, as every integer here; CAST(x AS INTEGER) is CAST(x AS BIGINT)",
    ),
    "9223372036854775808": (
        "a HUGEINT",
        "a decimal of its digits, 38 at most; there are no integers beyond 64 bits",
    ),
    "x / 0": (
        "infinity or NaN",
        "NULL, as DuckDB did before and as SQL users expect of a row that has no answer",
    ),
    "x // 0": (
        "an error",
        "NULL, so that one row cannot fail a job; a constant 0 is refused in all three",
    ),
    "x % 0": (
        "an error for integers and decimals, NaN for doubles",
        "NULL, as above",
    ),
    "1.5 // 1": (
        "1.5: doubles are divided as by /",
        "refused: // is for integers",
    ),
    "lower('Ä')": (
        "'ä': case of all scripts, by the Unicode version it was built with",
        "'Ä': A to Z only, so that an answer does not depend on a Unicode version",
    ),
    "CAST('1_000' AS BIGINT)": (
        "1000; also 0x1F, 2020/1/2, epoch, infinity, time zones",
        "fails: numbers are digits with point, exponent and sign, dates YYYY-MM-DD",
    ),
    "DATE '9999-12-31' + 1": (
        "10000-01-01, and years before 1",
        "fails: dates and timestamps have the years 1 to 9999, and no infinity",
    ),
    "CAST(-sqrt(-1) AS VARCHAR)": (
        "'nan' or '-nan', by the sign of the NaN",
        "'nan': engines give NaN any sign",
    ),
    "FALSE AND CAST(t AS BIGINT) > 0": (
        "an error or FALSE, as it was planned",
        "FALSE: an operand of AND or OR that fails is forgiven where another one decides",
    ),
    "sin(x)": (
        "the bits of the C library that it was built with",
        "those of the portable libm; so for cos, tan, atan2, exp, ln, log10 and pow",
    ),
    "sum(n), avg(x)": (
        "sums of integers overflow 128 bits; sums of doubles depend on the order",
        "exact: of integers in 64 bits or 38 digits, of doubles rounded once; so are means",
    ),
    "avg(m)": (
        "the nearest microsecond from 1970 on; before, what is behind the point is cut off",
        "the nearest microsecond, halves towards 1970",
    ),
    "stddev(x), var_samp(x)": (
        "rounded at every step; decimals as doubles; an error or 0 for infinities",
        "exact until they are rounded once; NaN where a value is NaN or infinite",
    ),
    "min(x * -0e0)": (
        "0.0 or -0.0, whichever came first; so for what rows are grouped by",
        "0.0",
    ),
    "levenshtein(t, u)": (
        "texts of any length; so jaro_winkler_similarity",
        "fails for texts of more than 1024 bytes: it takes the product of their lengths",
    ),
    "substr(t, 9223372036854775807)": (
        "an error beyond ±2^32",
        "the empty text",
    ),
    "round(CAST(NULL AS DECIMAL(4,2)), -9)": (
        "0",
        "NULL",
    ),
    "CAST(TRUE AS DECIMAL(4,4))": (
        "1, which has no place in the type",
        "refused: a boolean is cast to BIGINT",
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
