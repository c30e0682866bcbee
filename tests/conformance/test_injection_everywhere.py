"""This file is where texts try to break out of every field of every job type's spec.

Fields are found by walking the schemas, job types by their folders, so that new ones are tried
without a word here. A hostile text may be refused; a program it may change in its values alone: the
kinds of its syntax nodes are those of the program for a harmless text.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from grid.codegen.checker import check, node_kinds
from grid.codegen.errors import SpecError
from grid.conformance import Cut, Table, cut_up, table_of
from grid.conformance.points import example_cut
from grid.conformance.specs import HOSTILE
from grid.items import Json
from grid.jobspec import faults
from grid.plugins.loader import Found, Loaded, discover, find, load

ROOT = Path(__file__).parents[2]
FOUND = (
    *discover(),
    *(find(ROOT / "tests" / "jobtypes" / name) for name in ("factor", "meanAbout", "needle")),
)
#: Texts tried over all fields of all job types: ten thousand where more cases are asked for.
VALUES = 10_000 if settings().max_examples > 200 else 1_000

#: What ends a place of each kind in a program, what a place needs to be whole again behind it, and
#: what somebody might put between them.
ENDS = (
    "", "'", '"', "`", "\\'", '\\"', "${", "}", "]", ")", "*/", "/", "//", "\n", "\r", "\u2028",
    "\u2029", "-->", "<!--", "</script>", "\\", "\\u0022", "\\x27", "''", ";", ",", "0", ".", "#",
    "@", "\x00", "\ufeff", "\u200b", "\U000e0022", "\u02bc", "\uff07",
)  # fmt: skip
DEEDS = (
    "fetch(1)", "+fetch(1)+", ";fetch(1);", ")+fetch(1)+(", "];fetch(1);[", "}fetch(1);{",
    "${fetch(1)}", "import('x')", "this.constructor.constructor('x')()", "eval(1)",
    "__proto__", "constructor", "prototype", "k0", "literals", "params", "kit.list()", "inputs[0]",
    "return 1", "for(;;);", "=>1", "/x/g", "1e999", "0x1", "1n", "NaN", "new Array(9)", "a=1",
    "' OR '1'='1", "1; DROP TABLE data", "UNION SELECT 1", "$1", "%s", "{0}", "{{7*7}}", "\\0",
)  # fmt: skip
#: Where an expression takes a text: whatever it is, quoted as SQL wants it, it is a value. The
#: second ones need no column; `NAME` is a column of texts.
QUOTED = (
    "NAME = '{}'", "NAME < '{}'", "NAME LIKE '{}'", "NAME IN ('{}', 'x')",
    "NAME BETWEEN '{}' AND 'x'", "starts_with(NAME, '{}')", "replace(NAME, '{}', 'x') = 'x'",
    "coalesce(NAME, '{}') = 'x'", "CASE WHEN NAME = '{}' THEN TRUE END", "'{}' = NAME",
    "nullif(NAME, '{}') IS NULL", "NAME || '{}'", "split_part(NAME, '{}', 1)",
    "'{}' = 'x'", "length('{}')", "length(NAME || '{}')", "CASE WHEN '{}' = 'x' THEN 1 ELSE 2 END",
)  # fmt: skip


#: What a place for a whole query takes.
WHOLE = (
    "SELECT count(*) AS n FROM data WHERE SHAPE",
    "SELECT min(SHAPE) AS n FROM data",
    "SELECT SHAPE AS n FROM data",
    'SELECT count(*) AS "{}" FROM data',
)


def hostile(chance: random.Random) -> str:
    """A text built to leave the place that it is put in."""
    if chance.random() < 0.1:
        return chance.choice([text for text in HOSTILE if text])
    parts = [chance.choice(ENDS), chance.choice(DEEDS), chance.choice(ENDS)]
    return "".join(parts * chance.randint(1, 2)) or "'"


def text_places(
    value: Json, schema: Mapping[str, Any], pointer: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], Mapping[str, Any]]]:
    """Every place of the spec in which the schema lets a text stand, whatever stands there now.

    A list that the spec has is entered by its items; keys that it lacks are places as well.
    """
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "string" in kinds or any(isinstance(one, str) for one in schema.get("enum", ())):
        yield pointer, schema
    for word in ("oneOf", "anyOf", "allOf"):
        for branch in schema.get(word, ()):
            yield from text_places(value, branch, pointer)
    for key, inner in schema.get("properties", {}).items():
        held = value.get(key) if isinstance(value, dict) else None
        yield from text_places(held, inner, (*pointer, key))
    if isinstance(schema.get("items"), Mapping):
        held = value if isinstance(value, list) and value else [None]
        for number, item in enumerate(held):
            yield from text_places(item, schema["items"], (*pointer, number))


def resolved(schema: Any, whole: Mapping[str, Any], depth: int = 8) -> Any:
    """The schema with what it refers to inside its own file in place, so deep."""
    if isinstance(schema, list):
        return [resolved(one, whole, depth) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    reference = schema.get("$ref", "")
    if reference.startswith("#/") and depth:
        found: Any = whole
        for part in reference[2:].split("/"):
            found = found[part]
        rest = {key: item for key, item in schema.items() if key != "$ref"}
        return resolved({**found, **rest}, whole, depth - 1)
    return {key: resolved(item, whole, depth) for key, item in schema.items()}


def put(spec: Json, pointer: Sequence[Any], value: Json) -> Json:
    """The spec with this value at the place, which it has, but for the last key of it."""
    if not pointer:
        return value
    held = copy.copy(spec)
    inner = held.get(pointer[0]) if isinstance(held, dict) else held[pointer[0]]
    held[pointer[0]] = put(inner, pointer[1:], value)
    return held


def opened(spec: Json, schema: Mapping[str, Any], place: Sequence[Any], names: list[str]) -> Json:
    """The spec with everything that must be there before the place is."""
    if not place:
        return spec
    schema = branch_with(schema, place[0])
    if isinstance(place[0], str):
        held = spec if isinstance(spec, dict) else filled({**schema, "type": "object"}, names)
        inner = schema["properties"][place[0]]
        held = without_rivals(held, schema, place[0])
    else:
        inner, held = schema["items"], list(spec) if isinstance(spec, list) else []
    there = place[0] in held if isinstance(held, dict) else place[0] < len(held)
    now = held[place[0]] if there else filled(inner, names)
    made = opened(now, inner, place[1:], names)
    if isinstance(held, list) and not there:
        return [*held, made]
    held[place[0]] = made
    return held


def branch_with(schema: Mapping[str, Any], key: str | int) -> Mapping[str, Any]:
    """The schema, or that branch of it, which says what stands at this key, or in a list; empty
    where none does."""
    known = schema.get("properties", {}) if isinstance(key, str) else {key: schema.get("items")}
    if known.get(key) is not None:
        return schema
    branches = [one for word in ("oneOf", "anyOf", "allOf") for one in schema.get(word, ())]
    return next((found for one in branches if (found := branch_with(one, key))), {})


def program(loaded: Loaded, spec: Json, cut: Cut) -> str | None:
    """The program of this spec; None where it is refused by name, anything else is an error."""
    if list(faults(spec, loaded.spec_schema)):
        return None
    rows = [batch.num_rows for batch in cut.chunks]
    job_type = loaded.job_type
    try:
        job_type.reads(spec, cut.columns)
        job_type.points(spec, cut.columns, rows)
        job_type.params(spec, cut.columns)
        return job_type.program(spec, cut.columns)
    except SpecError:
        return None


@cache
def kinds_of(text: str) -> tuple[str, ...]:
    """The kinds of a program's syntax nodes; the static checker has passed it."""
    check(text)
    return tuple(node_kinds(text))


