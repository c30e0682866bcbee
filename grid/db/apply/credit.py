"""This file is where sums of credit are written: read off what a batch grants, never given.

While a job's seal is shut, what its hosts were granted stands apart, for whoever saw it grow could
tell which answers agreed. When the seal opens it is added to hosts, volunteers and teams.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlmodel import SQLModel

from grid.db.apply.answers import Answer
from grid.db.apply.sets import Each, Spot
from grid.db.dialects import greatest
from grid.db.prepared import Prepared
from grid.db.tables import (
    HostRow,
    JobTypeCostRow,
    ResultRow,
    SealedCreditRow,
    TeamRow,
    VolunteerRow,
    table,
)
from grid.db.texts import pairs
from grid.states import Outcome
from grid.transition import Entity, Transition
from grid.validator.credit import weight

HOST, PEOPLE, TEAM = table(HostRow), table(VolunteerRow), table(TeamRow)
RESULT, SEALED = table(ResultRow), table(SealedCreditRow)


class Grants(Struct):
    """What a batch grants, takes back, and unseals."""

    #: Result → how much more it has than before.
    granted: dict[int, int]
    #: Results that are answers from now on.
    returned: set[int]
    #: Jobs whose seal opens.
    opened: list[int]

    @property
    def results(self) -> set[int]:
        """Results that change sums."""
        return self.granted.keys() | self.returned


class _Kept(Struct):
    """What the seal kept back of one host."""

    host_id: int
    volunteer_id: int
    team_id: int | None
    credit: int
    recent: float


class _Sums:
    """Differences, by the table and the row whose sums they change."""

    def __init__(self) -> None:
        self.hosts: dict[int, list[float]] = defaultdict(lambda: [0, 0.0])
        self.volunteers: dict[int, list[float]] = defaultdict(lambda: [0, 0.0])
        self.teams: dict[int, list[float]] = defaultdict(lambda: [0, 0.0])

    def add(self, one: Answer | _Kept, credit: int, recent: float) -> None:
        parts = [self.hosts[one.host_id], self.volunteers[one.volunteer_id]]
        if one.team_id is not None:
            parts.append(self.teams[one.team_id])
        for part in parts:
            part[0] += credit
            part[1] += recent

    def write(self, connection: Connection) -> None:
        _add(connection, HostRow, self.hosts)
        _add(connection, VolunteerRow, self.volunteers)
        _add(connection, TeamRow, self.teams)


def grants(moves: Iterable[Transition]) -> Grants:
    """What these transitions mean for sums."""
    found = Grants({}, set(), [])
    for one in moves:
        if one.entity is Entity.JOB and one.after.get("seal_opened_at") is not None:
            found.opened.append(one.id)
        elif one.entity is Entity.RESULT:
            if "credit" in one.after:
                found.granted[one.id] = one.after["credit"] - one.before["credit"]
            if one.after.get("outcome") == Outcome.SUCCESS:
                found.returned.add(one.id)
    return found


def write(connection: Connection, found: Grants, whose: Sequence[Answer]) -> None:
    """Let sums change by what was found."""
    _grant(connection, found, whose)
    for job_id in found.opened:
        _open(connection, job_id)


def set_team(connection: Connection, volunteer_id: int, team_id: int | None) -> None:
    """Let a volunteer change its team; what it has goes along, and an empty team is gone."""
    row = connection.execute(
        select(PEOPLE.c.team_id, PEOPLE.c.credit, PEOPLE.c.recent).where(
            PEOPLE.c.id == volunteer_id
        )
    ).one()
    if row.team_id == team_id:
        return
    if row.team_id is not None:
        _add(connection, TeamRow, {row.team_id: [-row.credit, -row.recent]})
    if team_id is not None:
        _add(connection, TeamRow, {team_id: [row.credit, row.recent]})
    connection.execute(update(PEOPLE).where(PEOPLE.c.id == volunteer_id).values(team_id=team_id))
    if row.team_id is not None:
        members = select(PEOPLE.c.id).where(PEOPLE.c.team_id == TEAM.c.id)
        connection.execute(delete(TEAM).where(TEAM.c.id == row.team_id, ~members.exists()))


def set_name(connection: Connection, volunteer_id: int, name: str | None) -> None:
    """Note what a volunteer wants to be called in public."""
    connection.execute(update(PEOPLE).where(PEOPLE.c.id == volunteer_id).values(name=name))


def set_program_ms(connection: Connection, result_id: int, program_ms: int) -> None:
    """Note what the program took the server's own engine."""
    changed = update(RESULT).where(RESULT.c.id == result_id).values(program_ms=program_ms)
    connection.execute(changed)


