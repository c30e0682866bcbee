"""This file is where the tool that plants bugs is tried on snippets and on a small tree."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from mutants.__main__ import all_mutants, arguments, chosen
from mutants.ledger import Ledger, as_toml, justified
from mutants.mutant import Key, mutants
from mutants.passes import Pass, Passes
from mutants.places import enums_in
from mutants.targets import files_of, module_of, out_of_reach
from mutants.trial import Outcome, Verdict

TESTS = Path(__file__).parents[1]
COLOURS = """
    class Colour(StrEnum):
        RED = "red"
        GREEN = "green"
        BLUE = "blue"
"""


def planted(source: str, operator: str) -> list[str]:
    """What lines become under one operator."""
    text = dedent(source).lstrip("\n")
    enums = enums_in([ast.parse(dedent(COLOURS))])
    return [
        one.key.becomes for one in mutants("a.py", text, enums) if one.operator == operator
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "line", "becomes"),
    [
        ("compare", "a < b", ["(a <= b)", "(a >= b)"]),
        ("compare", "a == b", ["(a != b)"]),
        ("compare", "a is None", ["(a is not None)"]),
        ("compare", "a in b", ["(a not in b)"]),
        ("compare", "0 < a <= b", ["(0 <= a <= b)", "(0 >= a <= b)", "(0 < a < b)", "(0 < a > b)"]),
        ("and_or", "a or b", ["(a and b)"]),
        ("operand", "a or b", ["False or b", "a or False"]),
        ("operand", "a and b", ["True and b", "a and True"]),
        ("operand", "a or 0", ["False or 0"]),
        ("sign", "not a", ["a"]),
        ("sign", "-a", ["a"]),
        ("constant", "a[1]", ["a[2]", "a[(0)]"]),
        ("constant", "f(a, True)", ["f(a, False)"]),
        ("constant", "a * 0.5", ["a * 0.75", "a * 0.25"]),
        ("constant", "f(a, 'text', None)", []),
        ("function", "min(a, b)", ["max(a, b)"]),
        ("function", "sum(a)", ["any(a)"]),
        ("function", "any(a)", ["all(a)"]),
        ("function", "all(a)", ["any(a)"]),
        ("function", "a.min(b)", []),
        ("bound", "max(a, b)", ["a", "b"]),
        ("bound", "sorted(a, reverse=b)", ["sorted(a)"]),
        ("enum_member", "Colour.BLUE", ["Colour.RED"]),
        ("enum_member", "a in (Colour.RED, Colour.BLUE)", ["a in (Colour.GREEN, Colour.BLUE)"]),
        ("enum_member", "other.BLUE", []),
        ("arithmetic", "a + b", ["(a - b)"]),
        ("arithmetic", "a // b", ["(a * b)"]),
        ("condition", "a if b else c", ["a if True else c", "a if False else c"]),
        ("condition", "[a for a in b if a]", ["[a for a in b if True]", "[a for a in b if False]"]),
        ("member", "[a, *b]", ["[*(), *b]", "[a, *()]"]),
        ("member", "{a}", ["{*()}"]),
        ("member", "dict[int, str]", []),
        ("entry", "f(before={'a': 1, 'b': c})", ["f(before={**{}, 'b': c})",
                                                 "f(before={'a': 1, **{}})"]),
    ],
)  # fmt: skip
def test_an_operator_plants_its_mistake_and_leaves_the_rest_of_the_line(operator, line, becomes):
    made = planted(f"def f():\n    g({line})", operator)
    assert made == [f"g({one})" for one in becomes]


@pytest.mark.parametrize(
    ("operator", "body", "becomes"),
    [
        ("returned", "def f() -> list[int]:\n    return g()", ["return []", "return g()[:1]"]),
        ("returned", "def f() -> tuple[int, ...]:\n    return g()", ["return ()",
                                                                     "return g()[:1]"]),
        ("returned", "def f() -> bool:\n    return g()", ["return True", "return False"]),
        ("returned", "def f() -> int:\n    return g()", ["return 0"]),
        ("returned", "def f() -> Fact | None:\n    return g()", ["return None"]),
        ("returned", "def f() -> Fact | None:\n    return None", []),
        ("statement", "def f():\n    a.add(1)", ["pass"]),
        ("statement", "def f(a):\n    a = a.b\n    c = 1", ["pass"]),
        ("statement", "for a in b:\n    continue", ["pass"]),
        ("statement", "def f():\n    raise ValueError(1 + 2)", ["pass"]),
        ("arithmetic", "def f(a):\n    a += 1", ["a -= 1"]),
        ("condition", "if a:\n    b()", ["if True:", "if False:"]),
        ("condition", "while a:\n    b()", ["while False:"]),
        ("tunable", "BOUND_MAX = 24 * 3600", ["BOUND_MAX = 0"]),
        ("constant", "BOUND_MAX = 24 * 3600", []),
        ("arithmetic", "BOUND_MAX = 24 * 3600", []),
        ("tunable", "QUOTA = Quota(start=9, least=-1)", ["QUOTA = Quota(start=0, least=-1)",
                                                         "QUOTA = Quota(start=9, least=0)"]),
        ("tunable", "class A(Struct):\n    a: int = 64\n    b: int = 0", ["a: int = 0"]),
        ("constant", "class A(Struct):\n    a: int = 64\n    b: int = 0", []),
        ("constant", "class A(Struct):\n    a: bool = True", ["a: bool = False"]),
        ("tunable", "def f(a=7, *, b=0): ...", ["def f(a=0, *, b=0): ..."]),
        ("constant", "def f(a=7, *, b=0): ...", []),
    ],
)  # fmt: skip
def test_an_operator_on_statements_plants_its_mistake(operator, body, becomes):
    assert planted(body, operator) == becomes


@pytest.mark.parametrize(
    "source",
    [
        '"""What it says: 1 + 2."""',
        "from a import b",
        "Key = tuple[int, str]",
        "Answer = A | B",
        "a: int | None",
        "def f(a: int | None) -> int | None: ...",
        "@cached(1)\ndef f(): ...",
        "class A(Struct, frozen=True): ...",
        COLOURS,
        "def f():\n    raise",
        "f(because=f'{a + 1} equal')",
    ],
)
def test_nothing_is_planted_in_words_types_and_imports(source):
    text = dedent(source).lstrip("\n")
    kinds = {one.operator for one in mutants("a.py", text, {})}
    assert kinds <= {"statement"}


RULE = """
LIMIT = 3


