"""This file is where files and functions are kept small, and say first what they are for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_tree import ROOT, files, named, parse

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

#: A migration is a record of one day's tables, written by a tool and never changed.
MIGRATIONS = "grid/db/migrations/versions/"
PYTHON = [path for path in files(".py") if not named(path).startswith(MIGRATIONS)]
CLIENT = files(".ts", ".mjs", ".js", under=ROOT / "web")
PACKAGES = ("grid", "web", "jobtypes", "demo", "benchmarks", "docs")
#: How a module opens; the rest of the sentence says what it is for.
OPENING = re.compile(r"^(This (file|package|folder|module) is where|Grid: ) ?\S")
#: The first line of a function, method or arrow function with a body, in TypeScript; or, when its
#: arguments take several lines, the line that ends them.
HEAD = re.compile(
    r"^(?P<indent>\s*)((export|default|async|private|static|readonly|const|let)\s+)*"
    r"(function\b|(?!(?:if|for|while|switch|catch|do|else|return)\b)[\w$]+\s*(=.*=>|\()|\)).*\{$"
)


def function_lengths(path: Path) -> Iterator[tuple[str, int]]:
    """Name and number of lines of every function in a Python file, decorators not counted."""
    for item in ast.walk(parse(path)):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            assert item.end_lineno is not None
            yield item.name, item.end_lineno - item.lineno + 1


def client_function_lengths(text: str) -> Iterator[tuple[str, int]]:
    """The same for TypeScript that is laid out one statement a line, closed at its own indent."""
    lines = text.splitlines()
    for first, line in enumerate(lines):
        head = HEAD.match(line)
        if head:
            closing = re.compile(rf"^{head['indent']}\}}")
            rest = (at for at in range(first + 1, len(lines)) if closing.match(lines[at]))
            yield line.strip(), next(rest, len(lines) - 1) - first + 1


@pytest.mark.parametrize("path", [*PYTHON, *CLIENT], ids=named)
def test_a_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES_MAX


@pytest.mark.parametrize("path", PYTHON, ids=named)
def test_a_function_is_short(path: Path) -> None:
    assert not [each for each in function_lengths(path) if each[1] > FUNCTION_LINES_MAX]


@pytest.mark.parametrize("path", CLIENT, ids=named)
def test_a_client_function_is_short(path: Path) -> None:
    lengths = client_function_lengths(path.read_text(encoding="utf-8"))
    assert not [each for each in lengths if each[1] > FUNCTION_LINES_MAX]


def test_client_functions_are_found() -> None:
    text = """
export async function spell(value: Json): string {
  if (value) {
    return "";
  }
}
const decode = (bytes: Uint8Array): Column => {
  return bytes;
};
function fold(
  parts: Part[],
): bigint {
  return 0n;
}
class Lease {
  renew(at: number): void {
    this.at = at;
  }
}
"""
    assert [length for _, length in client_function_lengths(text)] == [5, 3, 3, 3]


@pytest.mark.parametrize(
    "path",
    [path for path in PYTHON if path.relative_to(ROOT).parts[0] in PACKAGES],
    ids=named,
)
def test_a_module_opens_by_saying_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(parse(path)) or ""
    first = docstring.partition("\n\n")[0]
    assert OPENING.match(first), f"opens with {first!r}"
    assert first.rstrip().endswith("."), "the first sentence stands in a paragraph of its own"