def filled(schema: Mapping[str, Any], names: Sequence[str]) -> Json:
    """A small value that the schema allows, with a column's name for a text."""
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "object" in kinds:
        inner = schema.get("properties", {})
        return {key: filled(inner.get(key, {}), names) for key in schema.get("required", ())}
    if "array" in kinds:
        return [filled(schema.get("items", {}), names)] * schema.get("minItems", 1)
    if "string" in kinds:
        return names[0] if names else "x"
    return schema.get("minimum", 1)


def without_rivals(spec: Json, schema: Mapping[str, Any], key: str) -> Json:
    """The spec without what the schema forbids, or does not want, beside this key."""
    groups = [schema.get("not", {}).get("required", [])]
    groups += [
        [key for branch in schema.get(word, ()) for key in branch.get("required", ())]
        for word in ("oneOf", "anyOf")
    ]
    rivals = {one for group in groups if key in group for one in group} - {key}
    return {name: item for name, item in spec.items() if name not in rivals}


class Field:
    """One place of one example of one job type, and the texts that are tried there."""

    def __init__(
        self,
        loaded: Loaded,
        schema: Mapping[str, Any],
        example: Mapping[str, Any],
        wide: bool,
        place: tuple[Any, ...],
        words: Sequence[Json],
    ) -> None:
        self.loaded, self.place = loaded, place
        #: What the schema lists as the place's only values, each with a meaning of its own.
        self.words = words
        self.example, self.wide = example, wide
        self.cut = example_cut(example, wide=wide)
        names = [*self._texts(), *self._names()]  # a text beside a text is taken
        self.spec = opened(example["spec"], schema, place, names)
        #: Whether the place is for an expression: brackets around one change nothing, and half a
        #: bracket is an error. Expressions differ in shape because they say different things.
        self.is_language = any(
            self._taken(f"({one})") is not None and self._taken(f"({one}") is None
            for one in (self._held(), *names, "1", "TRUE")
            if isinstance(one, str)
        )
        #: Expressions with a text of their own that the place takes.
        is_query = str(self._held()).startswith("SELECT ")
        self.shapes = [
            shape
            for whole in ("SHAPE",) * self.is_language + WHOLE * is_query
            for one in QUOTED
            for shape in [self._shape(whole.replace("SHAPE", one))]
            if shape
        ]

    def _shape(self, one: str) -> str:
        """With a column of texts for NAME, of the first row where there are two; empty if the place
        does not take it."""
        name = (self._texts() or [""])[0]
        for spelled in (f'"{name}"', f'a."{name}"'):
            shape = one.replace("NAME", spelled)
            if self._taken(shape.replace("{}", "x")) is not None:
                return shape
        return ""

    def _taken(self, text: str) -> str | None:
        return program(self.loaded, put(self.spec, self.place, text), self.cut)

    def __str__(self) -> str:
        path = "/".join(map(str, self.place))
        return f"{self.loaded.manifest.name} /{path}"

    def pairs(self, text: str, chance: random.Random) -> Iterator[tuple[Json, Json, Cut, Cut]]:
        """Specs with the text and with a harmless one in its place, each with its table."""
        tame = chance.choice(["y", "yy"])  # "x" stands in some shapes as well
        if not self.is_language and text not in self.words:
            yield (
                put(self.spec, self.place, text), put(self.spec, self.place, tame),
                self.cut, self.cut,
            )  # fmt: skip
        else:
            # As an expression of its own it is refused, or a program that the checker passes.
            bare = put(self.spec, self.place, text)
            yield bare, bare, self.cut, self.cut
        if self.shapes:
            shape = chance.choice(self.shapes)
            quote = '"' if '"{}"' in shape else "'"
            quoted = [
                put(self.spec, self.place, shape.replace("{}", one.replace(quote, 2 * quote)))
                for one in (text, tame)
            ]
            yield quoted[0], quoted[1], self.cut, self.cut
        named = self._held()
        if named in self._names() and self._taken(named) is not None:
            # The same table with its column called so.
            yield (
                put(self.spec, self.place, text), self.spec, self._renamed(named, text), self.cut
            )  # fmt: skip

    def _held(self) -> Json:
        held = self.spec
        for key in self.place:
            try:
                held = held[key]
            except (KeyError, IndexError, TypeError):
                return None
        return held

    def _names(self) -> list[str]:
        return [one["name"] for one in self.example.get("table", {"columns": []})["columns"]]

    def _texts(self) -> list[str]:
        columns = self.example.get("table", {"columns": []})["columns"]
        return [one["name"] for one in columns if one["type"] == "text"]

    def _renamed(self, old: str, new: str) -> Cut:
        base = table_of(self.example["table"])
        names = tuple(new if name == old else name for name in base.names)
        if len(set(names)) < len(names):
            names = base.names
        table = Table(names=names, types=base.types, values=base.values)
        return cut_up(table, self.example["chunk_rows"], wide=self.wide)


