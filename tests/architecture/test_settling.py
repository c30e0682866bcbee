"""This file is where the fourth law is kept alive: what decides a work unit is shown to settle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_tree import GRID, ROOT, files, imports, is_pure, named, parse

#: What a rule is called that is asked again and again about the same work unit.
DECIDING = ("decide", "settle")


def deciders() -> list[str]:
    """Every pure module with a `decide(unit: WorkUnit, …)`: rules that are asked again."""
    found = []
    for path in files(".py", under=GRID):
        for item in parse(path).body:
            if isinstance(item, ast.FunctionDef) and item.name in DECIDING and is_pure(path):
                first = item.args.args[0].annotation
                if first is not None and ast.unparse(first) == "WorkUnit":
                    module = named(path).removesuffix(".py").removesuffix("/__init__")
                    found.append(module.replace("/", "."))
    return found


def reached_from(path: Path) -> Iterator[str]:
    """What a test file imports of grid, and what that imports in its turn."""
    for _, name in imports(parse(path)):
        yield name
        parts = name.split(".")
        for end in range(len(parts), 0, -1):
            stem = ROOT.joinpath(*parts[:end])
            for source in (stem.with_suffix(".py"), stem / "__init__.py"):
                if parts[0] == "grid" and end > 1 and source.is_file():
                    yield from (further for _, further in imports(parse(source)))


def settling_properties() -> list[Path]:
    """Test files with a Hypothesis property whose name says that something settles."""
    found = []
    for path in files(".py", under=ROOT / "tests"):
        for item in ast.walk(parse(path)):
            if isinstance(item, ast.FunctionDef) and "settle" in item.name:
                marks = [ast.unparse(mark) for mark in item.decorator_list]
                if any(mark.startswith("given(") for mark in marks):
                    found.append(path)
    return found


@pytest.mark.parametrize("module", deciders())
def test_a_rule_that_decides_a_work_unit_is_shown_to_settle(module: str) -> None:
    reached = {name for path in settling_properties() for name in reached_from(path)}
    assert any(f"{name}.".startswith(f"{module}.") for name in reached)


def test_there_are_rules_that_decide() -> None:
    assert {"grid.transitioner", "grid.validator"} <= set(deciders())


def draws_every_mode(path: Path) -> bool:
    """Whether a test file draws from all of `Mode`."""
    calls = (item for item in ast.walk(parse(path)) if isinstance(item, ast.Call))
    drawn = (call.args for call in calls if ast.unparse(call.func).endswith("sampled_from"))
    parts = (part for args in drawn for each in args for part in ast.walk(each))
    return any(ast.unparse(part) in ("Mode", "*Mode") for part in parts)


def test_the_rules_are_shown_to_settle_in_every_mode() -> None:
    assert any(
        draws_every_mode(path)
        for path in settling_properties()
        if any(f"{name}.".startswith("grid.validator.") for name in reached_from(path))
    )
