"""This file is where the third law is tested: only grid/db/apply/ changes rows.

Migrations are excepted: they change the shape of tables, and carry old rows over. So is the public
record, and what counts how often something happens: files of their own that can be deleted at any
time.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_tree import GRID, ROOT, files, imports, named, parse

WRITER = "grid/db/apply/"
MIGRATIONS = "grid/db/migrations/"
RECORD = "grid/db/record/taking.py"
RATES = "grid/db/windows.py"

#: Statements that change rows.
STATEMENTS = frozenset({"insert", "update", "delete"})
#: Ways of a session to change rows without writing a statement.
SESSION_METHODS = frozenset(
    {"add_all", "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"}
)
#: Of these names a plain `add`, `merge` or `delete` is a write.
SESSIONS = frozenset({"session", "db", "transaction", "connection", "conn"})
SQL = re.compile(
    r"^\s*(INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|REPLACE\s+INTO)\b"
)


def writes(tree: ast.Module) -> Iterator[str]:
    """Everything in a syntax tree that changes rows, with its line."""
    for at, name in imports(tree):
        library, _, last = name.rpartition(".")
        if library.split(".")[0] in {"sqlalchemy", "sqlmodel"} and last in STATEMENTS:
            yield f"line {at}: imports {name}"
    for item in ast.walk(tree):
        if isinstance(item, ast.Constant) and isinstance(item.value, str) and SQL.match(item.value):
            yield f"line {item.lineno}: SQL that writes"
        if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute):
            method, owner = item.func.attr, ast.unparse(item.func.value)
            last = owner.rpartition(".")[2].lstrip("_")
            # Table.insert() takes no values here; dict.update(x) and list.insert(0, x) always do.
            statement = method in STATEMENTS and not item.args and not item.keywords
            library = method in STATEMENTS and last in {"sa", "sqlalchemy", "sqlmodel", "__table__"}
            session = last in SESSIONS and method in {"add", "merge", "delete"}
            if statement or library or session or method in SESSION_METHODS:
                yield f"line {item.lineno}: {owner}.{method}()"


READERS = [
    path
    for folder in ("grid", "web", "jobtypes", "demo")
    for path in files(".py", under=ROOT / folder)
    if not named(path).startswith((WRITER, MIGRATIONS, RECORD, RATES))
]


@pytest.mark.parametrize("path", READERS, ids=named)
def test_only_apply_writes(path: Path) -> None:
    assert not list(writes(parse(path)))


def test_apply_does_write() -> None:
    assert [path for path in files(".py", under=ROOT / WRITER) if list(writes(parse(path)))]


@pytest.mark.parametrize("path", files(".py", under=ROOT / "web"), ids=named)
def test_no_sql_above_the_store(path: Path) -> None:
    libraries = {name.split(".")[0] for _, name in imports(parse(path))}
    assert not libraries & {"sqlalchemy", "sqlmodel", "sqlite3", "alembic"}


@pytest.mark.parametrize("path", files(".py", under=GRID), ids=named)
def test_sql_stays_in_the_store(path: Path) -> None:
    libraries = {name.split(".")[0] for _, name in imports(parse(path))}
    if not named(path).startswith("grid/db/"):
        assert not libraries & {"sqlalchemy", "sqlmodel", "sqlite3", "alembic"}


@pytest.mark.parametrize(
    "program",
    [
        "from sqlalchemy import insert",
        "from sqlmodel import select, update",
        "from sqlalchemy.dialects.sqlite import insert",
        "import sqlalchemy as sa\nsa.update(Result)",
        "Result.__table__.delete()",
        "results.insert()",
        "session.add(row)",
        "self._session.delete(row)",
        "session.execute(text('UPDATE results SET x = 1'))",
        "connection.execute('DELETE FROM results')",
    ],
)
def test_a_second_writer_is_caught(program: str) -> None:
    assert list(writes(ast.parse(program)))


@pytest.mark.parametrize(
    "program",
    [
        "facts.update(more)",
        "facts.update(a=1)",
        "names.insert(0, name)",
        "blobs.delete(digest)",
        "seen.add(name)",
        "say('UPDATE results now')",
        "from sqlalchemy import select",
    ],
)
def test_a_reader_is_left_alone(program: str) -> None:
    assert not list(writes(ast.parse(program)))
