"""This file is where a simulation's spec is read: its state, its steps, and what is observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from msgspec import Struct

from grid.codegen import answers, build
from grid.codegen.build import Place
from grid.codegen.draws import Draws
from grid.codegen.expense import nanoseconds
from grid.codegen.failing import Site, sites
from grid.codegen.tree import Expr, shared
from grid.codegen.types import BOOLEAN, DOUBLE, INTEGER, NULL, Kind, Type, decimal
from grid.items import Column, Json

#: Whole numbers of a state stay Numbers when one is added to another.
WHOLE_DIGITS = 15
#: What the expressions of a step may read beside the state: its number, from 1 on.
STEP = "step"
#: What a draw, and a path's own start, take a browser of 2024.
DRAW_NS, PATH_NS = 60, 400
#: Values of so many paths can be put in order by the server.
EXACT_PATHS_MAX = 100_000


class Asked(Struct, frozen=True):
    """A spec, read."""

    #: Names of the state, in order, with their types.
    state: Mapping[str, Type]
    #: What each begins as, what it becomes (of those that change), and what is observed.
    first: Mapping[str, Expr]
    step: Mapping[str, Expr]
    observe: Expr
    #: Draws of the three, each the name of a column and its function.
    drawn: tuple[Sequence[tuple[str, str]], ...]
    paths: int
    steps: int
    seed: int
    thresholds: tuple[float, ...]
    #: As they stand in the spec, exactly.
    quantiles: tuple[Fraction, ...]

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """All, in the order in which places of failures are numbered."""
        return (*self.first.values(), *self.step.values(), self.observe)

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where a path can fail."""
        return sites(*self.expressions)

    @property
    def columns(self) -> list[Column]:
        """The state, as expressions read it."""
        return [answers.column(name, type) for name, type in self.state.items()]

    @property
    def path_ns(self) -> int:
        """What a path takes, roughly."""
        once = nanoseconds(*self.first.values(), self.observe)
        once += DRAW_NS * (len(self.drawn[0]) + len(self.drawn[2]))
        step = nanoseconds(*self.step.values()) + DRAW_NS * len(self.drawn[1])
        return PATH_NS + once + self.steps * step


def asked(spec: Mapping[str, Json]) -> Asked:
    """What the spec asks for; raises SpecError."""
    names = sorted(spec["state"])
    for name in names:
        alike = [other for other in names if other.lower() == name.lower()]
        if name.lower() == STEP or len(alike) > 1:
            raise Place(f"/state/{name}").refuse("this name is taken already")
    for name in sorted(spec["step"]):
        if name not in names:
            raise Place(f"/step/{name}").refuse("there is no such state")
    draws = [Draws(), Draws(), Draws()]
    first = {name: draws[0].read(spec["state"][name], (), f"/state/{name}") for name in names}
    types = {name: _type(first[name], f"/state/{name}") for name in names}
    step = _steps(spec["step"], types, draws)
    columns = [answers.column(name, type) for name, type in types.items()]
    observe = draws[2].read(spec["observe"], columns, "/observe")
    observe = build.cast(observe, _double(observe, "/observe"), Place("/observe"))
    first = {name: _as(first[name], types[name], f"/state/{name}") for name in names}
    step = {name: _as(expr, types[name], f"/step/{name}") for name, expr in step.items()}
    whole = shared(*first.values(), *step.values(), observe)
    asked = Asked(
        state=types,
        first=dict(zip(first, whole, strict=False)),
        step=dict(zip(step, whole[len(first) :], strict=False)),
        observe=whole[-1],
        drawn=tuple(each.drawn for each in draws),
        paths=int(spec["paths"]),
        steps=int(spec["steps"]),
        seed=int(spec.get("seed", 0)),
        thresholds=tuple(float(one) for one in spec.get("thresholds", ())),
        quantiles=tuple(Fraction(str(one)) for one in spec.get("quantiles", ())),
    )
    if asked.quantiles and asked.paths > EXACT_PATHS_MAX:
        most = f"of {EXACT_PATHS_MAX:,} paths at most; thresholds tell as much of more"
        raise Place("/quantiles").refuse(most)
    return asked


def _steps(texts: Mapping[str, str], types: dict[str, Type], draws: list[Draws]) -> dict[str, Expr]:
    """What each state becomes; one that becomes a fraction is a double from the start."""
    while True:
        draws[1] = Draws()
        columns = [answers.column(name, type) for name, type in types.items()]
        columns.append(answers.column(STEP, INTEGER))
        found = {
            name: draws[1].read(texts[name], columns, f"/step/{name}") for name in sorted(texts)
        }
        wider = {
            name
            for name, expr in found.items()
            if types[name] == INTEGER and _type(expr, f"/step/{name}") == DOUBLE
        }
        if not wider:
            return found
        types.update(dict.fromkeys(wider, DOUBLE))


def _type(expr: Expr, pointer: str) -> Type:
    """The type of a state that begins, or goes on, like this."""
    if expr.type == NULL:
        raise Place(pointer).refuse("NULL has no type here; use CAST")
    if expr.kind is Kind.BOOLEAN:
        return BOOLEAN
    return INTEGER if expr.kind is Kind.INTEGER else _double(expr, pointer)


def _double(expr: Expr, pointer: str) -> Type:
    if expr.kind not in (Kind.INTEGER, Kind.DECIMAL, Kind.DOUBLE, Kind.BOOLEAN):
        raise Place(pointer).refuse(f"a number is needed, and this is {expr.type}")
    return DOUBLE


def _as(expr: Expr, type: Type, pointer: str) -> Expr:
    """The expression as a value of the state's type: whole numbers have up to 15 digits."""
    place = Place(pointer)
    if (expr.kind is Kind.BOOLEAN) is not (type is BOOLEAN):
        raise place.refuse(f"the state is {type}, and this is {expr.type}")
    if type is INTEGER:
        return build.cast(build.cast(expr, decimal(WHOLE_DIGITS, 0), place), INTEGER, place)
    return build.cast(expr, type, place)