def set_costs(connection: Connection, costs: Mapping[str, int], now: int) -> None:
    """Note what a unit of job types' declared cost takes, by the digest of their folder."""
    rows = table(JobTypeCostRow)
    for digest, cost_ps in costs.items():
        connection.execute(delete(rows).where(rows.c.job_type_digest == digest))
        connection.execute(
            insert(rows).values(job_type_digest=digest, cost_ps=cost_ps, measured_at=now)
        )


def _grant(connection: Connection, found: Grants, whose: Sequence[Answer]) -> None:
    sums = _Sums()
    sealed: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0, 0, 0.0])
    for one in whose:
        credit, returned = found.granted.get(one.id, 0), one.id in found.returned
        if not credit and not returned:
            continue
        recent = credit * weight(one.received_at or 0)
        if one.opened:
            sums.add(one, credit, recent)
            continue
        kept = sealed[one.job_id, one.host_id]
        kept[0] += one.worth if returned and not one.own else 0
        kept[1] += credit
        kept[2] += recent
    if sealed:
        _KEEP.run(connection, [(*key, *kept) for key, kept in sealed.items()])
    sums.write(connection)


def _open(connection: Connection, job_id: int) -> None:
    sums = _Sums()
    for one in _kept_decoder.decode(_KEPT.scalar(connection, job=job_id)):
        if one.credit:
            sums.add(one, one.credit, one.recent)
    sums.write(connection)
    connection.execute(delete(SEALED).where(SEALED.c.job_id == job_id))


def _add(
    connection: Connection, model: type[SQLModel], changes: Mapping[int, Sequence[float]]
) -> None:
    rows = [(number, *changed) for number, changed in sorted(changes.items()) if any(changed)]
    if rows:
        _ADD[model].run(connection, rows)


def _adding(model: type[SQLModel]) -> Each:
    rows = table(model)

    def make(spot: Spot) -> ClauseElement:
        credit = rows.c.credit + spot(1)
        # What is left of weights when all was taken back is nothing but rounding.
        recent = case((credit > 0, greatest(rows.c.recent + spot(2), 0.0)), else_=0.0)
        return update(rows).where(rows.c.id == spot(0)).values(credit=credit, recent=recent)

    return Each([int, int, float], make)


def _keep() -> Each:
    fields = ["job_id", "host_id", "returned", "credit", "recent"]

    def make(spot: Spot) -> ClauseElement:
        spots = [spot(place) for place in range(len(fields))]
        new = upsert(SEALED).from_select(fields, select(*spots).where(literal_column("1 = 1")))
        sums = {name: SEALED.c[name] + new.excluded[name] for name in fields[2:]}
        return new.on_conflict_do_update(index_elements=fields[:2], set_=sums)

    return Each([int, int, int, int, float], make)


def _kept() -> Select[tuple[str]]:
    fields: dict[str, ColumnElement[Any]] = {
        "host_id": HOST.c.id,
        "volunteer_id": PEOPLE.c.id,
        "team_id": PEOPLE.c.team_id,
        "credit": SEALED.c.credit,
        "recent": SEALED.c.recent,
    }
    found = SEALED.join(HOST, HOST.c.id == SEALED.c.host_id).join(
        PEOPLE, PEOPLE.c.id == HOST.c.volunteer_id
    )
    return (
        select(func.json_group_array(pairs(fields)))
        .select_from(found)
        .where(SEALED.c.job_id == bindparam("job"))
    )


_ADD: Mapping[type[SQLModel], Each] = {
    model: _adding(model) for model in (HostRow, VolunteerRow, TeamRow)
}
_KEEP = _keep()
_KEPT = Prepared(_kept())
_kept_decoder = msgspec.json.Decoder(list[_Kept])
