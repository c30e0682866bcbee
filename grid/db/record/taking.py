"""This file is where leaves of the log are taken into the public record, each once, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from grid.auditlog.entries import EntryKind
from grid.auditlog.leaves import unpacked
from grid.db.record.schema import entry, job, output, progress, verdict, vote

Facts = Mapping[str, Any]

#: Kinds whose facts stand in tables of their own, or say nothing more than that they are there.
ELSEWHERE = {EntryKind.VERDICT, EntryKind.COMMIT, EntryKind.CREDIT}
#: Columns of a vote under the names that they have in the log.
VOTE = (
    "salt", "work_unit", "principal", "output", "validate_state", "credit", "checks2", "engine",
    "believed2",
)  # fmt: skip


def taken(connection: Connection) -> int:
    """How many leaves the record holds."""
    found = connection.scalar(select(progress.c.leaves))
    return 0 if found is None else int(found)


def take(connection: Connection, first: int, leaves: Sequence[bytes]) -> None:
    """Take some leaves, the first of which is number `first`."""
    for number, leaf in enumerate(leaves, first):
        for place, (kind, facts) in enumerate(unpacked(leaf)):
            _entry(connection, number, place, kind, facts)
            _SAID.get(EntryKind(kind), _nothing)(connection, number, place, facts)
    row = {"only": 1, "leaves": first + len(leaves)}
    connection.execute(insert(progress).prefix_with("OR REPLACE").values(row))


def _entry(connection: Connection, leaf: int, place: int, kind: str, facts: Facts) -> None:
    text = None if kind in ELSEWHERE else msgspec.json.encode(facts).decode()
    row = {
        "leaf": leaf,
        "place": place,
        "kind": kind,
        "job": facts.get("job"),
        "work_unit": facts.get("work_unit"),
        "minute": facts.get("minute"),
        "facts": text,
    }
    connection.execute(entry.insert().values(row))


def _job(connection: Connection, leaf: int, _place: int, facts: Facts) -> None:
    event, name = facts.get("event"), facts["job"]
    if event != "submitted":
        changed = {"state": event, "because": facts.get("because")}
        connection.execute(job.update().where(job.c.job == name).values(changed))
        return
    policy = facts["policy"]
    data = facts.get("data") or {}
    row = {
        **{one: facts.get(one) for one in _OF_JOB},
        "data_root": data.get("root"),
        "mode": policy["mode"],
        "min_quorum": policy["min_quorum"],
        "target_error_ppb": policy["target_error_ppb"],
        "state": "submitted",
        "submitted_minute": facts["minute"],
        "leaf": leaf,
    }
    connection.execute(insert(job).on_conflict_do_nothing().values(row))


_OF_JOB = (
    "job", "job_type", "version", "job_type_digest", "spec_digest", "source_digest", "work_units",
    "seed_commitment",
)  # fmt: skip


def _program(connection: Connection, _leaf: int, _place: int, facts: Facts) -> None:
    known = job.c.job == facts["job"]
    connection.execute(job.update().where(known).values(program=facts["program"]))


def _reveal(connection: Connection, _leaf: int, _place: int, facts: Facts) -> None:
    known = job.c.job == facts["job"]
    connection.execute(job.update().where(known).values(seed=facts["seed"]))


def _output(connection: Connection, leaf: int, _place: int, facts: Facts) -> None:
    row = {
        "job": facts["job"],
        "version": facts["output_version"],
        "manifest": facts["manifest"],
        "minute": facts["minute"],
        "leaf": leaf,
    }
    connection.execute(insert(output).prefix_with("OR REPLACE").values(row))


def _retract(connection: Connection, _leaf: int, _place: int, facts: Facts) -> None:
    here = (verdict.c.job == facts["job"]) & (verdict.c.work_unit == facts["work_unit"])
    connection.execute(verdict.update().where(here).values(stands=0))


def _verdict(connection: Connection, leaf: int, place: int, facts: Facts) -> None:
    if "votes" not in facts:
        return  # too long for a leaf: the entry names its digest
    _retract(connection, leaf, place, facts)
    row = {
        "job": facts["job"],
        "work_unit": facts["work_unit"],
        "leaf": leaf,
        "place": place,
        "canonical": facts["canonical"],
        "support": facts["support"],
        "first_chunk": facts["first_chunk"],
        "chunks": facts["chunks"],
        "error_mask": " ".join(facts["error_mask"]) or None,
        "stands": 1,
    }
    connection.execute(verdict.insert().values(row))
    _votes(connection, leaf, facts["job"], facts["votes"])


def _credit(connection: Connection, leaf: int, _place: int, facts: Facts) -> None:
    _votes(connection, leaf, facts["job"], [facts])


def _votes(connection: Connection, leaf: int, name: str, votes: Iterable[Facts]) -> None:
    rows = [
        {
            **{one: said.get(one) for one in VOTE},
            "job": name,
            "lied": int(said["lied"]),
            "trusted": int(said.get("trusted", False)),
            "leaf": leaf,
        }
        for said in votes
    ]
    for row in rows:
        known = {one: value for one, value in row.items() if value is not None}
        statement = insert(vote).values(row)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["job", "salt"], set_=known)
        )


def _nothing(_connection: Connection, _leaf: int, _place: int, _facts: Facts) -> None:
    """Its entry says it all."""


_SAID = {
    EntryKind.JOB: _job,
    EntryKind.PROGRAM: _program,
    EntryKind.REVEAL: _reveal,
    EntryKind.OUTPUT: _output,
    EntryKind.RETRACT: _retract,
    EntryKind.VERDICT: _verdict,
    EntryKind.CREDIT: _credit,
}
