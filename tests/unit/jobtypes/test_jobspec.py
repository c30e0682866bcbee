"""This file is where it is tested that a spec's fault is named by its field."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from grid.codegen.errors import ProgramRefused
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.jobspec import SpecRefused, check
from grid.plugins.loader import OWN_FOLDER, find, load

COLUMNS = tuple(
    Column(name=name, type=LogicalType(kind), physical=PhysicalType(physical), nullable=True)
    for name, kind, physical in (
        ("id", "int64", "int8"),
        ("name", "text", "utf8"),
        ("price", "double", "double"),
        ("big", "int64", "int64"),
    )
)
LOADED = {name: load(find(OWN_FOLDER / name)) for name in ("filterBy", "SUM", "MIN", "hashSearch")}
HEX = "0123456789abcdef"
DEEP: Json = 1
for _ in range(30):
    DEEP = [DEEP]


def criterion(**changes: Json) -> Json:
    return {"criterias": [{"col": 0, "operator": "==", "value": 3, **changes}]}


def search(**changes: Json) -> Json:
    return {"algorithm": "md5", "hash": 2 * HEX, "alphabet": "ab", "length": 2, **changes}


@pytest.mark.parametrize(
    ("name", "spec", "pointer", "says"),
    [
        ("filterBy", {}, "/where", "one of where, criterias is needed"),
        ("filterBy", {"where": "id = 1", **criterion()}, "/criterias", "only one of"),
        ("SUM", {"column": "id", "where": "id=1", **criterion()}, "/criterias", "only one of"),
        ("filterBy", [], "", "a spec is a JSON object"),
        ("filterBy", None, "", "a spec is a JSON object"),
        ("filterBy", "where", "", "a spec is a JSON object"),
        ("filterBy", {"where": "id = 1", "a/b~c": 1}, "/a~1b~0c", "unknown key"),
        ("filterBy", {"where": 3}, "/where", "type string"),
        ("filterBy", {"where": ""}, "/where", ""),
        ("filterBy", {"where": "id ="}, "/where", "cannot be read"),
        ("filterBy", {"where": "nmae = 'x'"}, "/where", "did you mean 'name'"),
        ("filterBy", {"where": "name = '\ud800'"}, "/where", "surrogate"),
        ("filterBy", {"where": "id = 1", "columns": []}, "/columns", ""),
        ("filterBy", {"where": "id = 1", "columns": ["id", "x"]}, "/columns/1", "no column"),
        ("filterBy", {"where": "id = 1", "columns": ["id", "ID"]}, "/columns/1", "twice"),
        ("filterBy", {"where": "id = 1", "columns": [0]}, "/columns/0", "type string"),
        ("filterBy", {"criterias": "+fetch(1)+"}, "/criterias", "type array"),
        ("filterBy", {"criterias": []}, "/criterias", ""),
        ("filterBy", {"criterias": [3]}, "/criterias/0", "type object"),
        ("filterBy", criterion(operator="!="), "/criterias/0/operator", "== >= <= < >"),
        ("filterBy", criterion(operator="); x"), "/criterias/0/operator", "== >= <= < >"),
        ("filterBy", criterion(value=True), "/criterias/0/value", "number or string"),
        ("filterBy", criterion(value=None), "/criterias/0/value", "number or string"),
        ("filterBy", criterion(value=math.inf), "/criterias/0/value", "finite"),
        ("filterBy", criterion(value=math.nan), "/criterias/0/value", "finite"),
        ("filterBy", criterion(value=2**53), "/criterias/0/value", "SQL condition"),
        ("filterBy", criterion(value="3"), "/criterias/0/value", "cannot be compared"),
        ("filterBy", criterion(col=1), "/criterias/0/value", "cannot be compared"),
        ("filterBy", criterion(col="length"), "/criterias/0/col", "no column"),
        ("filterBy", criterion(col=4), "/criterias/0/col", "columns 0 to 3"),
        ("filterBy", criterion(col=-1), "/criterias/0/col", ""),
        ("filterBy", criterion(col=0.5), "/criterias/0/col", "integer or string"),
        ("filterBy", criterion(col=True), "/criterias/0/col", "integer or string"),
        ("filterBy", criterion(more=1), "/criterias/0/more", "unknown key"),
        ("filterBy", {"criterias": [{"col": 0}]}, "/criterias/0/operator", "needed"),
        ("filterBy", {"where": "x" * 70_000}, "", "64000 bytes"),
        ("filterBy", {"where": DEEP}, "", "20 deep"),
        ("SUM", {}, "/column", "needed"),
        ("SUM", {"column": "name"}, "/column", "does not take text"),
        ("SUM", {"column": "nothing"}, "/column", "no column"),
        ("SUM", {"column": 0}, "/column", "type string"),
        ("SUM", {"column": "id", "where": "id"}, "/where", "needs a condition"),
        ("MIN", {"column": "id", "whatever": 1}, "/whatever", "unknown key"),
        ("hashSearch", search(hash=2 * HEX + "0"), "/hash", "32 hex digits"),
        ("hashSearch", search(hash=2 * HEX + "\n"), "/hash", "does not match"),
        ("hashSearch", search(hash=4 * HEX), "/hash", "32 hex digits"),
        ("hashSearch", search(alphabet="ab\n"), "/alphabet", "does not match"),
        ("hashSearch", search(alphabet="aba"), "/alphabet", "once"),
        ("hashSearch", search(length=40), "/length", "keys at most"),
    ],
)
def test_a_spec_is_refused_by_its_field(name: str, spec: Json, pointer: str, says: str) -> None:
    with pytest.raises(SpecRefused) as refusal:
        check(spec, LOADED[name].spec_schema, LOADED[name].job_type, COLUMNS)
    first = refusal.value.errors[0]
    assert first.pointer == pointer
    assert says in first.message


def test_every_field_at_fault_is_named() -> None:
    spec = {"where": 1, "columns": [1, "id"], "x": 1}
    with pytest.raises(SpecRefused) as refusal:
        check(spec, LOADED["filterBy"].spec_schema, LOADED["filterBy"].job_type, COLUMNS)
    assert {error.pointer for error in refusal.value.errors} == {"/where", "/columns/0", "/x"}


def test_a_good_spec_says_what_follows_from_it() -> None:
    spec = {"where": "big > 2 AND id = 1", "columns": ["price", "NAME"]}
    checked = check(spec, LOADED["filterBy"].spec_schema, LOADED["filterBy"].job_type, COLUMNS)
    assert [column.name for column in checked.reads] == ["id", "big"]
    assert [column.name for column in checked.output_columns] == ["price", "name"]
    assert checked.params == {"literals": ["2", "1"]}


def test_a_condition_without_columns_reads_one_to_count_the_rows() -> None:
    loaded = LOADED["filterBy"]
    checked = check({"where": "1 = 1"}, loaded.spec_schema, loaded.job_type, COLUMNS)
    assert [column.name for column in checked.reads] == ["id"]


class Careless(type(LOADED["filterBy"].job_type)):  # type: ignore[misc]
    """filterBy with a program that takes a short cut."""

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return super().program(spec, columns).replace("kit.list()", "[]")


class Doubtful(type(LOADED["filterBy"].job_type)):  # type: ignore[misc]
    """filterBy with parameters that JSON readers disagree on."""

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"literals": [0.1]}


@pytest.mark.parametrize("job_type", [Careless(), Doubtful()], ids=["program", "params"])
def test_a_job_type_that_makes_a_bad_program_is_to_blame(job_type: Careless) -> None:
    with pytest.raises(ProgramRefused):
        check({"where": "id = 1"}, LOADED["filterBy"].spec_schema, job_type, COLUMNS)
