"""This package is where it is checked what every job type must keep to; shipped for plugin authors.

`check_job_type(folder, engine)` goes through a folder's manifest, schemas, examples and program,
then computes tables and specs that Hypothesis makes, by the reference and (with an engine) by the
program.
It raises Faulty at the first fault, and an author's own test is one call of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, SchemaError

from grid import jobspec
from grid.comparators import Comparator
from grid.conformance.answers import check_answers, check_cost, check_honest, check_quizzes
from grid.conformance.computing import Faulty as Faulty
from grid.conformance.computing import checked_spec
from grid.conformance.computing import computed as computed
from grid.conformance.computing import merged as merged
from grid.conformance.points import check_points, check_ranges, counts_points
from grid.conformance.specs import check_specs as check_specs
from grid.conformance.tables import NOTABLE as NOTABLE
from grid.conformance.tables import Cut as Cut
from grid.conformance.tables import Table as Table
from grid.conformance.tables import cut_up as cut_up
from grid.conformance.tables import random_tables as random_tables
from grid.conformance.tables import table_of as table_of
from grid.engines import Engine
from grid.items import Json
from grid.plugins.loader import Loaded, find, load
from grid.plugins.quizzes import ARROW as ARROW


def check_job_type(
    folder: Path | Loaded,
    engine: Engine | None = None,
    *,
    tables: int = 20,
    rows: int = 40,
    specs: int = 10,
    seed: int | None = None,
) -> None:
    """Raise Faulty unless the job type keeps to the contract.

    `tables` random tables of up to `rows` rows are tried for each example, and `specs` random specs
    on its own table; they follow from the seed, if there is one. The folder is imported, as if an
    admin had enabled it.
    """
    loaded = folder if isinstance(folder, Loaded) else load(find(folder))
    for _, check in steps(loaded, engine, tables=tables, rows=rows, specs=specs, seed=seed):
        check()


def steps(
    loaded: Loaded,
    engine: Engine | None,
    *,
    tables: int,
    rows: int = 40,
    specs: int,
    seed: int | None = None,
) -> Iterator[tuple[str, Callable[[], None]]]:
    """The parts of `check_job_type` in their order: what each is about, and a call that does it."""
    yield "its schemas and examples", lambda: check_folder(loaded, engine)
    for number, example in enumerate(loaded.examples, 1):
        of = f"example {number} ({example.get('description', 'without description')})"
        yield (
            f"tables like that of {of}",
            partial(check_tables, loaded, example, engine, tables=tables, rows=rows, seed=seed),
        )
        yield (
            f"specs beside that of {of}",
            partial(check_specs, loaded, example, engine, specs=specs, seed=seed),
        )


def check_folder(loaded: Loaded, engine: Engine | None) -> None:
    """Schemas, comparator and examples, without any chance."""
    check_schemas(loaded)
    if not isinstance(loaded.job_type.compare, Comparator):
        raise Faulty("compare is no grid.comparators.Comparator")
    if not loaded.examples:
        raise Faulty("examples/ has no example")
    proved = [check_example(loaded, example, engine) for example in loaded.examples]
    if loaded.job_type.verifies and not any(proved):
        raise Faulty("verify proves no example's output right")


def check_schemas(loaded: Loaded) -> None:
    """Both schemas are JSON Schema 2020-12, and the spec's refuses unknown keys by name."""
    for name, schema in (("spec", loaded.spec_schema), ("output", loaded.output_schema)):
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise Faulty(f"{name}.schema.json: {error.message}") from error
    stranger = {"an_unknown_key": 1}
    pointers = {error.pointer for error in jobspec.faults(stranger, loaded.spec_schema)}
    if "/an_unknown_key" not in pointers:
        raise Faulty("spec.schema.json: an unknown key is not refused by name")


def check_example(loaded: Loaded, example: Mapping[str, Json], engine: Engine | None) -> bool:
    """The example gives the output it states, for any cut; its program passes the checker.

    Returns whether `verify` proved an output right.
    """
    if counts_points(loaded, example):
        return check_points(loaded, example, engine)
    proved = False
    table, spec = table_of(example["table"]), example["spec"]
    sizes = sorted({1, 2, example["chunk_rows"], max(table.rows, 1)})
    for chunk_rows, wide in itertools.product(sizes, (False, True)):
        cut = cut_up(table, chunk_rows, wide=wide)
        checked = checked_spec(loaded, spec, cut)
        if checked.program != checked_spec(loaded, spec, cut).program:
            raise Faulty("the program is another one each time it is made")
        check_cost(loaded, spec, cut)
        output = computed(loaded, spec, cut, engine)
        if not wide:  # the same output in another layout has the same liars
            proved |= check_answers(loaded, spec, cut, output)
        check_quizzes(loaded, spec, cut, engine)
        for unit_chunks in () if wide else (1, len(cut.chunks)):
            found = merged(loaded, spec, cut, unit_chunks)
            if found != example["output"]:
                raise Faulty(f"the example's output is {example['output']}, not {found}")
    return proved


def check_tables(
    loaded: Loaded,
    example: Mapping[str, Json],
    engine: Engine | None,
    *,
    tables: int,
    rows: int,
    seed: int | None = None,
) -> None:
    """Program and reference agree, and merging does not depend on the cut."""
    if counts_points(loaded, example):
        check_ranges(loaded, example, engine, ranges=tables, rows=rows, seed=seed)
        return
    base = table_of(example["table"])

    @settings(
        max_examples=tables,
        deadline=None,
        database=None,
        # Making a failing table smaller takes minutes; forty rows can be read.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(random_tables(base.names, base.types, rows), st.integers(1, rows), st.booleans())
    def holds(table: Table, chunk_rows: int, wide: bool) -> None:
        cut = cut_up(table, chunk_rows, wide=wide)
        output = computed(loaded, example["spec"], cut, engine)
        check_honest(loaded, example["spec"], cut, output)
        whole = cut_up(table, max(table.rows, 1), wide=wide)
        if merged(loaded, example["spec"], cut, 1) != merged(loaded, example["spec"], whole, 1):
            raise Faulty(f"cut into chunks of {chunk_rows} rows, the output is another one")

    (holds if seed is None else seeded(seed)(holds))()
