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
from grid.states import MOVES, Purpose, check_move

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
        before = self.before
        for field, value in self.after.items():
            if field in MOVES and field in before:
                check_move(field, before[field], value)


class CreateResults(Struct, frozen=True, kw_only=True):
    """Make `count` more copies of a work unit."""

    workunit_id: int
    job_id: int
    count: int
    #: Whether it has none yet.
    first: bool = False
    priority: int
    purpose: Purpose = Purpose.COPY
    #: Not sent before then.
    not_before: int = 0
    #: Sent to hosts with this engine only; None for any.
    engine: str | None = None
    because: str


class Adjust(Struct, frozen=True, kw_only=True):
    """Change a volunteer's standing by differences, which add up in any order."""

    volunteer_id: int
    #: Half checks survived, answers compared, certain lies.
    checks2: int = 0
    compared: int = 0
    lies: int = 0
    #: Its checks start again from zero (before `checks2` is added).
    reset: bool = False
    #: Why it is banned from now on; "" for no ban.
    ban: str = ""


class Quarantine(Struct, frozen=True, kw_only=True):
    """Send a program to this engine no more, or again: it may compute it wrongly."""

    job_id: int
    engine: str
    #: The work unit it is suspected for.
    cause: int
    lift: bool = False
    #: It has had its chances: what only such engines say counts for nothing in this job.
    convict: bool = False
    because: str


class Freeze(Struct, frozen=True, kw_only=True):
    """Pause a job until an admin has looked: its own reference is the suspect."""

    job_id: int
    because: str


Instruction = Transition | CreateResults | Adjust | Quarantine | Freeze


def after(unit: WorkUnit, batch: Sequence[Instruction], next_id: int) -> WorkUnit:
    """The work unit as it is once `batch` is carried out; new results take ids from `next_id` on.

    This is the meaning of the instructions, for laws about rules and for replay; the store does
    the same to rows by compare-and-set. Raises ValueError when a `before` does not hold.
    """
    results = None
    for instruction in batch:
        if isinstance(instruction, Transition):
            if instruction.entity is Entity.WORKUNIT:
                unit = changed(unit, instruction)
                continue
            if instruction.entity is not Entity.RESULT:
                continue
            results = results or {result.id: result for result in unit.results}
            results[instruction.id] = changed(results[instruction.id], instruction)
        elif isinstance(instruction, CreateResults):
            results = results or {result.id: result for result in unit.results}
            for result in _copies(instruction, next_id):
                results[result.id] = result
            next_id += instruction.count
    if results is None:
        return unit
    return msgspec.structs.replace(unit, results=tuple(results.values()))


def changed(item: T, transition: Transition) -> T:
    """A row as it is after this; raises ValueError when its `before` does not hold."""
    for field, value in transition.before.items():
        if getattr(item, field) != value:
            raise ValueError(f"{transition.entity} {transition.id}: {field} is no longer {value!r}")
    return msgspec.structs.replace(item, **transition.after)


def merged(batch: Sequence[Instruction]) -> tuple[Instruction, ...]:
    """The same change with at most one Transition a row: first `before`, last `after`."""
    rows: dict[tuple[Entity, int], list[Transition]] = {}
    others = []
    for instruction in batch:
        if isinstance(instruction, Transition):
            rows.setdefault((instruction.entity, instruction.id), []).append(instruction)
        else:
            others.append(instruction)
    return (*map(_joined, rows.values()), *others)


def _joined(several: Sequence[Transition]) -> Transition:
    first = several[0]
    if len(several) == 1:
        return first
    before: dict[str, Json] = {}
    after: dict[str, Json] = {}
    for one in several:
        for field, value in one.before.items():
            if field not in after:
                before.setdefault(field, value)
        after.update(one.after)
    return Transition(
        entity=first.entity,
        id=first.id,
        before=before,
        after=after,
        because="; ".join([one.because for one in several]),
    )


def _copies(instruction: CreateResults, next_id: int) -> Iterable[Result]:
    for number in range(instruction.count):
        yield Result(
            id=next_id + number,
            workunit_id=instruction.workunit_id,
            job_id=instruction.job_id,
            priority=instruction.priority,
            purpose=instruction.purpose,
            not_before=instruction.not_before,
            engine=instruction.engine,
        )
