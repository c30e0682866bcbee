"""This file is where job types say more of an answer than whether it has the right shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from grid.canonical import digest, dumps
from grid.chunks import decode_column, dictionary, to_python
from grid.comparators import Answer, by_digest
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import JobType, OutputError, Quiz
from grid.plugins.loader import OWN_FOLDER, Loaded, find, load
from grid.plugins.quizzes import QuizFault, encoded

FOLDER = Path(__file__).parents[2] / "jobtypes"
FACTOR, ABOUT, NEEDLE = (load(find(FOLDER / name)) for name in ("factor", "meanAbout", "needle"))


def column(
    name: str = "n",
    kind: LogicalType = LogicalType.INT64,
    physical: PhysicalType = PhysicalType.INT8,
    nullable: bool = False,
) -> Column:
    return Column(name=name, type=kind, physical=physical, nullable=nullable)


def groups(loaded: Loaded, *outputs: Json) -> list[int]:
    """For each output the number of the first one in its group."""
    texts = [dumps(output).decode() for output in outputs]
    answers = [
        Answer(id=number, digest=digest(text.encode()), output=text)
        for number, text in enumerate(texts)
    ]
    keys = loaded.job_type.compare.groups(answers)
    return [list(keys.values()).index(keys[number]) for number in range(len(texts))]


def about(thousandths: int, count: int = 3) -> Json:
    return {"count": count, "thousandths": str(thousandths)}


def test_answers_that_differ_in_their_last_digit_are_one_and_a_liar_is_another() -> None:
    honest = [about(6000), about(6001), about(6000), about(5999)]
    assert groups(ABOUT, *honest, about(7000), about(6000, count=2)) == [0, 0, 0, 0, 4, 5]


def test_hits_in_another_order_are_the_same_answer() -> None:
    assert groups(NEEDLE, {"rows": [0, 3]}, {"rows": [3, 0]}, {"rows": [3]}) == [0, 0, 2]


@pytest.mark.parametrize(
    ("output", "verdict"),
    [
        ({"solved": 1, "divisor": "83"}, True),
        ({"solved": 1, "divisor": "97"}, True),
        ({"solved": 1, "divisor": "2"}, False),
        # a divisor, and no candidate
        ({"solved": 1, "divisor": "8051"}, False),
        # that there is none is not seen from the answer
        ({"solved": 1, "divisor": "0"}, None),
        ({"solved": 0, "divisor": "0"}, None),
    ],
)
def test_a_divisor_is_checked_without_a_search(output: Json, verdict: bool | None) -> None:
    spec, chunks = {"number": "8051", "column": "n"}, [{"n": [2, None]}, {"n": [83, 97]}]
    assert FACTOR.job_type.verify(spec, [column()], [2, 2], chunks, output) is verdict


@pytest.mark.parametrize(
    ("output", "unsolved"),
    [
        ({"solved": 1, "divisor": "83"}, False),
        ({"solved": 1, "divisor": "0"}, False),
        ({"solved": 0, "divisor": "0"}, True),
    ],
)
def test_no_solution_is_an_answer_and_not_solved_is_none(output: Json, unsolved: bool) -> None:
    spec = {"number": "8051", "column": "n"}
    FACTOR.job_type.check_output(spec, [4], output)
    assert FACTOR.job_type.unsolved(spec, output) is unsolved


def test_who_has_not_solved_it_names_no_divisor() -> None:
    with pytest.raises(OutputError):
        FACTOR.job_type.check_output({}, [4], {"solved": 0, "divisor": "83"})


def test_a_quiz_is_known_by_its_seed_and_asks_for_what_was_planted() -> None:
    spec, columns = {"column": "n", "value": 7}, [column()]
    quizzes = [NEEDLE.job_type.quiz(spec, columns, (50, 30), seed) for seed in (1, 2, 1)]
    assert quizzes[0] == quizzes[2] != quizzes[1]
    for quiz in quizzes:
        values = [value for chunk in quiz.chunks for value in chunk["n"]]
        assert len(values) == 80
        assert [row for row in range(80) if values[row] == 7] == quiz.output["rows"]
        assert 5 < len(quiz.output["rows"]) < 60


@pytest.mark.parametrize("name", ["filterBy", "SUM", "MIN"])
def test_an_exact_job_type_compares_by_digest_and_promises_nothing_more(name: str) -> None:
    job_type: JobType = load(find(OWN_FOLDER / name)).job_type
    assert job_type.compare is by_digest
    assert not job_type.verifies
    assert job_type.verify({}, [], [], [], {}) is None
    assert job_type.unsolved({}, {}) is False
    assert job_type.quiz({}, [], [], 1) is None


TEXTS = dictionary(["pear", "apple"])
READS = [
    column(),
    column("t", LogicalType.TEXT, PhysicalType.DICT8),
    column("x", LogicalType.DOUBLE, PhysicalType.DOUBLE, nullable=True),
]
CHUNKS = (
    {"n": [1, -128], "t": ["pear", "apple"], "x": [math.nan, None]},
    {"x": [-0.0], "n": [127], "t": ["pear"]},
)


def made(chunks: Sequence[dict[str, list[object]]]) -> Quiz:
    return Quiz(chunks=tuple(chunks), output={})


def test_a_quiz_gets_the_bytes_of_an_ordinary_work_unit() -> None:
    blobs = encoded(made(CHUNKS), READS, (2, 1), {"t": TEXTS})
    arrays = [[decode_column(blob) for blob in chunk] for chunk in blobs]
    found = [[to_python(array) for array in chunk] for chunk in arrays]
    assert found[0][:2] == [[1, -128], ["pear", "apple"]]
    assert math.isnan(found[0][2][0]) and found[0][2][1] is None
    assert found[1] == [[127], ["pear"], [0.0]]
    assert arrays[0][1].dictionary == TEXTS
    assert arrays[0][0].type == pa.int8()


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        (CHUNKS[:1], "1 chunks instead of 2"),
        ((CHUNKS[1], CHUNKS[0]), "other than 2 rows"),
        (({**CHUNKS[0], "x": [0.5]}, CHUNKS[1]), "other than 2 rows"),
        (({**CHUNKS[0], "m": [1, 2]}, CHUNKS[1]), "columns"),
        (({"n": [1, 2]}, CHUNKS[1]), "columns"),
        (({**CHUNKS[0], "n": [1, 128]}, CHUNKS[1]), "n: "),
        (({**CHUNKS[0], "n": [1, None]}, CHUNKS[1]), "n: NULL"),
        (({**CHUNKS[0], "n": [1, 2**64]}, CHUNKS[1]), "n: "),
        (({**CHUNKS[0], "n": [1, "2"]}, CHUNKS[1]), "n: "),
        (({**CHUNKS[0], "n": [1, 2.5]}, CHUNKS[1]), "n: 2.5 is no int64"),
        (({**CHUNKS[0], "n": [1, object()]}, CHUNKS[1]), "n: "),
        (({**CHUNKS[0], "t": ["pear", "plum"]}, CHUNKS[1]), "t: a text that its dictionary lacks"),
        (({**CHUNKS[0], "x": ["pear", "plum"]}, CHUNKS[1]), "x: "),
    ],
)
def test_a_quiz_that_cannot_pass_for_a_work_unit_is_refused(
    chunks: Sequence[dict[str, list[object]]], said: str
) -> None:
    with pytest.raises(QuizFault, match=said):
        encoded(made(chunks), READS, (2, 1), {"t": TEXTS})


def test_a_quiz_without_its_dictionary_is_refused() -> None:
    with pytest.raises(QuizFault, match="t: "):
        encoded(made(CHUNKS), READS, (2, 1), {})
