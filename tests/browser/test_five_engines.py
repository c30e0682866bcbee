"""This file is where five engines give one answer: V8, QuickJS, Chromium, Firefox and WebKitGTK.

Three of the five share no code. In the browsers each program goes the whole way through the sandbox
that volunteers have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
from asking import Query, grouped, ordered
from evaluating import program
from grammatical import KINDS, Sql, expressions, notable
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from grid import canonical
from grid.codegen.checker import check
from grid.codegen.errors import SpecError
from grid.codegen.parse import expression
from grid.codegen.types import Kind
from grid.conformance import Cut, cut_up
from grid.conformance.computing import blobs_of, checked_spec, computation
from grid.conformance.points import example_cut, units_of
from grid.engines import Computation, Engine, EngineError
from grid.engines.known import KNOWN, make
from grid.jobspec import CheckedSpec, SpecRefused
from grid.plugins.loader import Found, discover, load
from web.browsers.engine import BrowserEngine
from web.browsers.starting import BROWSERS

#: Generated programs: 2,000 where more cases than usual are asked for.
PROGRAMS = 2_000 if settings().max_examples > 200 else 60
QUERIES = PROGRAMS // 4
#: Work units of each example that counts points.
UNITS = 3
ROWS = 12


@pytest.fixture(scope="module")
def engines() -> Iterator[Mapping[str, Engine]]:
    """Each of the five, started with its first program; none of them may be missing."""
    with ExitStack() as stack:
        children = {name: stack.enter_context(make(name)) for name in KNOWN}
        pages = {name: stack.enter_context(BrowserEngine(name)) for name in BROWSERS}
        assert len({**children, **pages}) == 5
        yield {**children, **pages}


def answers(engine: Engine, jobs: Sequence[Computation]) -> list[str]:
    """The digest of each answer; where there is none, an error of this engine's own."""

    def answer(job: Computation) -> str:
        try:
            return canonical.digest(engine.compute(job))
        except EngineError as error:
            return f"{engine.name}: {type(error).__name__}: {error}"

    return [answer(job) for job in jobs]


def differences(
    engines: Mapping[str, Engine], jobs: Mapping[str, Computation]
) -> dict[str, dict[str, list[str]]]:
    """What was computed → answer → the engines that gave it, wherever there is more than one."""
    with ThreadPoolExecutor(len(engines)) as pool:
        given = list(pool.map(lambda one: answers(one, list(jobs.values())), engines.values()))
    found = {}
    for name, row in zip(jobs, zip(*given, strict=True), strict=True):
        groups: dict[str, list[str]] = defaultdict(list)
        for engine, answer in zip(engines, row, strict=True):
            groups[answer].append(engine)
        if len(groups) > 1:
            found[name] = dict(groups)
    return found


def examples(found: Found) -> Iterator[tuple[str, Computation]]:
    """The work units of a job type's examples: in both layouts, or the first ranges of points."""
    loaded = load(found)
    for number, example in enumerate(loaded.examples):
        for wide in (False, True):
            cut = example_cut(example, wide=wide)
            checked = checked_spec(loaded, example["spec"], cut)
            units = [cut] if cut.rows else []
            if checked.points is not None:
                ranges = units_of(loaded, example["spec"], cut, example["workunit_points"])
                units = [unit for (_, unit), _ in zip(ranges, range(UNITS), strict=False)]
            for at, unit in enumerate(units):
                name = f"example {number}, work unit {at}{', wide' if wide else ''}"
                yield name, computation(checked, blobs_of(checked, unit), unit)


@pytest.mark.parametrize("found", discover(), ids=lambda found: found.manifest.name)
def test_every_example_has_one_digest(engines: Mapping[str, Engine], found: Found) -> None:
    jobs = dict(examples(found))
    assert jobs
    assert not differences(engines, jobs)


def generated() -> dict[str, Computation]:
    """Programs of the whole grammar, over notable values in both layouts."""
    cuts = {wide: cut_up(notable(ROWS), 5, wide=wide) for wide in (False, True)}
    made: dict[str, Computation] = {}

    @settings(
        max_examples=3 * PROGRAMS,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(KINDS), st.data(), st.booleans())
    def collect(kind: Kind, data: st.DataObject, wide: bool) -> None:
        sql: Sql = data.draw(expressions(kind, 4, libm=True))
        if len(made) < PROGRAMS:
            made.update(_computed(sql.grid, cuts[wide], wide))

    collect()
    return made


def _computed(text: str, cut: Cut, wide: bool) -> dict[str, Computation]:
    """The computation; none where a constant part of the expression fails, which is refused."""
    try:
        expr = expression(text, cut.columns, "/x")
    except SpecError:
        return {}
    one, read = program(expr, cut.columns)
    check(one.text)
    checked = CheckedSpec(
        spec=text, reads=read, program=one.text, params=one.params, output_columns=()
    )
    return {f"{text}{', wide' if wide else ''}": computation(checked, blobs_of(checked, cut), cut)}


def queries() -> dict[str, Computation]:
    """Programs of whole queries, with groups and without."""
    cuts = {wide: cut_up(notable(ROWS), 5, wide=wide) for wide in (False, True)}
    sql = load(next(found for found in discover() if found.manifest.name == "sql"))
    made: dict[str, Computation] = {}

    @settings(
        max_examples=3 * QUERIES, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(grouped(libm=True) | ordered(libm=True), st.booleans())
    def collect(query: Query, wide: bool) -> None:
        if len(made) < QUERIES:
            with suppress(SpecRefused):
                checked = checked_spec(sql, {"query": query.grid}, cuts[wide])
                job = computation(checked, blobs_of(checked, cuts[wide]), cuts[wide])
                made[f"{query.grid}{', wide' if wide else ''}"] = job

    collect()
    return made


def test_every_generated_query_has_one_digest(engines: Mapping[str, Engine]) -> None:
    jobs = queries()
    assert len(jobs) == QUERIES
    assert not differences(engines, jobs)


def test_every_generated_program_has_one_digest(engines: Mapping[str, Engine]) -> None:
    jobs = generated()
    assert len(jobs) == PROGRAMS
    assert not differences(engines, jobs)


def test_an_engine_that_differs_would_be_named(engines: Mapping[str, Engine]) -> None:
    class Odd:
        name = "odd"

        def compute(self, job: Computation) -> bytes:
            return b"0"

        def close(self) -> None:
            """Nothing to close."""

    text = '(function () { "use strict"; return 1; })'
    job = Computation(program=text, columns=(), chunks=(), rows=(), params=None, time_limit_s=20)
    found = differences({**engines, "odd": Odd()}, {"one": job})
    assert sorted(map(len, found["one"].values())) == [1, 5]
    assert ["odd"] in found["one"].values()
