"""This file is where the laws read the project's own source: its files, its page, its syntax."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
GRID = ROOT / "grid"

#: What is made by tools, fetched, or not ours to write.
NOT_OURS = {
    ".venv", ".git", ".grid", "node_modules", "__pycache__", "dist", "assets", "static",
    ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache",
}  # fmt: skip

LINE = re.compile(r"^    (?P<name>[a-z_]+(?:\.py|/)) +(?P<io>·)? *(?P<sentence>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Line:
    """One line of the page in grid/__init__.py."""

    #: Module or package name, without ".py" or "/".
    name: str
    package: bool
    #: Marked ·: the whole module does I/O.
    io: bool
    sentence: str

    @property
    def io_parts(self) -> frozenset[str]:
        """Modules of a pure package that do I/O: those named after a · inside the sentence."""
        _, _, after = self.sentence.partition("·")
        return frozenset(re.findall(r"[a-z_]+", after.partition("(")[0]))


@cache
def page() -> tuple[Line, ...]:
    """The page, in its order."""
    text = ast.get_docstring(parse(GRID / "__init__.py"), clean=False) or ""
    return tuple(
        Line(m["name"].rstrip("/").removesuffix(".py"), m["name"].endswith("/"), bool(m["io"]),
             m["sentence"])
        for m in LINE.finditer(text)
    )  # fmt: skip


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def files(*suffixes: str, under: Path = ROOT) -> list[Path]:
    """Every file of ours that ends in one of the suffixes, in a stable order."""
    found: list[Path] = []
    for path in sorted(under.iterdir()) if under.is_dir() else ():
        if path.name in NOT_OURS or path.name.endswith(".egg-info") or path.is_symlink():
            continue
        if path.is_dir():
            found += files(*suffixes, under=path)
        elif path.name.endswith(suffixes):
            found.append(path)
    return found


def named(path: Path) -> str:
    """The path as tests print it."""
    return path.relative_to(ROOT).as_posix()


def is_pure(path: Path) -> bool:
    """Whether the page says that this file of grid/ does no I/O."""
    parts = path.relative_to(GRID).with_suffix("").parts
    line = next((line for line in page() if line.name == parts[0]), None)
    if line is None or line.io:
        return False
    return len(parts) == 1 or parts[1] not in line.io_parts


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every import as (line, "module" or "module.name"), wherever it stands."""
    for item in ast.walk(tree):
        if isinstance(item, ast.Import):
            for alias in item.names:
                yield item.lineno, alias.name
        elif isinstance(item, ast.ImportFrom) and item.module:
            for alias in item.names:
                yield item.lineno, f"{item.module}.{alias.name}"
