"""This file is where the language gives the same bits in a browser as its reference in Python."""

from __future__ import annotations

import math

from chromium import START, OpenPage, wait
from evaluating import alike, by_program, by_reference
from fake_server import FakeServer, Unit
from playwright.sync_api import Page

from grid import conformance
from grid.codegen.parse import expression
from grid.engines import Computation, ProgramFailed
from grid.items import LogicalType


class PageEngine:
    """A volunteer page as an engine: each computation goes the whole way through the sandbox."""

    name = "chromium"

    def __init__(self, server: FakeServer, page: Page) -> None:
        self.server, self.page = server, page

    def compute(self, job: Computation) -> bytes:
        """As every engine."""
        unit = Unit(
            job.program,
            params=job.params,
            columns=job.columns,
            chunks=job.chunks,
            rows=job.rows,
            points=job.points,
            first_rows=job.first_rows,
            time_limit_s=job.time_limit_s,
        )
        self.server.add(unit)
        wait(lambda: bool(unit.reports), self.page)
        if unit.reports[0]["outcome"] != "success":
            raise ProgramFailed(unit.reports[0]["message"])
        return unit.output

    def close(self) -> None:
        """The page is closed by its fixture."""


#: Something of every part of the language, whose last bits are the engine's to get wrong.
EXPRESSIONS = (
    "sin(x) + cos(x) * tan(y)",
    "pow(abs(x), y) + exp(y) + ln(abs(x)) + log10(abs(y)) + atan2(x, y) + sqrt(abs(x))",
    "CAST(x * 3 AS TEXT) || ' ' || CAST(CAST(t AS DOUBLE) AS TEXT)",
    "round(x, 3) % 0.7e0 + trunc(y, -1)",
    "CAST(round(y, 3) AS DECIMAL(18,6)) * 1.0000001 / 3",
    "CAST(a * 7919 // 13 AS DECIMAL(30,5)) + p - p % 0.37",
    "upper(trim(split_part('a, b ,c' || t, ',', -2))) || replace(t, '5', '\U0001f600')",
    "t LIKE '%_5%' OR t < '\uffff'",
    "date_trunc('week', m + INTERVAL '1 month 3 days') - INTERVAL 7 HOUR",
    "extract(week FROM m) * 99 + date_diff('day', DATE '1999-12-31', m) + length(m::text)",
    "CASE WHEN x > y THEN greatest(x, y, 0.5) ELSE least(CAST(a AS DOUBLE), y) END",
)


def test_the_language_gives_the_references_bits(server: FakeServer, open_page: OpenPage) -> None:
    server.retry_after_s = 0.05
    page = open_page()
    page.click(START)
    rows = 300
    doubles = [math.ldexp((n * 7919 % 10007) / 10007 - 0.5, n % 90 - 40) for n in range(2 * rows)]
    table = conformance.Table(
        names=("x", "y", "a", "p", "t", "m"),
        types=tuple(
            map(LogicalType, ("double", "double", "int64", "decimal", "text", "timestamp"))
        ),
        values=(
            tuple(doubles[:rows]),
            tuple(value % 50 for value in doubles[rows:]),
            tuple(n**5 - 7**12 for n in range(rows)),
            tuple(n * 12345 - 999_999 for n in range(rows)),
            tuple(repr(value) for value in doubles[:rows]),
            tuple(n * 97_003_000_001_234 - 10**15 for n in range(rows)),
        ),
    )
    cut = conformance.cut_up(table, rows, wide=True)
    engine = PageEngine(server, page)
    for text in EXPRESSIONS:
        expr = expression(text, cut.columns, "/x")
        answers = by_program(expr, cut, engine)
        for row, (one, other) in enumerate(zip(by_reference(expr, table), answers, strict=True)):
            assert alike(one, other), (text, row, one, other)
