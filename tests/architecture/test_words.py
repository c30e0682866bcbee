"""This file is where Grid's words are kept: those of docs/glossary.md, and none beside them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_tree import ROOT, files, named, parse

#: Word → where it may name something all the same, and why.
FORBIDDEN = {
    "task": (),
    #: Tests' names are sentences, and things run in them.
    "run": ("tests/",),
    "shard": (),
    #: A syntax tree has nodes, and Node.js builds the client.
    "node": ("grid/codegen/", "grid/plan/", "jobtypes/", "hatch_build.py", "tests/", "web/client/"),
    #: A Web Worker is called so by the browser.
    "worker": ("web/client/", "tests/"),
    #: HTTP has status codes, and processes have an exit status.
    "status": ("web/", "tests/", "demo/", "benchmarks/", "grid/volunteer/", "grid/cli.py"),
}
#: Names that a library gives, to be overridden or passed as they are.
GIVEN = {"status_code", "exit_status", "create_task"}
#: "run" is a plain English verb where a name begins with it (`run_daemons`); no thing is a run, so
#: what would name or count one is not excused.
VERB = re.compile(r"_?run(?!_(?:at|count|id|ids|name|number|s|state)$)(?:_[a-z]+)*")

PYTHON = files(".py")
CLIENT = files(".ts", under=ROOT / "web" / "client")
TEXTS = files(
    ".py", ".md", ".ts", ".mjs", ".html", ".css", ".toml", ".json", ".yml", ".lock", ".in", ".sh",
    "Makefile", "run", ".gitignore",
)  # fmt: skip

#: Marks of work that is not finished.
UNFINISHED = re.compile(r"\b([T]ODO|[F]IXME|[X]XX)\b")
#: Hosts that packages come from, and folders of one machine: neither belongs in the project.
ELSEWHERE = re.compile(
    r"pypi[.]org|files[.]pythonhosted|registry[.](npmjs|yarnpkg)|proxy[.]golang"
    r"|(?<![\w.}>)])/[w]ork/|\.\./[s]hared|/[h]ome/\w|/[U]sers/\w"
)


def parts(name: str) -> set[str]:
    """The words of an identifier: "retryAfter_s" → retry, after, s."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def given_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name that a Python file gives: to modules, classes, functions, arguments, values."""
    for item in ast.walk(tree):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield item.lineno, item.name
        elif isinstance(item, ast.arg):
            yield item.lineno, item.arg
        elif isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
            yield item.lineno, item.id


def client_names(text: str) -> Iterator[tuple[int, str]]:
    """Every name that a TypeScript file gives with a keyword."""
    for number, line in enumerate(text.splitlines(), 1):
        for name in re.findall(r"\b(?:const|let|function|class|type|interface)\s+([\w$]+)", line):
            yield number, name


def misnamed(names: Iterator[tuple[int, str]], place: str) -> list[str]:
    """What is called by a forbidden word, or a plural of one."""
    found = []
    for at, name in names:
        said = {word.removesuffix("s") if word != "status" else word for word in parts(name)}
        for word in said & FORBIDDEN.keys():
            excused = name in GIVEN or (word == "run" and VERB.fullmatch(name))
            if not excused and not place.startswith(FORBIDDEN[word]):
                found.append(f"line {at}: {name}")
    return found


@pytest.mark.parametrize("path", PYTHON, ids=named)
def test_names_use_the_words_of_the_glossary(path: Path) -> None:
    assert not misnamed(given_names(parse(path)), named(path))
    assert not misnamed(iter([(0, path.stem)]), named(path))


@pytest.mark.parametrize("path", CLIENT, ids=named)
def test_names_in_the_client_use_them_too(path: Path) -> None:
    assert not misnamed(client_names(path.read_text(encoding="utf-8")), named(path))


@pytest.mark.parametrize("path", TEXTS, ids=named)
def test_a_file_is_finished_and_speaks_of_the_project_alone(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [
        f"line {number}: {line.strip()[:80]}"
        for number, line in enumerate(lines, 1)
        if UNFINISHED.search(line) or ELSEWHERE.search(line)
    ]
    assert not found


@pytest.mark.parametrize(
    "name",
    ["task_id", "Shard", "nodes", "worker_count", "job_status", "run_id", "Run", "last_runs"],
)
def test_a_forbidden_word_is_caught(name: str) -> None:
    assert misnamed(iter([(1, name)]), "grid/dispatch.py")


@pytest.mark.parametrize(
    "name", ["workunit", "multitasking", "status_code", "host_id", "_run_alone", "runner"]
)
def test_other_words_are_left_alone(name: str) -> None:
    assert not misnamed(iter([(1, name)]), "grid/dispatch.py")
