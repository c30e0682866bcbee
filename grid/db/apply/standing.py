"""This file is where volunteers' standings and engines' quarantines are written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, delete, func, insert, literal, literal_column, select, update

from grid.db.apply.sets import Each
from grid.db.dialects import greatest
from grid.db.tables import QuarantineRow, ResultRow, ReviewRow, VolunteerRow, spelled, table
from grid.states import ValidateState
from grid.transition import Adjust, Quarantine


def adjust(connection: Connection, changes: Sequence[Adjust], now: int) -> None:
    """Change standings, in the order of their ids: differences never lock each other out."""
    sums: dict[int, tuple[int, int, int]] = {}
    others: list[Adjust] = []
    for one in changes:
        if one.reset or one.ban or one.checks2 < 0:
            others.append(one)
            continue
        had = sums.get(one.volunteer_id, (0, 0, 0))
        sums[one.volunteer_id] = (
            had[0] + one.checks2,
            had[1] + one.compared,
            had[2] + one.lies,
        )
    if sums:
        # Whoever was merely compared once more is believed as before.
        rows = [
            (number, checks2, compared, lies, int(bool(checks2 or lies)))
            for number, (checks2, compared, lies) in sorted(sums.items())
        ]
        _raise_standings().run(connection, rows)
    _adjust_singly(connection, others, now)


@lru_cache(maxsize=1)
def _raise_standings() -> Each:
    people = table(VolunteerRow)
    return Each(
        [int] * 5,
        lambda spot: (
            update(people)
            .where(people.c.id == spot(0))
            .values(
                checks2=people.c.checks2 + spot(1),
                compared=people.c.compared + spot(2),
                lies=people.c.lies + spot(3),
                moved=greatest(people.c.moved, spot(4)),
            )
        ),
    )


def _adjust_singly(connection: Connection, changes: Sequence[Adjust], now: int) -> None:
    people = table(VolunteerRow)
    for one in sorted(changes, key=lambda change: change.volunteer_id):
        base = literal(0) if one.reset else people.c.checks2
        values: dict[str, Any] = {
            "checks2": greatest(base + one.checks2, 0),
            "compared": people.c.compared + one.compared,
            "lies": people.c.lies + one.lies,
            "moved": greatest(people.c.moved, 2 if one.reset or one.ban else 1),
        }
        if one.reset or one.ban:
            values["moved_from"] = 0
        if one.ban:
            values |= {
                "banned_at": func.coalesce(people.c.banned_at, now),
                "ban_reason": func.coalesce(people.c.ban_reason, one.ban),
            }
        connection.execute(update(people).where(people.c.id == one.volunteer_id).values(values))


def clear_moved(connection: Connection, volunteer_ids: Sequence[int]) -> None:
    """These volunteers' standings have taken effect."""
    people = table(VolunteerRow)
    connection.execute(
        update(people).where(people.c.id.in_(volunteer_ids)).values(moved=0, moved_from=0)
    )


def set_moved_from(connection: Connection, volunteer_id: int, workunit_id: int) -> None:
    """It has taken effect up to this work unit."""
    people = table(VolunteerRow)
    connection.execute(
        update(people).where(people.c.id == volunteer_id).values(moved_from=workunit_id)
    )


def clear_unmoved(connection: Connection) -> int:
    """Whoever is believed more, and nothing waits on it: that has taken effect; for how many
    (volunteer_moved, result_volunteer)."""
    people, results = table(VolunteerRow), table(ResultRow)
    waits = (
        select(results.c.id)
        .where(
            results.c.volunteer_id == people.c.id,
            results.c.validate_state.in_(
                [spelled(ValidateState.INCONCLUSIVE), spelled(ValidateState.VOID)]
            ),
        )
        .exists()
    )
    hopeful = people.c.moved > literal_column("0"), people.c.moved == literal_column("1")
    changed = update(people).where(*hopeful, ~waits)
    return connection.execute(changed.values(moved=0, moved_from=0)).rowcount


def lift_ban(connection: Connection, volunteer_id: int) -> bool:
    """An appeal was granted: lies are forgotten, checks start anew; False when not banned."""
    people = table(VolunteerRow)
    changed = connection.execute(
        update(people)
        .where(people.c.id == volunteer_id, people.c.banned_at.is_not(None))
        .values(banned_at=None, ban_reason=None, checks2=0, lies=0, moved=2, moved_from=0)
    )
    return changed.rowcount == 1


def ban(connection: Connection, volunteer_id: int, reason: str, now: int) -> bool:
    """An admin shuts a volunteer out; False when it is banned already."""
    people = table(VolunteerRow)
    changed = connection.execute(
        update(people)
        .where(people.c.id == volunteer_id, people.c.banned_at.is_(None))
        .values(banned_at=now, ban_reason=reason, moved=2, moved_from=0)
    )
    return changed.rowcount == 1


def quarantine(connection: Connection, changes: Sequence[Quarantine], now: int) -> None:
    """Suspect or clear engines; what they answered is to be settled again."""
    rows, reviews = table(QuarantineRow), table(ReviewRow)
    for one in changes:
        connection.execute(
            delete(rows).where(rows.c.job_id == one.job_id, rows.c.engine == one.engine)
        )
        if not one.lift:
            connection.execute(
                insert(rows).values(
                    job_id=one.job_id,
                    engine=one.engine,
                    cause=one.cause,
                    convicted=one.convict,
                    since=now,
                )
            )
        move_review(connection, one.job_id, one.engine, None)
        connection.execute(insert(reviews).values(job_id=one.job_id, engine=one.engine, ordinal=-1))


def move_review(connection: Connection, job_id: int, engine: str, ordinal: int | None) -> None:
    """A job's answers of an engine are settled up to this work unit; all of them for None."""
    rows = table(ReviewRow)
    which = (rows.c.job_id == job_id) & (rows.c.engine == engine)
    if ordinal is None:
        connection.execute(delete(rows).where(which))
    else:
        connection.execute(update(rows).where(which).values(ordinal=ordinal))
