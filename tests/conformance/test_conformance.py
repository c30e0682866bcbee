"""This file is where it is tested that the conformance suite catches job types that do wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from grid.codegen.errors import ProgramRefused
from grid.comparators import Answer, ByDigest, Comparator, Unordered, Within, by_digest
from grid.conformance import Faulty, check_job_type
from grid.conformance.answers import check_compare
from grid.engines.deno import DenoEngine
from grid.plugins.loader import OWN_FOLDER, PluginError

FOR_TESTS = Path(__file__).parents[1] / "jobtypes"


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


def edited(
    tmp_path: Path, name: str, file: str, old: str, new: str, source: Path = OWN_FOLDER
) -> Path:
    """A copy of a job type with one change."""
    folder = tmp_path / name
    shutil.copytree(source / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    return folder


@pytest.mark.parametrize(
    ("name", "file", "old", "new"),
    [
        (
            "SUM",
            "spec.schema.json",
            '"additionalProperties": false,\n  "properties"',
            '"properties"',
        ),
        ("SUM", "spec.schema.json", '"type": "object"', '"type": "thing"'),
        ("SUM", "output.schema.json", '"states"', '"sums"'),
        ("SUM", "examples/all.json", "47", "48"),
        ("SUM", "__init__.py", 'function = "SUM"', 'function = "MAX"'),
        ("SUM", "__init__.py", 'name = "sum"', 'name = "count"'),
        ("MIN", "__init__.py", 'function = "MIN"', 'function = "MAX"'),
        ("MIN", "examples/nan.json", '"NaN",\n   1', '"Infinity",\n   1'),
        ("filterBy", "__init__.py", 'if pick["count"]:', 'if pick["count"] > 1:'),
        ("filterBy", "__init__.py", "except ValueError as error", "except KeyError as error"),
        ("filterBy", "__init__.py", "hits[i] = {keep}", "hits[i] = 1 - {keep}"),
        ("filterBy", "__init__.py", "count);", "count); // {id(frame)}"),
    ],
)
def test_a_changed_job_type_is_caught(
    tmp_path: Path, engine: DenoEngine, name: str, file: str, old: str, new: str
) -> None:
    with pytest.raises((Faulty, ProgramRefused)):
        check_job_type(edited(tmp_path, name, file, old, new), engine)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("monteCarloPi", "first + i + i + 1", "first + i + i + 2", "disagree"),
        ("monteCarloPi", "state + part.output", "2 * state + part.output", "the example's output"),
        ("monteCarloPi", "over_dataset = False", "over_dataset = True", "reads columns"),
        ("pingPong", 'count=int(spec["count"])', "count=-1", "a job counts"),
        ("pingPong", "return 1 + _turns(spec)", "return 0", "cost says 0"),
        ("hashSearch", "stops_early = True", "stops_early = False", "says so in `stops_early`"),
        ("hashSearch", 'return bool(output["keys"])', 'return output["keys"]', "enough says"),
        ("hashSearch", "kit.next(keys);", "", "disagree"),
        ("stringHash", "start + i >= first", "start + i > first", "disagree"),
        ("stringHash", "ends = list(accumulate(rows))", "return [99]", "chunks_needed: .99"),
        ("travellingSalesman", "length < shortest", "length <= shortest", "disagree"),
        ("travellingSalesman", "return True if", "return False if", "verify refuses"),
        ("mandelbrot", "at + width]", "at + width + 1]", "the example's output"),
    ],
)
def test_a_changed_job_type_that_counts_points_is_caught(
    tmp_path: Path, engine: DenoEngine, name: str, old: str, new: str, said: str
) -> None:
    with pytest.raises((Faulty, ProgramRefused), match=said):
        check_job_type(edited(tmp_path, name, "__init__.py", old, new), engine)


PROOF = 'return int(spec["number"]) % divisor == 0 and divisor in candidates'
NONE = "if not divisor:\n            return None"
SOLVED = 'return output["solved"] == 0'


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("factor", "verifies = True", "verifies = False", "verify: .* says so in `verifies`"),
        ("factor", PROOF, "return True", "verify refuses no wrong output"),
        ("factor", PROOF, "return False", "verify refuses the reference's output"),
        ("factor", PROOF, "return None", "provable: yes of .* verify cannot say"),
        ("factor", PROOF, "return 1", "verify says 1"),
        ("factor", NONE, NONE.replace("None", "False"), "verify refuses the reference's output"),
        ("factor", NONE, "", "verify raised ZeroDivisionError"),
        ("factor", SOLVED, 'return output["solved"] == 1', "unsolved: the reference's own output"),
        ("factor", SOLVED, 'return 1 - output["solved"]', "unsolved says [01] of"),
        ("factor", SOLVED, 'return 1 // output["solved"] > 1', "unsolved raised ZeroDivision"),
        ("needle", '"{seed} {chunk}', '"{chunk}', "quiz: the same one with every seed"),
        (
            "needle",
            'f"{seed} {chunk} {row}".encode()',
            '__import__("os").urandom(9)',
            "quiz: another one with the same seed",
        ),
        ("needle", "if each == value]}", "if each > value]}", "quiz: the answer is"),
        ("needle", "({column.name: values}", '({"m": values}', "quiz: columns"),
        ("needle", "enumerate(rows)", "enumerate(rows[1:])", "quiz: 6 chunks instead of 7"),
        ("needle", "range(count)", "range(count + 1)", "quiz: a column has other than"),
        ("needle", "drawn[1] - 128,", "drawn[1] + 128,", "quiz: n: "),
        ("meanAbout", "+= scaled - scaled % 1", "+= 9 + scaled - scaled % 1", "disagree"),
        ("meanAbout", 'Within("/thousandths", absolute=2)', "len", "compare is no"),
    ],
)
def test_a_job_type_that_judges_answers_wrongly_is_caught(
    tmp_path: Path, engine: DenoEngine, name: str, old: str, new: str, said: str
) -> None:
    folder = edited(tmp_path, name, "__init__.py", old, new, FOR_TESTS)
    with pytest.raises(Faulty, match=said):
        check_job_type(folder, engine)


def test_a_program_may_differ_from_the_reference_by_the_tolerance(
    tmp_path: Path, engine: DenoEngine
) -> None:
    old, new = "kit.widen(total)", "kit.widen(total + 1)"
    check_job_type(edited(tmp_path, "meanAbout", "__init__.py", old, new, FOR_TESTS), engine)


class FirstCome(ByDigest):
    """The first answer speaks for all."""

    def groups(self, answers: Sequence[Answer]) -> dict[int, str]:
        return {answer.id: answers[0].digest for answer in answers}


class Apart(ByDigest):
    """Equal answers stay apart."""

    def groups(self, answers: Sequence[Answer]) -> dict[int, str]:
        return {answer.id: f"{answer.digest} {answer.id}" for answer in answers}


class Odd(ByDigest):
    """One of two equal answers goes with another one."""

    def groups(self, answers: Sequence[Answer]) -> dict[int, str]:
        keys = {answer.id: answer.digest for answer in answers}
        last = max(keys)
        return {**keys, last: max(set(keys.values()) - {keys[last]})}


class Forgetful(ByDigest):
    """Answers without an output have no group."""

    def groups(self, answers: Sequence[Answer]) -> dict[int, str]:
        return {answer.id: answer.digest for answer in answers if answer.output}


class Chained(ByDigest):
    """All are one group, and yet no two agree."""

    def groups(self, answers: Sequence[Answer]) -> dict[int, str]:
        least = min(answer.digest for answer in answers)
        return {answer.id: least for answer in answers}

    def agrees(self, one: Answer, other: Answer) -> bool:
        return one.digest == other.digest


class OneWay(ByDigest):
    """Agreeing goes up only."""

    def agrees(self, one: Answer, other: Answer) -> bool:
        return one.digest <= other.digest


class Trusting(ByDigest):
    """Reads what it is given."""

    def groups(self, answers: Sequence[Answer]) -> dict[int, str]:
        return {answer.id: answer.digest for answer in answers if json.loads(answer.output or "")}


@pytest.mark.parametrize(
    ("compare", "said"),
    [
        (FirstCome(), "depend on the order"),
        (Apart(), "the digest of one of its answers"),
        (Odd(), "equal answers in two groups"),
        (Forgetful(), "every answer has a group"),
        (Chained(), "do not agree"),
        (OneWay(), "agreeing depends on the order"),
        (Trusting(), "compare raised"),
    ],
)
def test_a_comparator_that_does_wrong_is_caught(compare: Comparator, said: str) -> None:
    with pytest.raises(Faulty, match=said):
        check_compare(compare, [{"x": 1}, {"x": 2}, {"x": 3}])


@pytest.mark.parametrize("compare", [by_digest, Within("/x", absolute=1), Unordered("/x")])
def test_the_stock_comparators_do_right(compare: Comparator) -> None:
    check_compare(compare, [{"x": 1}, {"x": 2}, {"x": 3}, {"x": [1, 2]}, {"x": [2, 1]}])


def test_a_job_type_without_examples_is_caught(tmp_path: Path) -> None:
    folder = edited(tmp_path, "SUM", "README.md", "SUM", "SUM")
    shutil.rmtree(folder / "examples")
    with pytest.raises(Faulty, match="no example"):
        check_job_type(folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "README.md").unlink(),
        lambda folder: (folder / "spec.schema.json").write_text("{"),
        lambda folder: (folder / "__init__.py").write_text("import no_such_module"),
    ],
    ids=["README", "schema", "code"],
)
def test_a_folder_that_cannot_be_loaded_is_named(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = edited(tmp_path, "MIN", "README.md", "MIN", "MIN")
    damage(folder)
    with pytest.raises(PluginError, match="MIN"):
        check_job_type(folder)
