"""This file is where state is written: the only inserts, updates and deletes.

Transitions are carried out set by set: all that change the same fields become one statement that
compares, sets and returns the rows that still were as the rule saw them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlmodel import SQLModel

from grid import canonical
from grid.auditlog.entries import Entry
from grid.db.prepared import Prepared
from grid.db.tables import (
    ChunkColumnRow,
    HostRow,
    IdempotencyRow,
    JobRow,
    MergeRow,
    OutboxRow,
    PluginRow,
    PrefixKeyRow,
    ResultRow,
    TokenRow,
    WorkUnitRow,
    table,
)
from grid.transition import CreateResults, Entity, Instruction, Transition

TABLES: Mapping[Entity, type[SQLModel]] = {
    Entity.RESULT: ResultRow,
    Entity.WORKUNIT: WorkUnitRow,
    Entity.JOB: JobRow,
}

Fields = tuple[str, ...]


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
        won = {row[0] for row in statement.rows(connection, rows=_json(rows))}
        lost.extend(one for one in group if one.id not in won)
    if lost:
        raise Lost(lost)
    copies = [
        (one.workunit_id, one.job_id, one.priority, one.first and number == 0)
        for one in batch
        if isinstance(one, CreateResults)
        for number in range(one.count)
    ]
    if copies:
        _insert(ResultRow, ("workunit_id", "job_id", "priority", "first")).rows(
            connection, rows=_json(copies)
        )
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
        _insert_entries().rows(connection, rows=_json(lines))


def keep_outputs(connection: Connection, outputs: Mapping[int, str]) -> None:
    """Store the bytes of accepted outputs, result id → canonical JSON."""
    if outputs:
        _keep_outputs().rows(connection, rows=_json(list(outputs.items())))


def drop_duplicate_outputs(connection: Connection, workunit_ids: Sequence[int]) -> None:
    """Drop outputs equal to their work unit's canonical one; their digests stay."""
    results, units = table(ResultRow), table(WorkUnitRow)
    chosen = results.alias("chosen")
    connection.execute(
        update(results)
        .where(
            results.c.workunit_id.in_(workunit_ids),
            units.c.id == results.c.workunit_id,
            chosen.c.id == units.c.canonical_result_id,
            results.c.id != chosen.c.id,
            results.c.output_digest == chosen.c.output_digest,
        )
        .values(output=None)
    )


def add(connection: Connection, row: SQLModel) -> int:
    """Insert one row; its new id."""
    values = {key: value for key, value in row.model_dump().items() if key != "id" or value}
    result = connection.execute(insert(table(type(row))).values(**values))
    key = result.inserted_primary_key
    return int(key[0]) if key is not None and isinstance(key[0], int) else 0


def add_chunk_columns(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert a data set's chunk columns."""
    if rows:
        connection.execute(insert(table(ChunkColumnRow)), rows)


def add_workunits(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Insert work units of one job; their ids by ordinal."""
    units = table(WorkUnitRow)
    made = connection.execute(
        insert(units).returning(units.c.ordinal, units.c.id, sort_by_parameter_order=True), rows
    )
    return {row.ordinal: row.id for row in made}


def set_workunits_made(connection: Connection, job_id: int, before: int, after: int) -> bool:
    """Move a job's splitting cursor on; False when somebody else has."""
    jobs = table(JobRow)
    changed = connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.workunits_made == before)
        .values(workunits_made=after)
    )
    return changed.rowcount == 1


def set_merge(
    connection: Connection, job_id: int, output_version: int, before: int, after: int, state: Any
) -> bool:
    """Move a job's ordered fold on; False when somebody else has."""
    merges = table(MergeRow)
    changed = connection.execute(
        update(merges)
        .where(
            merges.c.job_id == job_id,
            merges.c.output_version == output_version,
            merges.c.merged == before,
        )
        .values(merged=after, state=state)
    )
    return changed.rowcount == 1


def set_plugin(connection: Connection, row: PluginRow) -> None:
    """Record whether a job type is enabled, and for which digest."""
    plugins = table(PluginRow)
    connection.execute(delete(plugins).where(plugins.c.name == row.name))
    connection.execute(insert(plugins).values(**row.model_dump()))


def set_principal(connection: Connection, old: Sequence[int], new: int) -> None:
    """Make hosts of several principals count as one from now on."""
    hosts = table(HostRow)
    connection.execute(update(hosts).where(hosts.c.principal_id.in_(old)).values(principal_id=new))


