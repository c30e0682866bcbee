"""This file is where a batch of instructions is carried out, with its log entries.

Transitions are carried out set by set: all that change the same fields become one statement that
compares, sets and returns the rows that still were as the rule saw them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from sqlalchemy import Connection, insert, literal, select, update
from sqlmodel import SQLModel

from grid import canonical
from grid.auditlog.entries import Entry
from grid.db.apply import credit, quotas, standing
from grid.db.apply.sets import given, spelled
from grid.db.prepared import Prepared
from grid.db.tables import JobRow, OutboxRow, ResultRow, WorkUnitRow, table
from grid.transition import Adjust, CreateResults, Entity, Instruction, Quarantine, Transition

TABLES: Mapping[Entity, type[SQLModel]] = {
    Entity.RESULT: ResultRow,
    Entity.WORKUNIT: WorkUnitRow,
    Entity.JOB: JobRow,
}

Fields = tuple[str, ...]

COPY_FIELDS = ("workunit_id", "job_id", "priority", "first", "purpose", "not_before", "engine")


class Lost(Exception):
    """A row was no longer as the rule saw it; nothing of the batch may stand."""

    def __init__(self, transitions: Sequence[Transition]) -> None:
        self.transitions = tuple(transitions)
        first = self.transitions[0]
        super().__init__(f"{first.entity} {first.id} is no longer {dict(first.before)}")


def apply(
    connection: Connection, batch: Sequence[Instruction], entries: Sequence[Entry], now: int
) -> None:
    """Carry out a batch and put its log entries into the outbox, in the caller's transaction.

    `batch` holds at most one Transition a row (`transition.merged`). Raises Lost when any row had
    changed: the caller rolls back and redoes the losers alone.
    """
    lost: list[Transition] = []
    for (entity, before, after), group in _by_shape(batch).items():
        rows = [
            [one.id, *(one.before[name] for name in before), *(one.after[name] for name in after)]
            for one in group
        ]
        statement = _compare_and_set(entity, before, after)
        won = {row[0] for row in statement.rows(connection, rows=spelled(rows))}
        lost.extend(one for one in group if one.id not in won)
    if lost:
        raise Lost(lost)
    quotas.count(connection, batch, now)
    credit.count(connection, batch)
    copies = [
        (
            one.workunit_id,
            one.job_id,
            one.priority,
            one.first and number == 0,
            one.purpose,
            one.not_before,
            one.engine,
        )
        for one in batch
        if isinstance(one, CreateResults)
        for number in range(one.count)
    ]
    if copies:
        _insert(ResultRow, COPY_FIELDS).rows(connection, rows=spelled(copies))
    standing.adjust(connection, [one for one in batch if isinstance(one, Adjust)], now)
    standing.quarantine(connection, [one for one in batch if isinstance(one, Quarantine)], now)
    log(connection, entries, now)


def log(connection: Connection, entries: Sequence[Entry], now: int) -> None:
    """Put entries into the outbox."""
    if entries:
        lines = [
            (
                str(entry.kind),
                canonical.dumps_facts(entry.facts).decode(),
                entry.job_id,
                entry.sealed,
                now,
            )
            for entry in entries
        ]
        _insert_entries().rows(connection, rows=spelled(lines))


def keep_outputs(connection: Connection, outputs: Mapping[int, str]) -> None:
    """Store the bytes of accepted outputs, result id → canonical JSON."""
    if outputs:
        _keep_outputs().rows(connection, rows=spelled(list(outputs.items())))


def _by_shape(
    batch: Sequence[Instruction],
) -> dict[tuple[Entity, Fields, Fields], list[Transition]]:
    shapes: dict[tuple[Entity, Fields, Fields], list[Transition]] = {}
    for one in batch:
        if isinstance(one, Transition):
            shape = one.entity, tuple(sorted(one.before)), tuple(sorted(one.after))
            shapes.setdefault(shape, []).append(one)
    return shapes


@lru_cache(maxsize=256)
def _compare_and_set(entity: Entity, before: Fields, after: Fields) -> Prepared:
    rows = table(TABLES[entity])
    spot = given()
    condition = [
        rows.c[name].is_not_distinct_from(spot(1 + place)) for place, name in enumerate(before)
    ]
    values = {name: spot(1 + len(before) + place) for place, name in enumerate(after)}
    changed = update(rows).where(rows.c.id == spot(0), *condition).values(values)
    return Prepared(changed.returning(rows.c.id))


@lru_cache(maxsize=16)
def _insert(model: type[SQLModel], fields: Fields) -> Prepared:
    """Insert rows of `fields`, given as arrays; every other field gets the model's default."""
    rows = table(model)
    defaults = {
        name: field.default
        for name, field in model.model_fields.items()
        if name not in fields and field.default is not None and name != "id"
    }
    spot = given()
    spots = [spot(place) for place in range(len(fields))]
    fixed = [
        literal(str(value) if isinstance(value, str) else value) for value in defaults.values()
    ]
    return Prepared(insert(rows).from_select([*fields, *defaults], select(*spots, *fixed)))


@lru_cache(maxsize=1)
def _insert_entries() -> Prepared:
    """Log entries; what is sealed stays so only while its job's seal is closed."""
    jobs, spot = table(JobRow), given()
    closed = select(jobs.c.id).where(jobs.c.id == spot(2), jobs.c.seal_opened_at.is_(None))
    fields = ("kind", "facts", "job_id", "sealed", "decided_at")
    values = select(spot(0), spot(1), spot(2), spot(3) & closed.exists(), spot(4))
    return Prepared(insert(table(OutboxRow)).from_select(fields, values))


@lru_cache(maxsize=1)
def _keep_outputs() -> Prepared:
    results, spot = table(ResultRow), given()
    return Prepared(update(results).where(results.c.id == spot(0)).values(output=spot(1)))
