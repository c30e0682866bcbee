"""This file is where a job type is checked on every engine, and the first fault is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from grid.conformance import Faulty, steps
from grid.engines import Engine
from grid.plugins.loader import PluginError, find, load

#: Notes that Hypothesis puts on an error, such as the failing case; longer ones help nobody.
NOTES_LENGTH_MAX = 4_000


class Plan(Struct, frozen=True, kw_only=True):
    """What is tried, and how often."""

    #: Random tables, and random specs, of each example.
    tables: int = 20
    specs: int = 50
    #: All chance comes from it.
    seed: int = 0


class Step(Struct, frozen=True, kw_only=True):
    """One part of the check that is over."""

    engine: str
    about: str
    took_s: float
    #: What does not hold, and the case that shows it; "" for nothing.
    fault: str = ""
    case: str = ""


def checked(
    folder: Path, engines: Sequence[tuple[str, Callable[[], Engine]]], plan: Plan
) -> Iterator[Step]:
    """Each part of the check on each engine, until one does not hold; each engine is closed.

    The folder's code is imported, as if an admin had enabled it. A folder that cannot be loaded is
    the first and only step.
    """
    began = time.monotonic()
    try:
        loaded = load(find(folder))
    except PluginError as error:
        yield Step(engine="", about="the folder", took_s=0.0, fault=str(error))
        return
    yield Step(engine="", about="the folder", took_s=time.monotonic() - began)
    for name, make in engines:
        engine = make()
        try:
            for about, check in steps(
                loaded, engine, tables=plan.tables, specs=plan.specs, seed=plan.seed
            ):
                step = _done(name, about, check)
                yield step
                if step.fault:
                    return
        finally:
            engine.close()


def _done(engine: str, about: str, check: Callable[[], None]) -> Step:
    began = time.monotonic()
    fault = case = ""
    try:
        check()
    except Exception as error:  # a job type may raise anything, and that is its fault
        kind = "" if isinstance(error, Faulty) else f"{type(error).__name__}: "
        fault = f"{kind}{error}"
        case = "\n".join(getattr(error, "__notes__", ()))[:NOTES_LENGTH_MAX]
    return Step(engine=engine, about=about, took_s=time.monotonic() - began, fault=fault, case=case)
