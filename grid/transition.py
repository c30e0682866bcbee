"""This file is where it stands what a rule may ask for; only the store's `apply` carries it out.

One record is the decision, the database write, the log line and the audit entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

import msgspec
from msgspec import Struct

from grid.items import Json, Result, WorkUnit
from grid.states import check_move

T = TypeVar("T", bound=Struct)


class Entity(StrEnum):
    """What a Transition may change."""

    RESULT = "result"
    WORKUNIT = "workunit"
    JOB = "job"


class Transition(Struct, frozen=True, kw_only=True):
    """Change one row, if it still is as the rule saw it (compare-and-set)."""

    entity: Entity
    id: int
    #: Field → the value it must still have.
    before: Mapping[str, Json]
    #: Field → the value it gets.
    after: Mapping[str, Json]
    #: Why, in words for the story of the row.
    because: str

    def __post_init__(self) -> None:
        for field, value in self.after.items():
            if field in self.before:
                check_move(field, self.before[field], value)


class CreateResults(Struct, frozen=True, kw_only=True):
    """Make `count` more copies of a work unit."""

    workunit_id: int
    job_id: int
    count: int
    #: Whether it has none yet.
    first: bool = False
    priority: int
    because: str


Instruction = Transition | CreateResults


def after(unit: WorkUnit, batch: Sequence[Instruction], next_id: int) -> WorkUnit:
    """The work unit as it is once `batch` is carried out; new results take ids from `next_id` on.

    This is the meaning of the instructions, for laws about rules and for replay; the store does
    the same to rows by compare-and-set. Raises ValueError when a `before` does not hold.
    """
    results = {result.id: result for result in unit.results}
    for instruction in batch:
        if isinstance(instruction, CreateResults):
            for result in _copies(instruction, next_id):
                results[result.id] = result
            next_id += instruction.count
        elif instruction.entity is Entity.RESULT:
            results[instruction.id] = _changed(results[instruction.id], instruction)
        elif instruction.entity is Entity.WORKUNIT:
            unit = _changed(unit, instruction)
    return msgspec.structs.replace(unit, results=tuple(results.values()))


def merged(batch: Sequence[Instruction]) -> tuple[Instruction, ...]:
    """The same change with at most one Transition a row: first `before`, last `after`."""
    rows: dict[tuple[Entity, int], Transition] = {}
    creations = []
    for instruction in batch:
        if isinstance(instruction, CreateResults):
            creations.append(instruction)
            continue
        key = instruction.entity, instruction.id
        earlier = rows.get(key)
        rows[key] = instruction if earlier is None else _joined(earlier, instruction)
    return (*rows.values(), *creations)


def _joined(first: Transition, second: Transition) -> Transition:
    seen = {**second.before, **first.before}
    before = {
        field: value
        for field, value in seen.items()
        if field in first.before or field not in first.after
    }
    joined = Transition(
        entity=first.entity,
        id=first.id,
        before={},
        after={**first.after, **second.after},
        because=f"{first.because}; {second.because}",
    )
    return msgspec.structs.replace(joined, before=before)


def _copies(instruction: CreateResults, next_id: int) -> Iterable[Result]:
    for number in range(instruction.count):
        yield Result(
            id=next_id + number,
            workunit_id=instruction.workunit_id,
            job_id=instruction.job_id,
            priority=instruction.priority,
        )


def _changed(item: T, transition: Transition) -> T:
    for field, value in transition.before.items():
        if getattr(item, field) != value:
            raise ValueError(f"{transition.entity} {transition.id}: {field} is no longer {value!r}")
    return msgspec.structs.replace(item, **transition.after)
