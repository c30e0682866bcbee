"""This file is where it is shown that a test cannot be left out unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

MARKED = "import pytest\n@pytest.mark.{}\ndef test_it(): pass\n"
SUITES = {
    "a skip mark": MARKED.format("skip(reason='rain')"),
    "a condition": MARKED.format("skipif(True, reason='rain')"),
    "an unexpected pass": MARKED.format("xfail(reason='rain')"),
    "an expected failure": MARKED.format("xfail(reason='rain')").replace("pass", "assert 0"),
    "a skip inside": "import pytest\ndef test_it(): pytest.skip('rain')\n",
    "a fixture": "import pytest\n@pytest.fixture\ndef wet(): pytest.skip('rain')\n"
    "def test_it(wet): pass\n",
    "a missing module": "import pytest\npytest.importorskip('no_such')\ndef test_it(): pass\n",
}


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.mkdir("tests")
    pytester.makepyfile(test_fine="def test_fine(): pass")
    return pytester


def finish(suite: pytest.Pytester) -> pytest.RunResult:
    return suite.runpytest_inprocess("-p", "no_skips", "-p", "no:cacheprovider")


def test_a_suite_that_leaves_nothing_out_passes(suite: pytest.Pytester) -> None:
    assert finish(suite).ret == pytest.ExitCode.OK


@pytest.mark.parametrize("how", SUITES)
def test_a_test_left_out_fails_the_suite_by_name(suite: pytest.Pytester, how: str) -> None:
    suite.makepyfile(test_it=SUITES[how])
    result = finish(suite)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*left out without permission*", "test_it.py*"])


def test_a_skip_listed_with_a_reason_passes(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_it=SUITES["a skip mark"])
    page = "# Tests\n\n## Permitted skips\n\n| test | reason |\n|---|---|\n"
    Path("tests/README.md").write_text(page + "| `test_it.py::test_it` | It rains. |\n")
    assert finish(suite).ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("| `test_it.py::test_it` | |", "without a reason"),
        ("| `tests/browser/test_page.py::test_it` | slow |", "browsers may not be skipped"),
        ("| `test_it.py::test_it[chromium]` | missing |", "browsers may not be skipped"),
    ],
)
def test_a_row_that_excuses_too_much_stops_the_suite(
    suite: pytest.Pytester, row: str, complaint: str
) -> None:
    Path("tests/README.md").write_text(f"\n## Permitted skips\n\n{row}\n")
    result = finish(suite)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{complaint}*"])
