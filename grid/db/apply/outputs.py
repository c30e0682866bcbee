"""This file is where it is written which outputs were put before their reports."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from grid.db.tables import PutOutputRow, ResultRow, table

PUT, RESULT = table(PutOutputRow), table(ResultRow)


def drop_unreported(connection: Connection, workunit_ids: Sequence[int]) -> list[str]:
    """Drop what was put under results of these work units and is not what they reported; digests
    that nothing refers to any more (result_workunit, put_output_digest)."""
    mine = RESULT.c.workunit_id.in_(workunit_ids)
    reported = select(RESULT.c.output_digest).where(RESULT.c.id == PUT.c.result_id)
    gone = connection.scalars(
        delete(PUT)
        .where(
            PUT.c.result_id.in_(select(RESULT.c.id).where(mine)),
            PUT.c.digest.is_distinct_from(reported.scalar_subquery()),
        )
        .returning(PUT.c.digest)
    ).all()
    kept = set(connection.scalars(select(PUT.c.digest).where(PUT.c.digest.in_(gone))))
    return sorted(set(gone) - kept)
