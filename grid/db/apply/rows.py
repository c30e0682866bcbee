"""This file is where rows are made and moved on that no rule decides about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import SQLModel

from grid.db.tables import (
    ChunkColumnRow,
    IdempotencyRow,
    JobRow,
    MergeRow,
    OutboxRow,
    OutputPartRow,
    OutputRow,
    PluginRow,
    QuizColumnRow,
    ResultRow,
    SecretRow,
    WorkUnitRow,
    table,
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


def add_quiz_columns(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert a quiz's columns."""
    connection.execute(insert(table(QuizColumnRow)), rows)


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


def set_priority(connection: Connection, job_id: int, priority: int) -> None:
    """Give a job another priority than it was submitted with."""
    jobs = table(JobRow)
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(priority=priority))


def mark_enough(connection: Connection, result_ids: Collection[int]) -> None:
    """Note that the answers of these results are enough to end their jobs, should they stand."""
    if result_ids:
        results = table(ResultRow)
        connection.execute(update(results).where(results.c.id.in_(result_ids)).values(enough=True))


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


def restart_merge(connection: Connection, job_id: int) -> None:
    """Begin a job's output anew: as its next version if anything is in the current one, whose parts
    go unless it was finished."""
    merges, parts, made = table(MergeRow), table(OutputPartRow), table(OutputRow)
    merge = merges.c.job_id == job_id
    version = select(merges.c.output_version).where(merge).scalar_subquery()
    finished = (
        select(made.c.job_id)
        .where(made.c.job_id == job_id, made.c.output_version == version)
        .exists()
    )
    connection.execute(
        delete(parts).where(parts.c.job_id == job_id, parts.c.output_version == version, ~finished)
    )
    connection.execute(
        update(merges)
        .where(merge, (merges.c.merged > 0) | finished)
        .values(output_version=merges.c.output_version + 1, merged=0, state=merges.c.start)
    )


def count_retracted(connection: Connection, job_id: int, verdicts: int) -> None:
    """Note that verdicts of a job were taken back."""
    merges = table(MergeRow)
    connection.execute(
        update(merges)
        .where(merges.c.job_id == job_id)
        .values(retracted=merges.c.retracted + verdicts)
    )


def set_plugin(connection: Connection, row: PluginRow) -> None:
    """Record whether a job type is enabled, and for which digest."""
    plugins = table(PluginRow)
    connection.execute(delete(plugins).where(plugins.c.name == row.name))
    connection.execute(insert(plugins).values(**row.model_dump()))


def unseal(connection: Connection, job_id: int) -> None:
    """Release what the job's seal kept back from the log."""
    outbox = table(OutboxRow)
    connection.execute(
        update(outbox).where(outbox.c.job_id == job_id, outbox.c.sealed).values(sealed=False)
    )


def drop_duplicate_outputs(connection: Connection, workunit_ids: Sequence[int]) -> None:
    """Drop outputs equal to their work unit's canonical one, where its own bytes are kept; their
    digests stay."""
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
            chosen.c.output.is_not(None),
        )
        .values(output=None)
    )


def forget_secrets(connection: Connection, job_id: int) -> None:
    """Delete what an ended job's spec kept secret."""
    rows = table(SecretRow)
    connection.execute(delete(rows).where(rows.c.job_id == job_id))


def forget_idempotency_before(connection: Connection, time: int) -> int:
    """Forget answers kept for retries that will not come any more; how many."""
    rows = table(IdempotencyRow)
    return connection.execute(delete(rows).where(rows.c.created_at < time)).rowcount
