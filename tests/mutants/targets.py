"""This file is where it stands which rules get planted bugs, and which tests must find them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

#: Files and packages whose every mistake would be a wrong verdict or a lost copy.
TARGETS = (
    "grid/transitioner*", "grid/dispatch*", "grid/report*", "grid/trust*", "grid/validator*",
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """Tests that are tried together; what survives one stage goes on to the next."""

    name: str
    #: Folders and files of tests; those that are not there are left out.
    paths: tuple[str, ...]
    #: Examples for each property: enough to find a planted bug, and no more.
    examples: int
    #: Tests that are left out, by their names.
    but: tuple[str, ...] = ()


#: Cheapest first: nearly everything dies in the first stage.
STAGES = (
    Stage(
        "rules",
        ("tests/unit/rules",),
        examples=60,
        # It says what other tests try, and takes longer than all of them.
        but=("test_the_histories_reach_every_end",),
    ),
    Stage(
        "store",
        (
            "tests/unit/store/test_store_work.py",
            "tests/unit/store/test_store_faults.py",
            "tests/unit/store/test_principals.py",
        ),
        examples=10,
        # It counts the commits that a disk's slowness joins; here the stores lie in memory.
        but=("test_a_command_that_fails_does_not_break_up_its_batch",),
    ),
    Stage("stateful", ("tests/stateful",), examples=40),
)


def files_of(root: Path, patterns: Sequence[str] = TARGETS) -> list[str]:
    """Every Python file that the patterns name, in the order of the patterns, relative to `root`.

    A pattern ends in a file or in a package, whose files are taken with it.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        for path in sorted(root.glob(pattern)):
            inside = sorted(path.rglob("*.py")) if path.is_dir() else [path]
            found.update({one.relative_to(root).as_posix(): None for one in inside})
    return [name for name in found if name.endswith(".py")]


def paths_for(tree: Path, stage: Stage) -> list[str]:
    """The files and folders of a stage that are there."""
    return [one for one in stage.paths if (tree / one).exists()]


def module_of(file: str) -> str:
    """The name under which a file is imported."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def out_of_reach(modules: Mapping[str, Path], targets: Set[str]) -> list[str]:
    """Those of some modules that import no target, not even through others."""
    imports = {name: set(_imports(name, file)) for name, file in modules.items()}
    reached = set(targets)
    while more := {name for name, seen in imports.items() if seen & reached} - reached:
        reached |= more
    return [name for name in modules if name not in reached]


def _imports(name: str, file: Path) -> Iterator[str]:
    yield from _with_packages(name.rpartition(".")[0])
    for item in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(item, ast.Import):
            for alias in item.names:
                yield from _with_packages(alias.name)
        elif isinstance(item, ast.ImportFrom) and item.module is not None:
            for alias in item.names:
                yield from _with_packages(f"{item.module}.{alias.name}")


def _with_packages(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]
