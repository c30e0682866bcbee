"""This file is where the points of a sweep are numbered: the last parameter goes fastest.

A double that goes from a to b in n steps is, at step i, a + i·(b − a) / (n − 1), each operation
rounded once in this order, and b itself at the last step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from grid.codegen import answers
from grid.codegen.build import Place, well_formed
from grid.codegen.cells import Cell, Form
from grid.codegen.frame import Frame
from grid.codegen.program import unboxed
from grid.codegen.types import DOUBLE, INTEGER, TEXT, Kind, Type
from grid.items import Column, Json

#: Points of one sweep: a thousand browsers compute so many in an hour.
POINTS_MAX = 10**12
FORMS = {Kind.INTEGER: Form.NUMBER, Kind.DOUBLE: Form.DOUBLE, Kind.TEXT: Form.TEXT}
#: What holds a list's values, and reads them.
TABLES = {
    Kind.INTEGER: ("floats", "integer"),
    Kind.DOUBLE: ("floats", "double"),
    Kind.TEXT: ("texts", "text"),
}
#: The output's own columns.
TAKEN = frozenset({"point", "value"})


class Parameter(Struct, frozen=True):
    """One axis of the grid."""

    name: str
    type: Type
    #: How many values it takes.
    count: int
    #: A list's values; None where they follow from the numbers below.
    values: tuple[Any, ...] | None = None
    first: float = 0
    last: float = 0
    #: Between whole numbers; 0 for doubles.
    by: int = 0

    @property
    def column(self) -> Column:
        """What the expressions read."""
        return answers.column(self.name, self.type)

    def at(self, step: int) -> Any:
        """Its value at this step, from 0."""
        if self.values is not None:
            return self.values[step]
        if self.by:
            return int(self.first) + step * self.by
        if step == self.count - 1:
            return self.last
        return self.first + step * (self.last - self.first) / (self.count - 1)


def parameters(spec: Mapping[str, Json]) -> list[Parameter]:
    """The spec's parameters, in order; raises SpecError."""
    found: list[Parameter] = []
    for number, one in enumerate(spec["parameters"]):
        place = Place(f"/parameters/{number}")
        name = one["name"]
        if name.lower() in TAKEN | {other.name.lower() for other in found}:
            raise Place(f"{place.pointer}/name").refuse(f"{name!r} is taken already")
        found.append(_parameter(one, name, place))
    if total(found) > POINTS_MAX:
        raise Place("/parameters").refuse(f"a sweep has {POINTS_MAX:,} points at most")
    return found


def _parameter(one: Mapping[str, Json], name: str, place: Place) -> Parameter:
    if "values" in one:
        return _listed(one["values"], name, Place(f"{place.pointer}/values"))
    first, last = one["from"], one["to"]
    if "steps" in one:
        steps = int(one["steps"])
        first, last = float(first), float(last)
        if steps < 2:
            raise Place(f"{place.pointer}/steps").refuse("two steps at least, or a list of values")
        if not math.isfinite((last - first) * (steps - 1)):
            raise Place(f"{place.pointer}/to").refuse("this is too far for doubles")
        return Parameter(name, DOUBLE, steps, None, first + 0.0, last + 0.0)
    by = int(one.get("by", 1))
    if int(first) != first or int(last) != last:
        raise Place(f"{place.pointer}/steps").refuse("how many, unless both ends are whole numbers")
    if by == 0 or (last - first) * by < 0:
        raise Place(f"{place.pointer}/by").refuse("this never arrives")
    count = (int(last) - int(first)) // by + 1
    return Parameter(name, INTEGER, count, None, int(first), int(last), by)


def _listed(values: Sequence[Json], name: str, place: Place) -> Parameter:
    """All of them whole numbers, else all doubles; or all texts."""
    texts = [isinstance(value, str) for value in values]
    if any(texts):
        if not all(texts):
            raise place.refuse("all values are numbers, or all are texts")
        for value in values:
            well_formed(value, place)
        return Parameter(name, TEXT, len(values), tuple(values))
    if all(value == int(value) for value in values):
        return Parameter(name, INTEGER, len(values), tuple(int(value) for value in values))
    return Parameter(name, DOUBLE, len(values), tuple(value + 0.0 for value in values))


