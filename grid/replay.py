"""This file is where today's rules judge a recorded log again: same verdicts, or the first
difference.

It uses the log alone. A `verdict` entry holds every fact its verdict used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from grid.auditlog.entries import SCHEMA, EntryKind
from grid.comparators import by_digest
from grid.items import Json, Mode, Policy, Result, WorkUnit
from grid.states import Outcome, ServerState, ValidateState
from grid.transition import Entity, Transition, after
from grid.validator import quorum


class Difference(Struct, frozen=True, kw_only=True):
    """Where today's rules would have decided otherwise."""

    #: Place of the entry in what was replayed, from 0.
    place: int
    logged: Json
    today: Json


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


def _judge_again(facts: Mapping[str, Json]) -> Json:
    unit = _unit(facts)
    verdict = quorum.decide(unit, by_digest)
    judged = after(unit, verdict, next_id=0)
    chosen = next((one for one in judged.results if one.id == judged.canonical_result_id), None)
    if not any(isinstance(one, Transition) and one.entity is Entity.WORKUNIT for one in verdict):
        chosen = None
    return {
        "canonical": None if chosen is None else chosen.output_digest,
        "votes": [str(result.validate_state) for result in judged.results],
    }


def _unit(facts: Mapping[str, Json]) -> WorkUnit:
    principals: dict[str, int] = {}
    results = tuple(
        Result(
            id=place,
            workunit_id=0,
            job_id=0,
            server_state=ServerState.OVER,
            outcome=Outcome.SUCCESS,
            validate_state=ValidateState.INIT,
            principal_id=principals.setdefault(vote["principal"], len(principals)),
            received_at=place,
            output_digest=vote["output"],
        )
        for place, vote in enumerate(facts["votes"])
    )
    rule = facts["rule"]
    return WorkUnit(
        id=0,
        job_id=0,
        ordinal=facts["work_unit"],
        first_chunk=facts["first_chunk"],
        chunk_count=facts["chunks"],
        policy=Policy(mode=Mode(rule["mode"]), min_quorum=rule["quorum"]),
        results=results,
    )