def is_late(deadline, now) -> bool:
    return deadline < now


def is_idle(waiting):
    return not waiting
"""


def test_every_planted_bug_is_another_program_that_can_be_compiled():
    found = mutants("grid/report.py", RULE, {})
    assert len({one.source for one in found} | {RULE}) == len(found) + 1
    assert len({one.key for one in found}) == len(found)
    for one in found:
        compile(one.source, "planted", "exec")
        assert one.key.line in RULE
        assert RULE.splitlines()[one.line_number - 1].strip() == one.key.line


def test_whatever_may_survive_can_still_be_planted():
    """What is justified for a line that has changed would excuse nobody, and mislead a reader."""
    kept = justified(TESTS / "mutants" / "justified.toml")
    planted_now = {one.key for one in all_mutants(TESTS.parent)}
    assert len(kept) > 30 and [key for key in kept if key not in planted_now] == []


def test_a_bug_is_recognised_when_its_lines_have_moved():
    source = "def f(a):\n    return a < 1\n"
    moved = f"import os\n\n\n{source}"
    assert [one.key for one in mutants("a.py", source, {})] == [
        one.key for one in mutants("a.py", moved, {})
    ]


def test_the_same_mistake_twice_in_a_function_is_two_bugs():
    found = mutants("a.py", "def f(a):\n    g(not a)\n    g(not a)\n", {})
    assert [one.key.nth for one in found if one.operator == "sign"] == [1, 2]


def test_targets_are_files_and_whole_packages(tmp_path):
    for name in ("grid/report.py", "grid/trust/__init__.py", "grid/trust/odds.py", "grid/items.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = ["grid/report.py", "grid/trust/__init__.py", "grid/trust/odds.py"]
    assert files_of(tmp_path) == names
    assert [module_of(one) for one in names] == ["grid.report", "grid.trust", "grid.trust.odds"]


def lines_of(source: str, becomes: str) -> list[int]:
    (found,) = [one for one in mutants("a.py", source, {}) if one.key.becomes == becomes]
    return list(found.lines)


@pytest.mark.parametrize(
    ("source", "becomes", "lines"),
    [
        ("A = 3\n", "A = 0", [1]),
        ("def f(a):\n    return g(\n        a + 1\n    )\n", "(a - 1)", [2, 3, 4]),
        ("def f(a):\n    if (\n        not a\n    ):\n        g()\n", "a", [2, 3, 4]),
        ("def f(a):\n    if a:\n        g()\n", "if True:", [2]),
        ("def f(a):\n    if not a: g()\n", "if a: g()", [2]),
        ("def f(a):\n    if a:\n        g()\n", "pass", [3]),
        ("def f(\n    a=7\n): ...\n", "a=0", [1, 2]),
    ],
)
def test_the_lines_of_a_bug_are_those_of_its_statement_and_not_of_what_it_encloses(
    source, becomes, lines
):
    assert lines_of(source, becomes) == lines


def test_a_bug_meets_the_tests_that_reach_its_line_quickest_first():
    reach = {"slow": (3.0, {1, 2}), "quick": (1.0, {2}), "elsewhere": (0.5, {9})}
    tests = [
        Pass(name, seconds, frozenset(("a.py", line) for line in lines))
        for name, (seconds, lines) in reach.items()
    ]
    tests.append(Pass("other", 0.1, frozenset({("b.py", 2)})))
    passes = Passes(tests, imported=frozenset({("a.py", 7)}))

    def met(*lines: int) -> list[str]:
        return [one.name for one in passes.through("a.py", lines)]

    assert met(2, 3) == ["quick", "slow"]
    assert met(1) == ["slow"]
    assert met(3) == []
    assert met(6, 7) == ["elsewhere", "quick", "slow", "other"]


def test_what_imports_a_target_through_others_is_not_imported_ahead(tmp_path):
    sources = {
        "grid.items": "import os",
        "grid.report": "from grid.items import Result",
        "grid.web": "def f():\n    from grid import report",
        "grid.cli": "import grid.web",
    }
    files = {}
    for name, text in sources.items():
        files[name] = tmp_path / name
        files[name].write_text(text)
    assert out_of_reach(files, {"grid.report"}) == ["grid.items"]


def test_a_verdict_is_remembered_for_the_tree_it_was_reached_in(tmp_path):
    one, other = mutants("a.py", "x = f(not a, not b)", {})
    ledger = Ledger(tmp_path / "ledger", "tree")
    ledger.note(one, Outcome(Verdict.SURVIVED, "", 1.0))
    ledger.note(other, Outcome(Verdict.KILLED, "a test", 1.0))
    again, elsewhere = Ledger(tmp_path / "ledger", "tree"), Ledger(tmp_path / "ledger", "changed")
    assert [again.known(two).verdict for two in (one, other)] == ["survived", "killed"]
    assert elsewhere.known(one) is None
    assert (elsewhere.survived_before(one), elsewhere.survived_before(other)) == (True, False)


def test_a_justification_has_one_reason_and_stands_once(tmp_path):
    key = Key("grid/report.py", "judge", 'a = "b"', "pass")
    path = tmp_path / "justified.toml"
    assert justified(path) == {}
    path.write_text(as_toml([key]).replace('reason = ""', 'reason = "the same"'), encoding="utf-8")
    assert justified(path) == {key: "the same"}
    for bad in (as_toml([key]), path.read_text(encoding="utf-8") * 2):
        path.write_text(bad, encoding="utf-8")
        with pytest.raises(ValueError):
            justified(path)


SOME_TESTS = """
from grid.report import is_idle, is_late


