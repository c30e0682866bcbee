"""This package is where travellingSalesman stands: the shortest round trip, of all there are."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import cast

import pyarrow as pa

from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import (
    Chunk,
    JobType,
    Merged,
    OutputError,
    Part,
    Points,
    hookimpl,
)

#: What a stop of a tour takes a browser of 2024.
STOP_NS = 3
#: Tours of a work unit: minutes of a slow machine, whatever was measured.
TOURS_PER_WORKUNIT_MAX = 2**28

PROGRAM = """(function (inputs, params, kit) {
  "use strict";
  const literals = params.literals;
  const cities = kit.times(literals[0]);
  const order = kit.bytes(cities - 1);
  const stops = order.length;
  const legs = kit.floats(cities * cities);
  for (let a = 0; a < cities; a++) {
    const x = kit.integer(literals[(1 + a + a) | 0]);
    const y = kit.integer(literals[(2 + a + a) | 0]);
    for (let b = 0; b < cities; b++) {
      const across = x - kit.integer(literals[(1 + b + b) | 0]);
      const along = y - kit.integer(literals[(2 + b + b) | 0]);
      legs[(a * cities + b) | 0] = kit.sqrt(across * across + along * along);
    }
  }
  const tours = inputs[0];
  const first = tours.first;
  const count = tours.rows;
  let best = 0;
  let shortest = 1 / 0;
  kit.permutation(order, first);
  for (let i = 0; i < count; i++) {
    let length = 0;
    let here = 0;
    for (let s = 0; s < stops; s++) {
      const there = order[s];
      length += legs[(here * cities + there) | 0];
      here = there;
    }
    length += legs[(here * cities) | 0];
    if (length < shortest) {
      shortest = length;
      best = i;
    }
    kit.permute(order);
  }
  kit.permutation(order, first + best);
  const tour = kit.list();
  kit.push(tour, 0);
  for (let t = 0; t < stops; t++) {
    kit.push(tour, order[t]);
  }
  return {tour: tour, length: kit.bits(shortest)};
})
"""


class TravellingSalesman(JobType):
    """A point is a tour; a work unit's answer is the shortest of its tours, the first of equals."""

    over_dataset = False
    verifies = True

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return ()

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points:
        cities = len(spec["cities"])
        return Points(
            count=math.factorial(cities - 1),
            point_ns=cities * STOP_NS,
            per_workunit_max=TOURS_PER_WORKUNIT_MAX,
        )

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """A row for each stop, the first city again at the end."""
        whole = [
            Column(name=name, type=LogicalType.INT64, physical=PhysicalType.INT64, nullable=False)
            for name in ("stop", "city", "x", "y")
        ]
        double, physical = LogicalType.DOUBLE, PhysicalType.DOUBLE
        return (*whole, Column(name="distance", type=double, physical=physical, nullable=False))

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return PROGRAM

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        places = [str(int(place)) for city in spec["cities"] for place in city]
        return {"literals": [str(len(spec["cities"])), *places]}

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        cities = len(spec["cities"])
        tours = (_tour(cities, cast("int", number)) for number in chunks[0]["index"])
        tour = min(tours, key=lambda one: _distances(spec, one)[-1])
        return {"tour": tour, "length": _bits(_distances(spec, tour)[-1])}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        """A tour that is claimed is measured again."""
        tour = output["tour"]
        if tour[0] != 0 or sorted(tour) != list(range(len(spec["cities"]))):
            raise OutputError("/tour: not every city once, from city 0")
        if _bits(_distances(spec, tour)[-1]) != output["length"]:
            raise OutputError("/length: the tour has another length")

    def verify(
        self,
        spec: Json,
        columns: Sequence[Column],
        rows: Sequence[int],
        chunks: Sequence[Chunk],
        output: Json,
    ) -> bool | None:
        """That no other tour is shorter takes all of them to see, unless there is one alone."""
        tour, numbers = output["tour"], chunks[0]["index"]
        measured = _bits(_distances(spec, tour)[-1]) == output["length"]
        if not measured or _number(tour) not in numbers:
            return False
        return True if len(numbers) == 1 else None

    def provable(self, spec: Json, output: Json) -> bool:
        """A tour is right or wrong for little only where there is one alone."""
        return False

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """Stops."""
        return max(1, rows[0] * len(spec["cities"]))

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return None

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        """Lengths are never negative, so their bits are in order as text."""
        better = state is None or part.output["length"] < state["length"]
        return Merged(state=part.output if better else state)

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        tour = [*state["tour"], 0]
        places = [spec["cities"][city] for city in tour]
        whole = [range(len(tour)), tour, *zip(*places, strict=True)]
        arrays = [pa.array(map(int, values), pa.int64()) for values in whole]
        arrays.append(pa.array(_distances(spec, state["tour"]), pa.float64()))
        names = [column.name for column in self.output_columns(spec, columns)]
        return Merged(state=state, rows=pa.record_batch(arrays, names=names))


def _distances(spec: Mapping[str, Json], tour: Sequence[int]) -> list[float]:
    """How far each stop is from the start, and the start itself at the end."""
    places = [spec["cities"][city] for city in (*tour, tour[0])]
    legs = [math.sqrt((x - u) ** 2 + (y - v) ** 2) for (x, y), (u, v) in pairwise(places)]
    return list(accumulate(legs, initial=0.0))


def _tour(cities: int, number: int) -> list[int]:
    """The tour of this number, in lexicographic order."""
    left, tour = list(range(1, cities)), [0]
    while left:
        place, number = divmod(number, math.factorial(len(left) - 1))
        tour.append(left.pop(place))
    return tour


def _number(tour: Sequence[int]) -> int:
    left, number = sorted(tour[1:]), 0
    for city in tour[1:]:
        place = left.index(city)
        left.pop(place)
        number += place * math.factorial(len(left))
    return number


def _bits(length: float) -> str:
    return struct.pack(">d", length).hex()


@hookimpl
def grid_job_type() -> JobType:
    """travellingSalesman."""
    return TravellingSalesman()
