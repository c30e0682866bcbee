"""This file is where entries go into leaves and come back the same, and forged leaves fail."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid import canonical
from grid.auditlog import leaves
from grid.auditlog.leaves import BadLeaf, Entry
from grid.auditlog.tiles import LEAF_BYTES_MAX

dumps = canonical.dumps_facts

names = st.sampled_from(["job", "votes", "work_unit", "output", "canonical", "a b", "same"])
hexes = st.binary(min_size=8, max_size=8).map(bytes.hex)
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=9)
values = st.recursive(
    scalars | hexes,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
facts = st.dictionaries(names, values, max_size=5)
entries = st.lists(
    st.tuples(st.sampled_from(["commit", "verdict", "job"]), facts)
    | st.tuples(st.just("commit"), st.fixed_dictionaries({"job": hexes, "of": st.just(1)})),
    max_size=12,
)


def back(packed: list[tuple[int, bytes]]) -> list[Entry]:
    return [entry for _, leaf in packed for entry in leaves.unpacked(leaf)]


def spelled(said: list[Entry]) -> bytes:
    """1 and true are equal in Python, and two things in the log."""
    return dumps([[kind, told] for kind, told in said])


@given(entries)
def test_entries_come_back_as_they_went_in(said: list[Entry]) -> None:
    packed = list(leaves.packed(said, dumps))
    assert spelled(back(packed)) == spelled(said)
    for count, leaf in packed:
        assert len(leaves.unpacked(leaf)) == count
        assert canonical.dumps(json.loads(leaf)) == leaf


def test_votes_repeat_what_their_work_unit_says() -> None:
    votes = [[{"output": "a"}, {"output": "b"}], [{"output": "a"}], [], [{"output": "c"}]]
    said = [
        ("verdict", {"canonical": one, "votes": those})
        for one, those in zip(["a", "a", None, "c"], votes, strict=True)
    ]
    ((_, leaf),) = leaves.packed(said, dumps)
    assert json.loads(leaf)["tables"][0]["each"]["votes"]["each"] == {
        "output": {"up": "canonical", "at": [1], "some": ["b"]}
    }
    assert leaves.unpacked(leaf) == said


def commit(place: int) -> Entry:
    head = {"grid": "0.1.0", "job": f"job_{place % 3:032x}", "minute": 29_000_000, "schema": 1}
    return "commit", {**head, "commitment": canonical.digest(b"%d" % place)}


def test_many_entries_become_several_leaves_in_order() -> None:
    said = [commit(place) for place in range(9000)]
    packed = list(leaves.packed(said, dumps))
    assert back(packed) == said
    assert all(len(leaf) <= LEAF_BYTES_MAX for _, leaf in packed)
    assert len(packed) > 2
    assert sum(len(leaf) for _, leaf in packed) / len(said) < 47, "a commitment, nearly alone"


def test_kinds_may_be_mixed() -> None:
    said = [entry for place in range(50) for entry in (commit(place), ("trap", {"copies": place}))]
    assert back(list(leaves.packed(said, dumps))) == said


def test_an_entry_that_no_leaf_holds_stands_there_by_its_digest() -> None:
    long = {"job": "job_1", "minute": 3, "columns": ["é" * 1000] * 100}
    packed = list(leaves.packed([commit(1), ("job", long), commit(2)], dumps))
    first, told, last = back(packed)
    assert (first, last) == (commit(1), commit(2))
    said = dumps(long)
    short = {"bytes": len(said), "digest": canonical.digest(said)}
    assert told == ("job", {"job": "job_1", "minute": 3, "too_long": short})


def test_nothing_becomes_no_leaf() -> None:
    assert list(leaves.packed([], dumps)) == []


def leaf(**table: object) -> bytes:
    whole = {"count": 2, "kind": "commit", "same": {}, "each": {}, **table}
    return dumps({"leaf": 1, "tables": [whole]})


def test_a_leaf_reads_as_documented() -> None:
    each = {"a": [1, 2], "b": {"of": ["x"], "pick": [0, 0]}, "c": {"bytes": 1, "hex": "AP8="},
            "d": {"at": [1], "some": [7]},
            "e": {"counts": [0, 1], "same": {"f": 1}, "each": {}}}  # fmt: skip
    assert leaves.unpacked(leaf(same={"s": True}, each=each)) == [
        ("commit", {"s": True, "a": 1, "b": "x", "c": "00", "e": []}),
        ("commit", {"s": True, "a": 2, "b": "x", "c": "ff", "d": 7, "e": [{"f": 1}]}),
    ]


OVERDRAWN = (
    b'{"leaf":1,"order":[0,0],"tables":[{"count":1,"each":{},"kind":"a","same":{}},'
    b'{"count":1,"each":{},"kind":"b","same":{}}]}'
)
BOMB = {"counts": [10**9, 10**9], "same": {}, "each": {}}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[]", b"null", b'{"leaf":1}', b'{"leaf":2,"tables":[]}',
        b'{"leaf":1,"tables":[]}', b"[" * 100_000, b"\xff", leaf(count=-1), leaf(count="2"),
        leaf(count=10**12), leaf(kind=None), leaf(each={"a": [1]}), leaf(each={"a": [1, 2, 3]}),
        leaf(each={"a": BOMB}), leaf(each={"a": {"of": [], "pick": [0, 0]}}),
        leaf(each={"a": {"of": [1], "pick": [-1, 0]}}), leaf(each={"a": {"bytes": 1, "hex": "AP"}}),
        leaf(each={"a": {"bytes": 0, "hex": ""}}), leaf(each={"a": {"bytes": 3, "hex": "AP8="}}),
        leaf(each={"a": {"at": [5], "some": [1]}}), leaf(each={"a": {"at": [0], "some": []}}),
        leaf(each={"a": {"up": "b", "at": [], "some": []}}),
        leaf(each={"a": {}}), leaf(each={"a": 5}), leaf(each=[]), leaf(same=[1]),
        OVERDRAWN,
    ],
)  # fmt: skip
def test_a_forged_leaf_is_refused(data: bytes) -> None:
    with pytest.raises(BadLeaf):
        leaves.unpacked(data)


def test_what_verifiers_use_needs_cryptography_and_nothing_else_of_others() -> None:
    program = (
        "import sys\n"
        "from grid.auditlog import leaves, merkle, notes, policy, proofs, tiles\n"
        "others = {name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names\n"
        "print(sorted(one for one in others if not one.startswith('_')))\n"
        "print(sorted(name for name in sys.modules if name.startswith('grid')))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    others, ours = map(eval, said.stdout.splitlines())
    assert set(others) <= {"grid", "cryptography", "cffi"}, others
    allowed = ("leaves", "merkle", "notes", "policy", "proofs", "tiles")
    assert set(ours) == {"grid", "grid.auditlog", *(f"grid.auditlog.{one}" for one in allowed)}
