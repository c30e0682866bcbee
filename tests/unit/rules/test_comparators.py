"""This file is where it is tested which answers count as the same one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.canonical import digest, dumps
from grid.comparators import Answer, Comparator, Unordered, Within, by_digest
from grid.comparators import within as module
from grid.comparators.places import places, steps
from grid.items import Json


def spelled(*outputs: Json) -> list[Answer]:
    """An answer for each output, numbered from 0."""
    return written(*(dumps(output).decode() for output in outputs))


def written(*texts: str) -> list[Answer]:
    """The same for outputs as they came, canonical or not."""
    return [
        Answer(id=number, digest=digest(text.encode("utf-8", "surrogatepass")), output=text)
        for number, text in enumerate(texts)
    ]


def sets(compare: Comparator, answers: Sequence[Answer]) -> list[list[int]]:
    """Ids of the answers, group by group."""
    keys = compare.groups(answers)
    assert keys.keys() == {answer.id for answer in answers}
    found: dict[str, list[int]] = {}
    for number in sorted(keys):
        found.setdefault(keys[number], []).append(number)
    return sorted(found.values())


def means(*numbers: str) -> list[Answer]:
    return spelled(*({"mean": number} for number in numbers))


ABOUT = Within("/mean", absolute=1)


@pytest.mark.parametrize(
    ("numbers", "groups"),
    [
        # the same, near, exactly at the tolerance, and far
        (["5", "5"], [[0, 1]]),
        (["5", "5.3"], [[0, 1]]),
        (["5", "6"], [[0, 1]]),
        (["5", "6.0000000001"], [[0], [1]]),
        (["5", "50"], [[0], [1]]),
        # spelled otherwise
        (["5", "5.0", "5e0", "0.5E+1"], [[0, 1, 2, 3]]),
        (["0", "-0"], [[0, 1]]),
        # two clear groups
        (["5", "5.5", "9", "9.5", "5"], [[0, 1, 4], [2, 3]]),
        # an answer between two equal camps helps neither
        (["5", "5.9", "6.8"], [[0], [1], [2]]),
        (["5", "5.1", "5.9", "6.8", "6.7"], [[0], [1], [2], [3], [4]]),
        # two equal camps nearer than the margin stay apart, and equal digests together
        (["5", "5.5", "6.7", "7"], [[0], [1], [2], [3]]),
        (["5", "5", "6.7", "6.7"], [[0, 1], [2, 3]]),
        # beyond the margin they are two answers
        (["5", "5.5", "7.6", "8"], [[0, 1], [2, 3]]),
        # a lighter camp within the margin stands aside
        (["5", "5.5", "6.7"], [[0, 1], [2]]),
        (["5", "5.2", "5.1", "6.7", "6.8"], [[0, 1, 2], [3], [4]]),
        (["5", "5", "5.9", "6.8"], [[0, 1, 2], [3]]),
        # one that hangs on to the outermost honest answer wins no one over
        (["5", "5.01", "5.02", "6.015"], [[0, 1, 2], [3]]),
        # who has stood aside supports no one any more
        (["0.7", "1.4", "2.1", "2.5", "2.6"], [[0], [1], [2, 3, 4]]),
        # no numbers, and numbers that are none
        (["NaN", "NaN"], [[0, 1]]),
        (["NaN", "Infinity", "-Infinity", "5"], [[0], [1], [2], [3]]),
        (["", " 5", "5\n", "٥", "5_0", "0x5", "5"], [[0], [1], [2], [3], [4], [5], [6]]),
        (["1" * 1001, "1" * 1001 + ".0", "1e9999", "1e99999999999"], [[0], [1], [2], [3]]),
        (["9e999", "9e-999", "-9e999"], [[0], [1], [2]]),
    ],
)
def test_numbers_within_a_tolerance_are_one_answer(
    numbers: list[str], groups: list[list[int]]
) -> None:
    assert sets(ABOUT, means(*numbers)) == groups


@pytest.mark.parametrize(
    ("compare", "one", "other", "same"),
    [
        (Within("/x", relative="0.01"), {"x": "100"}, {"x": "101.005"}, True),
        (Within("/x", relative="0.01"), {"x": "100"}, {"x": "101.02"}, False),
        (Within("/x", relative="0.01"), {"x": "1e300"}, {"x": "1.005e300"}, True),
        (Within("/x", relative="0.01"), {"x": "0"}, {"x": "1e-300"}, False),
        (Within("/x", relative="0.01", absolute="0.1"), {"x": "0"}, {"x": "0.1"}, True),
        (Within("/x", absolute="1e-3"), {"x": "0.1"}, {"x": "0.101"}, True),
        (Within("/x", absolute=1), {"x": 3}, {"x": 4}, True),
        (Within("/x", absolute=1), {"x": 3}, {"x": "3"}, False),
        (Within("/x", absolute=1), {"x": True}, {"x": 1}, False),
        (Within("/x", absolute=1), {"x": 3}, {"x": None}, False),
        (Within("/x", absolute=1), {"x": 3, "y": 3}, {"x": 3, "y": 4}, False),
        (Within("/x", absolute=1), {"y": 3}, {"y": 4}, False),
        (Within("/x", "/y", absolute=1), {"x": 3, "y": 3}, {"x": 4, "y": 4}, True),
        (Within("/x", "/y", absolute=1), {"x": 3, "y": 3}, {"x": 4, "y": 5}, False),
        (Within("/*", absolute=2), {"x": 3, "y": 3}, {"x": 6, "y": 4}, False),
        (Within("/*", absolute=2), {"x": 3, "y": 3}, {"x": 4, "y": 6}, False),
        (Within("/*", absolute=1), {"x": 3, "y": 3}, {"x": 4, "y": 4}, True),
        (Within("/rows/*/1", absolute=1), {"rows": [[1, 5]]}, {"rows": [[1, 6]]}, True),
        (Within("/rows/*/1", absolute=1), {"rows": [[1, 5]]}, {"rows": [[2, 5]]}, False),
        (Within("/rows/*/1", absolute=1), {"rows": [[1, 5]]}, {"rows": [[1, 5], [1, 5]]}, False),
        (Within("/rows/*", absolute=1), {"rows": [5, "x"]}, {"rows": ["x", 5]}, False),
        (Within("", absolute=1), 5, 6, True),
        (Within("", "", absolute=1), 5, 6, True),
        (Within("/a~1b~0", absolute=1), {"a/b~": 5}, {"a/b~": 6}, True),
        (Unordered("/hits"), {"hits": [1, 2, 2]}, {"hits": [2, 1, 2]}, True),
        (Unordered("/hits"), {"hits": [1, 2, 2]}, {"hits": [1, 1, 2]}, False),
        (Unordered("/hits"), {"hits": [1], "n": 1}, {"hits": [1], "n": 2}, False),
        (Unordered("/hits"), {"hits": [[1, 2]]}, {"hits": [[2, 1]]}, False),
        (Unordered("/hits"), {"hits": "ab"}, {"hits": "ba"}, False),
        (Unordered("", "/*"), [[3, 1], [2]], [[2], [1, 3]], True),
        (Unordered("/*", ""), [[3, 1], [2]], [[2], [1, 3]], True),
        (Unordered(""), [{"a": 1}, None, "x"], ["x", {"a": 1}, None], True),
        (by_digest, {"x": 1}, {"x": 1}, True),
        (by_digest, {"x": "1"}, {"x": "1.0"}, False),
    ],
)
def test_two_outputs_are_the_same_answer_or_not(
    compare: Comparator, one: Json, other: Json, same: bool
) -> None:
    first, second = spelled(one, other)
    assert compare.agrees(first, second) is same
    assert compare.agrees(second, first) is same


@pytest.mark.parametrize("honest", [4, 5, 6])
def test_one_liar_beside_the_truth_sets_one_honest_answer_aside_at_most(honest: int) -> None:
    """All distances in thousandths of the tolerance; honest answers are 2 apart."""
    compare = Within("/mean", absolute=1000)
    truth = [str(5000 + 2 * number) for number in range(honest)]
    edges = [edge + step for edge in (3000, 4000, 6000, 7000) for step in range(-3, 2 * honest + 3)]
    for place in (*range(2000, 8000, 97), *edges):
        keys = compare.groups(means(*truth, str(place)))
        together = Counter(keys[number] for number in range(honest))
        assert max(together.values()) >= honest - 1, place


@pytest.mark.parametrize(
    ("numbers", "speaks"),
    [
        (["5", "5.4", "5.5"], "5.4"),
        (["5.5", "5", "5", "5", "5.4"], "5"),
        (["5.9", "5", "5", "5"], "5"),
        (["9", "4", "9"], "9"),
        (["9", "4", "9"], "4"),
    ],
)
def test_the_middle_answer_speaks_for_its_group(numbers: list[str], speaks: str) -> None:
    answers = means(*numbers)
    spoken = means(speaks)[0].digest
    for order in permutations(answers):
        assert ABOUT.groups(order)[numbers.index(speaks)] == spoken
        if speaks == "5.4":
            assert set(ABOUT.groups(order).values()) == {spoken}


def test_by_digest_needs_no_outputs_and_gives_digests() -> None:
    bare = [Answer(id=7, digest="aa"), Answer(id=8, digest="bb"), Answer(id=9, digest="aa")]
    assert not by_digest.needs_output
    assert by_digest.groups(bare) == {7: "aa", 8: "bb", 9: "aa"}


COMPARATORS = [by_digest, ABOUT, Unordered("/mean", ""), Within("/*", "", relative="0.5")]
HOSTILE = [
    "",
    "null",
    "{",
    "\udc00",
    "\ud800\udc00",
    "1e5",
    "0.5",
    "-0",
    "NaN",
    '{"mean":NaN}',
    '{"mean":0.5}',
    '{"mean":1,"mean":1}',
    '{"mean" : 1}',
    '{"mean":"' + "9" * 100_000 + '"}',
    '{"mean":' + "9" * 5_000 + "}",
    '{"mean":"1e' + "9" * 50 + '"}',
    "[" * 100_000 + "]" * 100_000,
    '{"mean":' * 5_000 + "1" + "}" * 5_000,
    "[" * 600 + "]" * 600,
    json.dumps({"mean": ["5"] * 50_000}),
]


@pytest.mark.parametrize("compare", COMPARATORS)
def test_what_strangers_send_is_an_answer_of_its_own_and_raises_nothing(
    compare: Comparator,
) -> None:
    answers = written(*HOSTILE, '{"mean":"5"}', '{"mean":"5"}')
    expected = [[number] for number in range(len(HOSTILE))] + [[len(HOSTILE), len(HOSTILE) + 1]]
    assert sets(compare, answers) == expected


@pytest.mark.parametrize("compare", COMPARATORS)
def test_an_output_that_is_gone_is_known_by_its_digest(compare: Comparator) -> None:
    here = means("5", "5.5")
    gone = [Answer(id=2, digest="aa"), Answer(id=3, digest="aa"), Answer(id=4, digest="bb")]
    again = Answer(id=5, digest=here[0].digest)
    keys = compare.groups([*gone, *here, again])
    assert keys[2] == keys[3] == "aa"
    assert keys[4] == "bb"
    assert keys[5] == keys[0]
    assert (keys[0] == keys[1]) is compare.agrees(*here)
    around = compare.groups_around([*gone, again, *here], 1)
    assert (around[0] == around[1]) is (around[5] == around[1]) is compare.agrees(*here)


def test_too_many_numbers_are_not_compared_but_by_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    compare = Within("/*", absolute=1)
    answers = spelled([5, 5, 5], [6, 5, 5], [5, 6, 5], [5, 6, 5])
    assert sets(compare, answers) == [[0, 1, 2, 3]]
    monkeypatch.setattr(module, "COMPARISONS_MAX", 8)
    assert sets(compare, answers) == [[0], [1], [2, 3]]


@pytest.mark.parametrize("value", ["-1", "x", "NaN", "Infinity", "", "1e1000"])
def test_a_tolerance_that_is_none_is_refused(value: str) -> None:
    for faulty in ({"absolute": value}, {"relative": value}, {"absolute": 1, "margin": value}):
        with pytest.raises(ValueError):
            Within("/x", **faulty)


def test_a_comparator_without_fields_or_tolerance_is_refused() -> None:
    for make in (Within, Unordered, lambda: Within("/x"), lambda: Unordered("hits")):
        with pytest.raises(ValueError):
            make()


def test_a_field_names_every_place_that_fits() -> None:
    value = [{"rows": [[1, 2], [3, 4]], "0": 5}]

    def found(field: str) -> list[Json]:
        return [holder[key] for holder, key in places(value, steps(field))]

    assert found("/rows/*/1") == [2, 4]
    assert found("/rows/1/*") == [3, 4]
    assert found("/0") == [5]
    assert found("") == value
    assert found("/rows/7") == found("/rows/0/0/0") == found("/none/*") == []


NUMBERS = st.integers(0, 40).map(lambda tenths: f"{tenths // 10}.{tenths % 10}")
SMALL = st.lists(NUMBERS | st.sampled_from(["NaN", "1e5", "x"]), min_size=1, max_size=9)
LISTS = st.lists(st.lists(st.integers(0, 2), max_size=3), min_size=1, max_size=9)
CASES = st.one_of(
    st.tuples(
        st.sampled_from([by_digest, ABOUT, Within("/mean", absolute="0.3", margin="0.5"),
                         Within("/mean", relative="0.2", margin=0)]),
        SMALL.map(lambda numbers: means(*numbers)),
    ),
    st.tuples(st.just(Unordered("")), LISTS.map(lambda lists: spelled(*lists))),
)  # fmt: skip


@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_the_answers_never_matters(
    case: tuple[Comparator, list[Answer]], random: object
) -> None:
    compare, answers = case
    shuffled = list(answers)
    random.shuffle(shuffled)
    assert compare.groups(shuffled) == compare.groups(answers)


@given(CASES)
def test_equal_digests_are_together_and_one_member_speaks_for_each_group(
    case: tuple[Comparator, list[Answer]],
) -> None:
    compare, answers = case
    keys = compare.groups(answers)
    by_id = {answer.id: answer for answer in answers}
    for one, other in combinations(answers, 2):
        assert one.digest != other.digest or keys[one.id] == keys[other.id]
    for number, key in keys.items():
        speakers = [each for each in answers if each.digest == key]
        assert speakers and keys[speakers[0].id] == key
        assert by_id[number].digest == key or compare.agrees(by_id[number], speakers[0])


@given(CASES)
def test_every_two_of_a_group_agree(case: tuple[Comparator, list[Answer]]) -> None:
    compare, answers = case
    keys = compare.groups(answers)
    for one, other in combinations(answers, 2):
        if keys[one.id] == keys[other.id]:
            assert compare.agrees(one, other)


@given(CASES)
def test_around_a_known_answer_are_all_that_agree_with_it_and_no_others(
    case: tuple[Comparator, list[Answer]],
) -> None:
    compare, answers = case
    free = compare.groups(answers)
    for fixed in answers:
        keys = compare.groups_around(answers, fixed.id)
        for other in answers:
            same = other == fixed or compare.agrees(fixed, other)
            assert (keys[other.id] == fixed.digest) is same
        speaker = free[fixed.id] == fixed.digest
        group = {number for number, key in free.items() if key == fixed.digest}
        assert not speaker or group <= {n for n, key in keys.items() if key == fixed.digest}


def test_no_crowd_parts_an_honest_answer_from_the_trusted_one() -> None:
    honest, trusted, *liars = means("5", "5.001", "6.5", "6.5", "6.6")
    answers = [honest, trusted, *liars]
    assert sets(ABOUT, answers) == [[0], [1], [2, 3, 4]]
    keys = ABOUT.groups_around(answers, trusted.id)
    assert keys[honest.id] == keys[trusted.id] == trusted.digest
    assert len({keys[liar.id] for liar in liars}) == 1


def test_around_a_known_answer_by_digest_is_by_digest() -> None:
    bare = [Answer(id=7, digest="aa"), Answer(id=8, digest="bb"), Answer(id=9, digest="aa")]
    assert by_digest.groups_around(bare, 8) == {7: "aa", 8: "bb", 9: "aa"}


@given(SMALL)
def test_what_a_group_gains_by_tolerance_outnumbers_all_that_comes_near_it(
    numbers: list[str],
) -> None:
    answers = means(*numbers)
    keys = ABOUT.groups(answers)
    wide = Within("/mean", absolute=2)
    for group in _groups(answers, keys):
        if len({answer.digest for answer in group}) == 1:
            continue
        outside = [
            answer
            for answer in answers
            if answer not in group and any(wide.agrees(answer, member) for member in group)
        ]
        assert len(group) > len(outside)


def _groups(answers: Sequence[Answer], keys: dict[int, str]) -> Iterable[list[Answer]]:
    for key in set(keys.values()):
        yield [answer for answer in answers if keys[answer.id] == key]


@given(SMALL, st.integers(1, 3))
def test_distances_scale_with_the_tolerance(numbers: list[str], power: int) -> None:
    scale = 10**power
    finite = [number for number in numbers if number not in ("NaN", "x")]
    scaled = [str(int(float(number) * 10) * scale) for number in finite]
    tenths = [str(int(float(number) * 10)) for number in finite]
    small, large = Within("/mean", absolute=3), Within("/mean", absolute=3 * scale)
    assert sets(small, means(*tenths)) == sets(large, means(*scaled))
