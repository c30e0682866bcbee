"""This file is where the first law is tested: imports point up the page, and the page is true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib

import pytest
from source_tree import GRID, ROOT, Line, files, imports, named, page, parse

#: What a job type may see of grid: the contract and its toolbox.
TOOLBOX = (
    "grid.plugins.contract", "grid.codegen", "grid.chunks", "grid.canonical", "grid.comparators",
    "grid.items", "grid.plan",
)  # fmt: skip
#: Words that say nothing about what a file is for.
FILLER = {
    "with",
    "that",
    "this",
    "from",
    "each",
    "what",
    "when",
    "which",
    "where",
    "every",
    "than",
    "they",
}
#: The share of the page's words that the module's own first paragraph must use as well.
NEIGHBOUR_SHARE = 0.25


def words(text: str) -> set[str]:
    """Long words, cut to their stems: "narrow" and "narrowed" are one."""
    return {word[:5] for word in re.findall(r"[a-z0-9]{4,}", text.lower()) if word not in FILLER}


def contract() -> list[str]:
    """The layers of the import contract, lowest first."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    (layers,) = [each for each in contracts if each.get("containers") == ["grid"]]
    assert layers["exhaustive"]
    return list(reversed(layers["layers"]))


def test_imports_point_up_the_page() -> None:
    check = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()",
         "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert check.returncode == 0, check.stdout + check.stderr


def test_the_page_and_the_contract_list_the_same_modules_in_the_same_order() -> None:
    assert contract() == [line.name for line in page()]


def test_the_page_lists_every_module_and_nothing_else() -> None:
    modules = {path.stem for path in GRID.glob("*.py")} - {"__init__", "__main__"}
    packages = {path.parent.name for path in GRID.glob("*/__init__.py")}
    assert {line.name for line in page() if not line.package} == modules
    assert {line.name for line in page() if line.package} == packages


@pytest.mark.parametrize("line", page(), ids=lambda line: line.name)
def test_the_page_says_of_a_module_what_the_module_says_of_itself(line: Line) -> None:
    path = GRID / line.name / "__init__.py" if line.package else GRID / f"{line.name}.py"
    docstring = ast.get_docstring(parse(path)) or ""
    said = words(line.sentence.replace("·", ""))
    missing = said - words(docstring.partition("\n\n")[0])
    assert len(missing) <= len(said) * (1 - NEIGHBOUR_SHARE), (
        f"{named(path)} opens with {docstring.partition(chr(10))[0]!r}; the page: {line.sentence!r}"
    )


@pytest.mark.parametrize("path", files(".py", under=ROOT / "jobtypes"), ids=named)
def test_a_job_type_sees_only_the_toolbox(path: object) -> None:
    seen = [
        (at, name) for at, name in imports(parse(path)) if name.split(".")[0] in {"grid", "web"}
    ]
    outside = [
        f"line {at}: {name}"
        for at, name in seen
        if not any(name == tool or name.startswith(f"{tool}.") for tool in TOOLBOX)
    ]
    assert not outside


@pytest.mark.parametrize("path", files(".py", under=GRID), ids=named)
def test_grid_knows_nobody_who_stands_above_it(path: object) -> None:
    above = {"web", "jobtypes", "demo", "benchmarks", "tests"}
    assert not [name for _, name in imports(parse(path)) if name.split(".")[0] in above]
