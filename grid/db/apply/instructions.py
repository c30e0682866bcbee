"""This file is where a batch of instructions is carried out, with its log entries.

Transitions are carried out set by set: all that move the same fields between the same states become
one statement that compares and sets, and counts the rows that still were as the rule saw them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    false,
    func,
    insert,
    literal,
    literal_column,
    null,
    select,
    true,
)
from sqlalchemy import update as sql_update
from sqlmodel import SQLModel

from grid import canonical
from grid.auditlog.entries import Entry
from grid.db.apply import credit, quotas, standing
from grid.db.apply.answers import answers
from grid.db.apply.sets import Each, Spot
from grid.db.dialects import kind_of
from grid.db.tables import JobRow, OutboxRow, ResultRow, WorkUnitRow, table
from grid.transition import Adjust, CreateResults, Entity, Instruction, Quarantine, Transition

TABLES: Mapping[Entity, type[SQLModel]] = {
    Entity.RESULT: ResultRow,
    Entity.WORKUNIT: WorkUnitRow,
    Entity.JOB: JobRow,
}

#: What differs from row to row is bound; states, flags and None stand in the statement.
BOUND = frozenset({int, float, str})
JSON_TYPES = frozenset({list, tuple, dict})


#: Stands for a bound value in a shape.
HERE = object()
#: Entity, how many fields have a value that they must have, and each field's name and value: those,
#: then the ones it gets.
Shape = tuple[Any, ...]

NOTHING: Mapping[int, str] = {}

COPY_FIELDS = ("workunit_id", "job_id", "priority", "first", "purpose", "not_before", "engine")


class Lost(Exception):
    """A row was no longer as the rule saw it; nothing of the batch may stand."""

    def __init__(self, transitions: Sequence[Transition]) -> None:
        self.transitions = tuple(transitions)
        first = self.transitions[0]
        among = f", or one of {len(transitions) - 1} others" if len(transitions) > 1 else ""
        super().__init__(f"{first.entity} {first.id}{among} is no longer {dict(first.before)}")


def apply(
    connection: Connection, batch: Sequence[Instruction], entries: Sequence[Entry], now: int
) -> None:
    """Carry out a batch and put its log entries into the outbox, in the caller's transaction.

    `batch` holds at most one Transition a row (`transition.merged`). Raises Lost when any row had
    changed: the caller rolls back and redoes the losers alone.
    """
    moves = [one for one in batch if isinstance(one, Transition)]
    for shape, group in _by_shape(moves).items():
        won = _compare_and_set(shape).run(connection, [row for _, row in group])
        if won != len(group):
            raise Lost([one for one, _ in group])
    tally, grants = quotas.tally(moves), credit.grants(moves)
    whose = answers(connection, tally.judged.keys() | grants.results)
    quotas.write(connection, tally, whose, now)
    credit.write(connection, grants, whose)
    others = [one for one in batch if not isinstance(one, Transition)]
    copies = [
        (
            one.workunit_id,
            one.job_id,
            one.priority,
            int(one.first and number == 0),
            one.purpose.value,
            one.not_before,
            one.engine,
        )
        for one in others
        if isinstance(one, CreateResults)
        for number in range(one.count)
    ]
    if copies:
        _create().run(connection, copies)
    standing.adjust(connection, [one for one in others if isinstance(one, Adjust)], now)
    standing.quarantine(connection, [one for one in others if isinstance(one, Quarantine)], now)
    log(connection, entries, now)


def log(connection: Connection, entries: Sequence[Entry], now: int) -> None:
    """Put entries into the outbox."""
    if entries:
        lines = [
            (
                entry.kind.value,
                canonical.dumps_facts(entry.facts).decode(),
                entry.job_id,
                int(entry.sealed),
                now,
            )
            for entry in entries
        ]
        _insert_entries().run(connection, lines)


def keep_outputs(
    connection: Connection,
    outputs: Mapping[int, str],
    signatures: Mapping[int, str] = NOTHING,
) -> None:
    """Store the bytes of accepted outputs, result id → canonical JSON, and what accepted reports
    were signed with."""
    rows = [(one, outputs.get(one), signatures.get(one)) for one in {**outputs, **signatures}]
    if rows:
        _keep_outputs().run(connection, rows)


def _by_shape(
    moves: Iterable[Transition],
) -> dict[Shape, list[tuple[Transition, list[Any]]]]:
    """Transitions that one statement carries out, each with the values that it binds."""
    shapes: dict[Shape, list[tuple[Transition, list[Any]]]] = {}
    for one in moves:
        row: list[Any] = [one.id]
        shape: list[Any] = [one.entity, len(one.before)]
        for fields in (one.before, one.after):
            for name, value in fields.items():
                kind = type(value)
                if kind in BOUND:
                    row.append(value)
                    value = HERE
                elif kind in JSON_TYPES:
                    row.append(canonical.dumps(value).decode())
                    value = HERE
                shape += name, value
        group = shapes.setdefault(tuple(shape), [])
        group.append((one, row))
    return shapes


@lru_cache(maxsize=512)
def _compare_and_set(shape: Shape) -> Each:
    entity, compared, *parts = shape
    fields = list(zip(parts[::2], parts[1::2], strict=True))
    rows = table(TABLES[entity])
    kinds = [int, *(kind_of(rows.c[name].type) for name, value in fields if value is HERE)]

    def make(spot: Spot) -> Any:
        places = iter(range(1, len(kinds)))

        def said(name: str, value: Any) -> ColumnElement[Any]:
            if value is HERE:
                here = spot(next(places))
                return func.json(here) if isinstance(rows.c[name].type, JSON) else here
            if value is None:
                return null()
            if isinstance(value, str):
                return literal_column(f"'{value}'")
            if isinstance(value, bool):
                return true() if value else false()
            return literal_column(str(int(value)))

        said_of = [(name, said(name, value)) for name, value in fields]
        condition = [rows.c[name].is_not_distinct_from(value) for name, value in said_of[:compared]]
        values = dict(said_of[compared:])
        return sql_update(rows).where(rows.c.id == spot(0), *condition).values(values)

    return Each(kinds, make)


@lru_cache(maxsize=1)
def _create() -> Each:
    """Copies of `COPY_FIELDS`; every other field gets the model's default."""
    rows = table(ResultRow)
    defaults = {
        name: field.default
        for name, field in ResultRow.model_fields.items()
        if name not in COPY_FIELDS and field.default is not None and name != "id"
    }
    fixed = [
        literal(str(value) if isinstance(value, str) else value) for value in defaults.values()
    ]

    def make(spot: Spot) -> Any:
        spots = [spot(place) for place in range(len(COPY_FIELDS))]
        return insert(rows).from_select([*COPY_FIELDS, *defaults], select(*spots, *fixed))

    return Each([kind_of(rows.c[name].type) for name in COPY_FIELDS], make)


@lru_cache(maxsize=1)
def _insert_entries() -> Each:
    """Log entries; what is sealed stays so only while its job's seal is closed."""
    jobs = table(JobRow)
    fields = ("kind", "facts", "job_id", "sealed", "decided_at")

    def make(spot: Spot) -> Any:
        closed = select(jobs.c.id).where(jobs.c.id == spot(2), jobs.c.seal_opened_at.is_(None))
        values = select(spot(0), spot(1), spot(2), spot(3) & closed.exists(), spot(4))
        return insert(table(OutboxRow)).from_select(fields, values)

    return Each([str, str, int, bool, int], make)


@lru_cache(maxsize=1)
def _keep_outputs() -> Each:
    results = table(ResultRow)
    return Each(
        [int, str, str],
        lambda spot: (
            sql_update(results)
            .where(results.c.id == spot(0))
            .values(output=spot(1), signature=spot(2))
        ),
    )