def total(found: Sequence[Parameter]) -> int:
    """How many points there are."""
    return math.prod(one.count for one in found)


def steps(found: Sequence[Parameter], point: int) -> list[int]:
    """The step of each parameter at this point."""
    taken: list[int] = []
    for one in reversed(found):
        point, step = divmod(point, one.count)
        taken.append(step)
    return taken[::-1]


def values(found: Sequence[Parameter], points: Sequence[int]) -> dict[str, list[Any]]:
    """The values of each parameter at these points."""
    taken = [steps(found, point) for point in points]
    return {one.name: [one.at(each[number]) for each in taken] for number, one in enumerate(found)}


class Counter:
    """The lines of a program that go through points: each parameter has a name of its own.

    An inner loop goes along the last axis, so that what the others decide is computed once for it.
    """

    def __init__(self, frame: Frame, found: Sequence[Parameter]) -> None:
        self.frame, self.found = frame, found
        self._counts = [frame.literal("times", str(one.count)) for one in found]
        values = [self._value(number, one) for number, one in enumerate(found)]
        self._values, self._fast = values[:-1], values[-1]
        cells = {one.name: _cell(f"par{number}", one) for number, one in enumerate(found)}
        last = found[-1].name
        #: What the expressions read: parameters of the outer loop, and of the inner one.
        self.slow = {name: cell for name, cell in cells.items() if name != last}
        self.fast = {last: cells[last]}

    @property
    def before(self) -> list[str]:
        """Lines ahead of the first point, `first`."""
        lines = ["let rest = first;"]
        for number in reversed(range(len(self.found))):
            count = self._counts[number]
            lines += [f"let step{number} = rest % {count};"]
            lines += [f"rest = (rest - step{number}) / {count};"]
        return lines

    def loops(self, outer: Sequence[str], inner: Sequence[str]) -> list[str]:
        """Both loops; `i` counts the points of the work unit."""
        last = len(self.found) - 1
        inner = [f"const par{last} = {self._fast};", *inner]
        copied, inner = unboxed(self.frame.setup, inner)
        return [
            "let done = 0;",
            "for (let r = 0; r < count; r++) {",
            "if (done === count) {",
            "break;",
            "}",
            f"const ahead = {self._counts[last]} - step{last};",
            "const span = kit.times(ahead < count - done ? ahead : count - done);",
            f"const start = step{last};",
            "const base = done;",
            *(f"const par{number} = {value};" for number, value in enumerate(self._values)),
            *outer,
            *copied,
            "for (let c = 0; c < span; c++) {",
            "const i = base + c;",
            "const here = start + c;",
            *inner,
            "}",
            "done += span;",
            f"step{last} += span;",
            *self._carried(last),
            "}",
        ]

    def _carried(self, number: int) -> list[str]:
        """Begins the axis anew where it has ended, one step further on the one before."""
        lines = [f"if (step{number} === {self._counts[number]}) {{", f"step{number} = 0;"]
        if number:
            lines += [f"step{number - 1} += 1;", *self._carried(number - 1)]
        return [*lines, "}"]

    def _value(self, number: int, one: Parameter) -> str:
        """The value at its step."""
        frame, step = self.frame, f"step{number}" if number < len(self.found) - 1 else "here"
        if one.values is not None:
            made, reader = TABLES[one.type.kind]
            spelled = [str(answers.spelled(value)) for value in one.values]
            return f"{frame.table(made, reader, spelled)}[{step} | 0]"
        if one.by:
            first, by = (frame.literal("integer", str(int(x))) for x in (one.first, one.by))
            return f"{first} + {step} * {by}"
        ends = (one.first, one.last, one.last - one.first)
        first, last, span = (frame.literal("double", str(answers.spelled(x))) for x in ends)
        end = frame.literal("integer", str(one.count - 1))
        return f"{step} === {end} ? {last} : {first} + {step} * {span} / {end}"


def _cell(name: str, one: Parameter) -> Cell:
    low, high = _bounds(one)
    return Cell(name, (), FORMS[one.type.kind], low, high)


def _bounds(one: Parameter) -> tuple[int, int]:
    if one.type is not INTEGER:
        return 0, 0
    ends = one.values or (one.at(0), one.at(one.count - 1))
    return min(ends), max(ends)