def fields_of(found: Found) -> list[Field]:
    """Every place for a text, in every example and layout."""
    loaded = load(found)
    schema = resolved(loaded.spec_schema, loaded.spec_schema)
    return [
        Field(loaded, schema, example, wide, place, inner.get("enum", ()))
        for example in loaded.examples
        for wide in (False, True)
        for place, inner in text_places(example["spec"], schema)
    ]


FIELDS = {found.manifest.name: fields_of(found) for found in FOUND}


@pytest.mark.parametrize("name", [name for name, fields in FIELDS.items() if fields])
def test_no_text_of_a_spec_changes_the_shape_of_its_program(name: str) -> None:
    chance = random.Random(name)
    fields = FIELDS[name]
    share = max(len(fields), -(-VALUES // len([one for one in FIELDS.values() if one])))
    tried: Counter[str] = Counter()
    places: Counter[str] = Counter()
    for number in range(share):
        field = fields[number % len(fields)]
        text = hostile(chance)
        for spec, harmless, cut, tame_cut in field.pairs(text, chance):
            before = copy.deepcopy(spec)
            made = program(field.loaded, spec, cut)
            assert spec == before, f"{field}: a job type must not change its spec"
            tried["refused" if made is None else "taken"] += 1
            tame = None if made is None else program(field.loaded, harmless, tame_cut)
            if made is None:
                continue
            # Where the harmless text is refused itself, the example's own program is the measure.
            tame = tame or program(field.loaded, field.spec, field.cut)
            assert tame is not None
            assert kinds_of(made) == kinds_of(tame), (str(field), spec)
            places[str(field)] += 1
    print(f"{name}: {len(fields)} places, {share} texts, {dict(tried)}, {dict(places)}")
    assert tried["taken"] and sum(tried.values()) >= share


def test_every_job_type_that_takes_a_text_was_found() -> None:
    with_texts = {name for name, fields in FIELDS.items() if fields}
    assert {"filterBy", "SUM", "MIN", "hashSearch", "monteCarloPi", "stringHash"} <= with_texts
    places = {str(field) for field in FIELDS["filterBy"]}
    assert {"filterBy /where", "filterBy /criterias/0/value", "filterBy /columns/0"} <= places
    languages = {str(one) for fields in FIELDS.values() for one in fields if one.is_language}
    assert {"filterBy /where", "SUM /where"} <= languages
    assert not {"hashSearch /salt_before", "SUM /column", "filterBy /columns/0"} & languages
    assert all(one.shapes for one in FIELDS["filterBy"] if one.is_language)
    queries = [one for one in FIELDS["sql"] if one.place == ("query",)]
    assert queries and all(len(one.shapes) > len(QUOTED) for one in queries)
    quoting = {str(one) for fields in FIELDS.values() for one in fields if one.shapes}
    assert quoting == {*languages, "sql /query"}
    assert "MIN /criterias/0/value" in {str(field) for field in FIELDS["MIN"]}, "no example has it"


def test_a_text_that_becomes_program_text_would_be_seen() -> None:
    field = next(one for one in FIELDS["MIN"] if one.place == ("column",))
    tame = program(field.loaded, field.spec, field.cut)
    assert tame is not None
    line = "const columns = chunk.columns;"
    broken = tame.replace(line, f"{line} const more = 1 + 1;")
    assert broken != tame
    assert kinds_of(broken) != kinds_of(tame)
