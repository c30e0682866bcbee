"""This file is where today's rules judge a recorded log again: same verdicts, or the first
difference.

It uses the log alone. A `verdict` entry holds every fact its verdict used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from grid.auditlog.entries import SCHEMA, EntryKind
from grid.items import Json, Mode, Policy, Result, Standing, WorkUnit
from grid.states import Outcome, Purpose, ServerState, Support, ValidateState
from grid.validator.ruling import verdict
from grid.validator.snapshot import Snapshot


class Difference(Struct, frozen=True, kw_only=True):
    """Where today's rules would have decided otherwise."""

    #: Place of the entry in what was replayed, from 0.
    place: int
    logged: Json
    today: Json


class Recorded(Struct, frozen=True, kw_only=True):
    """One line of a recorded history."""

    kind: str
    facts: dict[str, Json]


def replay(entries: Iterable[tuple[str, Mapping[str, Json]]]) -> Difference | None:
    """Judge every verdict in `(kind, facts)` pairs again; None when all are the same.

    Raises ValueError for an entry of a schema this version does not know.
    """
    for place, (kind, facts) in enumerate(entries):
        if facts["schema"] != SCHEMA:
            raise ValueError(f"entry {place}: schema {facts['schema']}; this is schema {SCHEMA}")
        if kind != EntryKind.VERDICT or facts["canonical"] is None:
            continue
        today = _judge_again(facts)
        logged = {
            "canonical": facts["canonical"],
            "votes": [vote["validate_state"] for vote in facts["votes"]],
        }
        if today != logged:
            return Difference(place=place, logged=logged, today=today)
    return None


def histories(text: str) -> Difference | int:
    """Judge a recorded history again, JSON lines of `kind` and `facts`; how many verdicts it holds
    when all are the same.

    Raises ValueError, which names the line, for what is no history or of another schema.
    """
    verdicts = 0
    for place, line in enumerate(text.splitlines()):
        try:
            one = msgspec.json.decode(line, type=Recorded)
            different = replay([(one.kind, one.facts)])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"line {place + 1} is no entry: {error!r}") from error
        if different is not None:
            return Difference(place=place, logged=different.logged, today=different.today)
        verdicts += one.kind == EntryKind.VERDICT
    return verdicts


def _judge_again(facts: Mapping[str, Json]) -> Json:
    unit, standings = _unit(facts)
    keys = {
        place: vote.get("like", vote["output"]) or "" for place, vote in enumerate(facts["votes"])
    }
    chosen = verdict(unit, keys, standings, Support(facts["support"]))
    return {
        "canonical": chosen,
        "votes": [_state(one, keys[one.id], chosen) for one in unit.results],
    }


def _state(one: Result, key: str, chosen: str | None) -> str:
    if one.validate_state is ValidateState.VOID:
        return str(one.validate_state)
    if chosen is None:
        return str(ValidateState.INCONCLUSIVE)
    return str(ValidateState.VALID if key == chosen else ValidateState.INVALID)


def _unit(facts: Mapping[str, Json]) -> tuple[WorkUnit, Snapshot]:
    principals: dict[str, int] = {}
    results, standings = [], {}
    for place, vote in enumerate(facts["votes"]):
        state = ValidateState(vote["validate_state"])
        void = state is ValidateState.VOID
        results.append(
            Result(
                id=place,
                workunit_id=0,
                job_id=0,
                purpose=Purpose.TRUSTED if vote["trusted"] else Purpose.COPY,
                server_state=ServerState.OVER,
                outcome=Outcome.SUCCESS,
                validate_state=state if void else ValidateState.INIT,
                principal_id=principals.setdefault(vote["principal"], len(principals)),
                volunteer_id=place,
                engine=vote["engine"],
                received_at=place,
                output_digest=vote["output"],
            )
        )
        standings[place] = Standing(volunteer_id=place, checks2=vote["believed2"])
    rule = facts["rule"]
    unit = WorkUnit(
        id=0,
        job_id=0,
        ordinal=facts["work_unit"],
        first_chunk=facts["first_chunk"],
        chunk_count=facts["chunks"],
        policy=Policy(
            mode=Mode(rule["mode"]),
            min_quorum=rule["quorum"],
            target_error_ppb=rule["target_error_ppb"],
            min_engines=rule["min_engines"],
        ),
        results=tuple(results),
    )
    return unit, Snapshot(standings=standings)
