"""This file is where a skipped test fails the whole suite, unless tests/README.md says why.

A test counts as left out when it was skipped, when it was expected to fail, and when its file was
skipped while it was collected. The table under "Permitted skips" in tests/README.md may excuse a
test with a reason; it may never excuse a browser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

#: A row of the table: a test's id in backquotes, and a reason.
ROW = re.compile(r"^\|\s*`(?P<test>[^`]+)`\s*\|\s*(?P<reason>[^|]*?)\s*\|$", re.MULTILINE)
BROWSER = re.compile(r"browser|chromium|firefox|webkit", re.IGNORECASE)


def permitted_skips(page: str) -> Mapping[str, str]:
    """Test id → reason, from the text of tests/README.md; raises ValueError for a bad row."""
    _, _, section = page.partition("\n## Permitted skips\n")
    section, _, _ = section.partition("\n## ")
    rows = {row["test"]: row["reason"] for row in ROW.finditer(section)}
    for test, reason in rows.items():
        if not reason:
            raise ValueError(f"{test} may not be skipped without a reason")
        if BROWSER.search(test):
            raise ValueError(f"{test}: tests in browsers may not be skipped")
    return rows


class NoSkips:
    """Collects what was left out, and fails the session for what no row excuses."""

    def __init__(self, permitted: Mapping[str, str]) -> None:
        self.permitted = permitted
        self.left_out: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped or hasattr(report, "wasxfail"):
            self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._note(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.left_out and session.exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.left_out:
            terminalreporter.section("left out without permission", red=True)
            for test, why in sorted(self.left_out.items()):
                terminalreporter.line(f"{test}: {why}")
            terminalreporter.line("Run it, delete it, or say why in tests/README.md.")

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.nodeid not in self.permitted:
            why = getattr(report, "wasxfail", None)
            if why is None:
                why = report.longrepr[2] if isinstance(report.longrepr, tuple) else "skipped"
            self.left_out[report.nodeid] = why or "expected to fail"


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return  # a pytest-xdist child: its reports arrive in the parent
    page = Path(config.rootpath, "tests", "README.md")
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    try:
        permitted = permitted_skips(text)
    except ValueError as error:
        raise pytest.UsageError(f"tests/README.md: {error}") from error
    config.pluginmanager.register(NoSkips(permitted))
