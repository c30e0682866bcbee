"""This file is where the second law is tested: rules do no I/O, read no clock, toss no coin."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_tree import GRID, files, imports, is_pure, named, parse

#: All that a rule may import beside the page above it: nothing here waits, reads or remembers.
STANDARD = {
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "copy", "csv",
    "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib",
    "heapq", "hmac", "ipaddress", "itertools", "json", "math", "operator", "re", "statistics",
    "string",
    "struct", "sys", "textwrap", "tomllib", "types", "typing", "unicodedata",
}  # fmt: skip
LIBRARIES = {
    "cryptography", "jsonschema", "msgspec", "nacl", "numpy", "pluggy", "pyarrow", "pydantic",
    "pydantic_settings", "referencing", "rfc8785", "sqlglot", "tree_sitter",
    "tree_sitter_javascript",
}  # fmt: skip
#: Names without deeds, out of modules that have both.
NAMES = {
    "io.BytesIO", "io.StringIO", "pathlib.Path", "pathlib.PurePath", "pathlib.PurePosixPath",
    "urllib.parse.quote", "urllib.parse.urlsplit",
}  # fmt: skip
#: Parts of allowed libraries that reach out all the same.
REACHING_PARTS = (
    "cryptography.fernet", "numpy.random", "pyarrow.csv", "pyarrow.dataset", "pyarrow.feather",
    "pyarrow.flight", "pyarrow.fs", "pyarrow.json", "pyarrow.parquet",
)  # fmt: skip
#: Builtins that read or write the world, or make program out of data.
DEEDS = frozenset({"open", "input", "print", "exec", "eval", "compile", "breakpoint", "__import__"})
#: Methods that read the clock, the disk or the dice whatever they are called on.
REACHING_METHODS = {
    "now", "utcnow", "today", "urandom", "token_bytes", "token_hex", "generate_key", "memory_map",
    "OSFile", "read_text", "read_bytes", "write_text", "write_bytes", "exists", "is_file", "is_dir",
    "mkdir", "unlink", "iterdir", "glob", "resolve",
}  # fmt: skip


def impurities(tree: ast.Module) -> Iterator[str]:
    """Everything in a syntax tree that a rule may not do, with its line."""
    for at, name in imports(tree):
        allowed = name.split(".")[0] in {"grid", *STANDARD, *LIBRARIES} or name in NAMES
        if not allowed or name.startswith(REACHING_PARTS):
            yield f"line {at}: imports {name}"
    for item in ast.walk(tree):
        if isinstance(item, ast.AsyncFunctionDef | ast.Await | ast.Global):
            yield f"line {item.lineno}: {type(item).__name__}"
        elif isinstance(item, ast.Call):
            called = item.func
            if isinstance(called, ast.Name) and called.id in DEEDS:
                yield f"line {item.lineno}: calls {called.id}()"
            elif isinstance(called, ast.Attribute) and called.attr in REACHING_METHODS:
                yield f"line {item.lineno}: calls .{called.attr}()"


PURE = [path for path in files(".py", under=GRID) if is_pure(path)]


@pytest.mark.parametrize("path", PURE, ids=named)
def test_a_rule_does_no_io(path: Path) -> None:
    assert not list(impurities(parse(path)))


def test_the_rules_of_the_page_are_among_the_pure() -> None:
    names = {named(path) for path in PURE}
    assert {"grid/states.py", "grid/items.py", "grid/transition.py", "grid/canonical.py"} <= names
    assert not {name for name in names if name.startswith(("grid/db/", "grid/engines/"))}


@pytest.mark.parametrize(
    "program",
    [
        "import time",
        "from time import monotonic",
        "import os.path",
        "from pathlib import Path\nPath(name).exists()",
        "from sqlalchemy.orm import Session",
        "def f():\n    import random",
        "import asyncio",
        "from io import FileIO",
        "import pyarrow.fs",
        "from pyarrow import csv",
        "open('x')",
        "from datetime import datetime\ndatetime.now()",
        "pa.memory_map('x')",
        "async def f(): pass",
        "def f():\n    global seen\n    seen = 1",
        "key = AESGCM.generate_key(128)",
    ],
)
def test_an_impure_file_is_caught(program: str) -> None:
    assert list(impurities(ast.parse(program)))


@pytest.mark.parametrize(
    "program",
    [
        "from datetime import datetime\ndef f(now: int): return now",
        "import pyarrow as pa\npa.ipc.open_stream(data)",
        "from pathlib import PurePosixPath",
        "from io import BytesIO",
        "from urllib.parse import quote",
        "import hashlib, hmac, json, struct",
    ],
)
def test_a_pure_file_is_left_alone(program: str) -> None:
    assert not list(impurities(ast.parse(program)))