def test_late():
    assert is_late(1, 2)


def test_idle():
    assert is_idle([])
"""


@pytest.fixture
def tree(tmp_path):
    """A project of one rule and two tests; nothing tries the very second of the deadline."""
    files = {
        "grid/__init__.py": "",
        "grid/report.py": RULE,
        "tests/unit/rules/test_report.py": SOME_TESTS,
        "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['.', 'tests']\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_sample_is_the_same_for_one_seed_and_another_for_another(tree):
    found = all_mutants(tree)
    ledger = Ledger(tree / "ledger", "tree")
    one, again, other = (
        chosen(found, arguments(["--sample", "2", "--seed", seed]), ledger) for seed in "112"
    )
    assert one == again != other
    assert set(one) < set(chosen(found, arguments(["--sample", "3"]), ledger))
    (tree / "grid" / "trust.py").write_text(RULE, encoding="utf-8")
    only = chosen(all_mutants(tree), arguments(["--only", "grid/trust.py"]), ledger)
    assert [mutant.key.file for mutant in only] == ["grid/trust.py"] * len(found)


def tried(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mutants", "--root", str(tree), "--processes", "1", *words],
        capture_output=True, text=True, check=False, cwd=TESTS.parent,
        env={**os.environ, "PYTHONPATH": str(TESTS), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


BOUNDARY = {
    "file": "grid/report.py",
    "where": "is_late",
    "line": "return deadline < now",
    "becomes": "return (deadline <= now)",
}


def test_a_planted_survivor_is_reported_and_a_planted_kill_is_killed(tree):
    answer = tried(tree)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert "grid/report.py:6 is_late [compare]\n  - return deadline < now" in answer.stdout
    by = {}
    for line in (tree / ".venv" / "mutants.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        by[entry["key"]["becomes"]] = (entry["verdict"], entry["by"])
    assert by["return (deadline <= now)"][0] == "survived"
    killer = "tests/unit/rules/test_report.py::test_late"
    assert by["return (deadline >= now)"] == ("killed", killer)
    assert "3 survived, 0 of them justified" in answer.stdout
    assert (tree / "grid/report.py").read_text(encoding="utf-8") == RULE

    again = tried(tree, "--survivors")
    assert "3 are known from before" in again.stdout


def test_a_justified_survivor_is_no_failure_and_a_stale_justification_is_one(tree):
    path = tree / "tests" / "mutants" / "justified.toml"
    path.parent.mkdir()
    always = {**BOUNDARY, "becomes": "return True"}
    limit = Key("grid/report.py", "", "LIMIT = 3", "LIMIT = 0")
    path.write_text(
        as_toml([Key(**BOUNDARY), Key(**always), limit]).replace(
            'reason = ""', 'reason = "may be"'
        ),
        encoding="utf-8",
    )
    fine = tried(tree, "--only", "grid/report.py")
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert "3 of them justified" in fine.stdout
    gone = {**BOUNDARY, "line": "return deadline < later"}
    with path.open("a", encoding="utf-8") as file:
        file.write(as_toml([Key(**gone)]).replace('reason = ""', 'reason = "was"'))
    stale = tried(tree, "--only", "grid/report.py")
    assert stale.returncode == 1
    assert "no longer there" in stale.stdout


def test_tests_that_fail_without_a_bug_plant_none(tree):
    (tree / "tests/unit/rules/test_report.py").write_text("def test_it():\n    assert False\n")
    answer = tried(tree)
    assert answer.returncode != 0
    assert "must pass before bugs are planted" in answer.stderr


def test_a_bug_that_never_ends_is_timed_out(tree):
    endless = SOME_TESTS.replace("assert is_idle([])", "while not is_idle([]): pass")
    (tree / "tests/unit/rules/test_report.py").write_text(endless, encoding="utf-8")
    program = dedent(
        """
        import sys
        from mutants import trial, __main__
        trial.SECONDS_MIN = 1
        trial.SLOWER_MAX = 0
        sys.exit(__main__.main(sys.argv[1:]))
        """
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, "--root", str(tree), "--processes", "2"],
        capture_output=True, text=True, check=False, cwd=TESTS.parent,
        env={**os.environ, "PYTHONPATH": str(TESTS), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    timed_out = re.search(r"(\d+) timed out", answer.stdout)  # others as well on a busy machine
    assert timed_out is not None and int(timed_out[1]) >= 2, answer.stdout + answer.stderr
