"""This file is where specs are made from a job type's schema, guided by its examples.

Such a spec is either taken, and then its program must pass the static checker and agree with the
reference, or refused with a pointer to what is wrong. Nothing else may come of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from grid.codegen.errors import ProgramRefused
from grid.conformance.answers import check_honest
from grid.conformance.computing import Faulty, checked_spec, computed
from grid.conformance.liars import check_mutations
from grid.conformance.points import example_cut, unit_of
from grid.conformance.tables import Cut
from grid.engines import Engine
from grid.items import Json
from grid.jobspec import CheckedSpec, SpecRefused
from grid.plugins.loader import Loaded

#: Texts that mean something to somebody between a spec and an engine.
HOSTILE = (
    "", " ", "0", "null", "a'b", 'a"b', "\\", "\n", "\u2028", "`${a}`", "<!--", "-->", "*/", "//",
    "__proto__", "constructor", "k0", "'+fetch(1)+'", '"); fetch(1); ("', "]]>", "\U0001f600",
    "\U000e0001", "\x00", "%s", "{}", "'; DROP TABLE data; --", "é" * 300,
)  # fmt: skip
#: Items beyond the fewest that a schema wants of a list.
ITEMS_MORE = 3
#: A spec is computed where its work unit declares at most so many times the cost of the example's:
#: the schema may allow what takes years.
COST_RATIO = 2
#: Points of a work unit that is computed: the reference is slow.
POINTS_MAX = 50
#: Forged outputs of each spec that was computed.
MUTATIONS = 20

Specs = st.SearchStrategy[Any]


def check_specs(
    loaded: Loaded,
    example: Mapping[str, Json],
    engine: Engine | None,
    *,
    specs: int,
    seed: int | None = None,
) -> None:
    """So many specs of the schema, on the example's table; raises Faulty."""
    schema = loaded.spec_schema
    table = example.get("table", {"columns": []})
    names = [column["name"] for column in table["columns"]]
    known = [example["spec"], *(one["spec"] for one in loaded.examples if one is not example)]
    cuts = {wide: example_cut(example, wide=wide) for wide in (False, True)}
    most = COST_RATIO * _declared(loaded, example["spec"], example, cuts[False])

    def holds(spec: Json, wide: bool, chance: int) -> None:
        checked = taken(loaded, spec, cuts[wide])
        if checked is None:
            return
        unit = _unit(loaded, spec, example, cuts[wide], checked)
        if unit is None or _cost(loaded, spec, unit) > most:
            return
        output = computed(loaded, spec, unit, engine, checked)
        check_honest(loaded, spec, unit, output)
        check_mutations(loaded, spec, unit.rows, output, MUTATIONS, chance)

    tried = settings(
        max_examples=specs,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(given(specs_of(schema, known, names), st.booleans(), st.integers(0, 2**32))(holds))
    (tried if seed is None else seeded(seed)(tried))()


def taken(loaded: Loaded, spec: Json, cut: Cut) -> CheckedSpec | None:
    """What the spec comes to; None where it is refused as specs must be. Raises Faulty."""
    try:
        checked = checked_spec(loaded, spec, cut)
    except SpecRefused as refused:
        for error in refused.errors:
            if error.pointer and not error.pointer.startswith("/"):
                raise Faulty(f"no JSON pointer: {error.pointer!r}, for {spec!r}") from refused
        return None
    except ProgramRefused as error:
        raise Faulty(f"the spec {spec!r} makes what may not run: {error}") from error
    except Exception as error:
        raise Faulty(f"{error!r}, and no SpecError, for the spec {spec!r}") from error
    if checked.program != loaded.job_type.program(spec, cut.columns):
        raise Faulty(f"the program is another one each time it is made, for {spec!r}")
    return checked


def _declared(loaded: Loaded, spec: Json, example: Mapping[str, Json], cut: Cut) -> int:
    checked = taken(loaded, spec, cut)
    unit = None if checked is None else _unit(loaded, spec, example, cut, checked)
    return 0 if unit is None else _cost(loaded, spec, unit)


def _unit(
    loaded: Loaded, spec: Json, example: Mapping[str, Json], cut: Cut, checked: CheckedSpec
) -> Cut | None:
    """The work unit that is computed; None where the job has none."""
    if checked.points is None:
        return cut if cut.rows else None
    count = min(
        checked.points.count,
        checked.points.per_workunit_max,
        example.get("workunit_points", 1),
        POINTS_MAX,
    )
    return unit_of(loaded, spec, cut, 0, count) if count else None


def _cost(loaded: Loaded, spec: Json, unit: Cut) -> int:
    return loaded.job_type.cost(spec, unit.columns, unit.rows)


def specs_of(schema: Mapping[str, Any], known: Sequence[Json], names: Sequence[str]) -> Specs:
    """Specs near what the schema allows: `known` are the examples', the first of them that of the
    table; `names` are its columns.

    It knows the words of JSON Schema 2020-12 that schemas of specs are made of, and leaves out the
    others, so that some of what it makes is refused by the schema itself.
    """
    return _Made(schema, names).value(schema, known)


class _Made:
    def __init__(self, whole: Mapping[str, Any], names: Sequence[str]) -> None:
        self.whole, self.names = whole, names

    def value(self, schema: Any, known: Sequence[Json]) -> Specs:
        """A value at a place where the examples have the `known` ones."""
        if not isinstance(schema, Mapping):
            return st.sampled_from([None, 0, "x"])
        schema = self._resolved(schema)
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        ways = [self.value({**schema, **_without(branch)}, known) for branch in _branches(schema)]
        if not ways:
            kinds = schema.get("type", ["object", "string", "integer"])
            kinds = [kinds] if isinstance(kinds, str) else kinds
            ways = [MAKERS[kind](self, schema, known) for kind in kinds]
            if known and "object" not in kinds:
                ways = [st.sampled_from(known), *ways]
        return st.one_of(ways)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """With what it refers to inside the same file."""
        reference = schema.get("$ref", "")
        if not reference.startswith("#/"):
            return schema
        found: Any = self.whole
        for part in reference[2:].split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return {**found, **{key: item for key, item in schema.items() if key != "$ref"}}

    def object(self, schema: Mapping[str, Any], known: Sequence[Json]) -> Specs:
        """Every needed key, and any of the others; or the first example's with one changed."""
        items = {
            key: self.value(item, [one[key] for one in known if _has(one, key)])
            for key, item in schema.get("properties", {}).items()
        }
        needed = schema.get("required", ())
        keys = {key: items.get(key, st.none()) for key in needed}
        rest = {key: item for key, item in items.items() if key not in keys}
        made: Specs = st.fixed_dictionaries(keys, optional=rest)
        ways = [made]
        for one in known[:1]:
            if isinstance(one, dict):
                # Another value of one key: most of the specs that can be computed are these.
                ways += [_one_changed(one, key, items[key]) for key in sorted(items)]
        return st.one_of(made, st.one_of(ways))

    def array(self, schema: Mapping[str, Any], known: Sequence[Json]) -> Specs:
        """A list of the least length, or of some items more."""
        inner = [item for one in known if isinstance(one, list) for item in one]
        fewest = schema.get("minItems", 0)
        most = min(schema.get("maxItems", math.inf), fewest + ITEMS_MORE)
        return st.lists(self.value(schema.get("items", {}), inner), min_size=fewest, max_size=most)

    def string(self, schema: Mapping[str, Any], known: Sequence[Json]) -> Specs:
        """A text of a right length and pattern; a column's name, or something hostile."""
        if "pattern" in schema:
            return st.from_regex(schema["pattern"])
        fewest = schema.get("minLength", 0)
        most = min(schema.get("maxLength", math.inf), fewest + 30)
        free = st.text(st.characters(exclude_categories=["Cs"]), min_size=fewest, max_size=most)
        texts = [*self.names, *HOSTILE]
        quoted = [f"{one} = '{two}'" for one in self.names[:3] for two in HOSTILE]
        return st.one_of(free, st.sampled_from(texts), st.sampled_from(quoted or texts))

    def integer(self, schema: Mapping[str, Any], known: Sequence[Json]) -> Specs:
        """A whole number within bounds: near the least, near an example's, or any."""
        low, high = _bounds(schema, -(2**53) + 1, 2**53 - 1)
        near = [one for one in known if isinstance(one, int)] or [max(low, min(high, 0))]
        return st.one_of(
            st.integers(low, min(high, low + 5)),
            st.sampled_from(near).map(lambda one: max(low, min(high, one + 1))),
            st.integers(low, high),
        )

    def number(self, schema: Mapping[str, Any], known: Sequence[Json]) -> Specs:
        """A number within bounds, whole ones among them."""
        low, high = _bounds(schema, -(2**53) + 1, 2**53 - 1)
        return st.one_of(
            st.floats(schema.get("minimum", low), schema.get("maximum", high)),
            self.integer(schema, known),
        )

    def boolean(self, schema: Mapping[str, Any], known: Sequence[Json]) -> Specs:
        """Either."""
        return st.booleans()

    def null(self, schema: Mapping[str, Any], known: Sequence[Json]) -> Specs:
        """Nothing."""
        return st.none()


MAKERS: Mapping[str, Callable[[_Made, Mapping[str, Any], Sequence[Json]], Specs]] = {
    name: getattr(_Made, name)
    for name in ("object", "array", "string", "integer", "number", "boolean", "null")
}


def _branches(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for word in ("oneOf", "anyOf"):
        yield from (one for one in schema.get(word, ()) if set(one) - {"required"})


def _without(branch: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"oneOf": (), "anyOf": (), **branch}


def _has(one: Json, key: str) -> bool:
    return isinstance(one, dict) and key in one


def _one_changed(one: Mapping[str, Json], key: str, new: Specs) -> Specs:
    return new.map(lambda value: {**one, key: value})


def _bounds(schema: Mapping[str, Any], low: int, high: int) -> tuple[int, int]:
    """Of whole numbers."""
    if "minimum" in schema:
        low = math.ceil(schema["minimum"])
    if "exclusiveMinimum" in schema:
        low = math.floor(schema["exclusiveMinimum"]) + 1
    if "maximum" in schema:
        high = math.floor(schema["maximum"])
    if "exclusiveMaximum" in schema:
        high = math.ceil(schema["exclusiveMaximum"]) - 1
    return low, max(low, high)