def set_prefix(connection: Connection, host_id: int, hidden_prefix: str | None, day: int) -> None:
    """Note the network a host was seen in today, hidden under today's key."""
    hosts = table(HostRow)
    connection.execute(
        update(hosts)
        .where(hosts.c.id == host_id)
        .values(hidden_prefix=hidden_prefix, prefix_day=day)
    )


def start_principal(connection: Connection, host_id: int) -> None:
    """A host that shares nothing is its own principal."""
    hosts = table(HostRow)
    connection.execute(update(hosts).where(hosts.c.id == host_id).values(principal_id=host_id))


def set_last_seen(connection: Connection, host_ids: Sequence[int], now: int) -> None:
    """Note that hosts are alive."""
    hosts = table(HostRow)
    connection.execute(update(hosts).where(hosts.c.id.in_(host_ids)).values(last_seen_at=now))


def unseal(connection: Connection, job_id: int) -> None:
    """Release what the job's seal kept back from the log."""
    outbox = table(OutboxRow)
    connection.execute(
        update(outbox).where(outbox.c.job_id == job_id, outbox.c.sealed).values(sealed=False)
    )


def revoke_token(connection: Connection, token_id: int, now: int) -> bool:
    """End a token; False when it had ended."""
    tokens = table(TokenRow)
    changed = connection.execute(
        update(tokens)
        .where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return changed.rowcount == 1


def forget_idempotency_before(connection: Connection, time: int) -> int:
    """Forget answers kept for retries that will not come any more; how many."""
    rows = table(IdempotencyRow)
    return connection.execute(delete(rows).where(rows.c.created_at < time)).rowcount


def destroy_prefix_keys_before(connection: Connection, day: int) -> int:
    """Destroy the keys of earlier days and the prefixes they hid; how many hosts were unlinked."""
    keys, hosts = table(PrefixKeyRow), table(HostRow)
    gone = connection.execute(delete(keys).where(keys.c.day < day)).rowcount
    if not gone:
        return 0
    return connection.execute(
        update(hosts).where(hosts.c.prefix_day < day).values(hidden_prefix=None, prefix_day=None)
    ).rowcount


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
    spot = _given()
    condition = [
        rows.c[name].is_not_distinct_from(spot(1 + place)) for place, name in enumerate(before)
    ]
    values = {name: spot(1 + len(before) + place) for place, name in enumerate(after)}
    changed = update(rows).where(rows.c.id == spot(0), *condition).values(values)
    return Prepared(changed.returning(rows.c.id))


def _given() -> Callable[[int], ColumnElement[Any]]:
    """The nth element of each array in the bound JSON text `rows`, an array of arrays."""
    given = func.json_each(bindparam("rows")).table_valued("value").alias("given")
    return lambda place: func.json_extract(given.c.value, literal_column(f"'$[{place}]'"))


@lru_cache(maxsize=16)
def _insert(model: type[SQLModel], fields: Fields) -> Prepared:
    """Insert rows of `fields`, given as arrays; every other field gets the model's default."""
    rows = table(model)
    defaults = {
        name: field.default
        for name, field in model.model_fields.items()
        if name not in fields and field.default is not None and name != "id"
    }
    given = func.json_each(bindparam("rows")).table_valued("value").alias("given")
    spots = [
        func.json_extract(given.c.value, literal_column(f"'$[{place}]'"))
        for place in range(len(fields))
    ]
    fixed = [
        literal(str(value) if isinstance(value, str) else value) for value in defaults.values()
    ]
    return Prepared(insert(rows).from_select([*fields, *defaults], select(*spots, *fixed)))


@lru_cache(maxsize=1)
def _insert_entries() -> Prepared:
    """Log entries; what is sealed stays so only while its job's seal is closed."""
    jobs, spot = table(JobRow), _given()
    closed = select(jobs.c.id).where(jobs.c.id == spot(2), jobs.c.seal_opened_at.is_(None))
    fields = ("kind", "facts", "job_id", "sealed", "decided_at")
    values = select(spot(0), spot(1), spot(2), spot(3) & closed.exists(), spot(4))
    return Prepared(insert(table(OutboxRow)).from_select(fields, values))


@lru_cache(maxsize=1)
def _keep_outputs() -> Prepared:
    results, spot = table(ResultRow), _given()
    return Prepared(update(results).where(results.c.id == spot(0)).values(output=spot(1)))


def _json(rows: Sequence[Sequence[Any]]) -> str:
    return msgspec.json.encode(rows).decode()
