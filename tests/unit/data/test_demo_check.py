"""The demonstration's check is independent of Grid, and can say no."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from demo import check

HEADER = ("sum", "count", "name")
EXPECTED = [(0.1 + 0.2, 2**60, "O'Brien")]


@pytest.mark.parametrize(
    ("output", "difference"),
    [
        ("sum,count,name\r\n0.30000000000000004,1152921504606846976,O'Brien\r\n", ""),
        ("sum,count,name\n0.3,1152921504606846976,O'Brien\n", "row 1 is"),
        ("sum,count,name\n0.30000000000000004,1152921504606846977,O'Brien\n", "row 1 is"),
        ("sum,count,name\n0.30000000000000004,1.2e18,O'Brien\n", "row 1 is"),
        ("sum,count,name\n0.30000000000000004,1152921504606846976,O Brien\n", "row 1 is"),
        ("sum,count,name\n,1152921504606846976,O'Brien\n", "row 1 is"),
        ("sum,count,name\n0.30000000000000004,1152921504606846976\n", "row 1 is"),
        ("sum,count,name\n0.30000000000000004,1152921504606846976,O'Brien,1\n", "row 1 is"),
        ("sum,count,name\n", "0 rows instead of 1"),
        ("total,count,name\n0.3,1,x\n", "the columns are"),
        ("", "the columns are"),
    ],
)
def test_every_difference_is_named(tmp_path: Path, output: str, difference: str) -> None:
    path = tmp_path / "output.csv"
    path.write_text(output)
    found = check.difference(HEADER, EXPECTED, path)
    assert found.startswith(difference)
    assert bool(found) == bool(difference)


def test_the_process_ends_with_1_where_the_answer_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "output.csv"
    path.write_text("sum,count\n1443069.88,26114\n")
    assert check.main("sum-of-temperatures", str(path)) == 0
    path.write_text("sum,count\n1443069.8800000001,26114\n")
    assert check.main("sum-of-temperatures", str(path)) == 1
    assert capsys.readouterr().out.splitlines()[0] == "equal"


def test_it_imports_the_standard_library_alone() -> None:
    tree = ast.parse(Path(check.__file__).read_text())
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert names <= sys.stdlib_module_names
