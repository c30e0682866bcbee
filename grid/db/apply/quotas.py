"""This file is where buckets of hosts and principals change, by the rule in `dispatch.quota`.

What changes them is read off the transitions themselves, so that nothing can be sent or judged
without being counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, literal_column, select, union_all
from sqlalchemy import update as sql_update
from sqlalchemy.sql.selectable import FromClause

from grid.db.apply.sets import given, spelled
from grid.db.prepared import Prepared
from grid.db.tables import HostRow, ResultRow, table
from grid.dispatch.quota import HOST_QUOTA, MILLI, PRINCIPAL_QUOTA, REFILL_S, Quota
from grid.states import Outcome, ServerState, ValidateState
from grid.transition import Entity, Instruction, Transition

HOST, RESULT = table(HostRow), table(ResultRow)

#: Ends of a result that lower a quota: errors, and silence.
BAD_OUTCOMES = frozenset({Outcome.CLIENT_ERROR, Outcome.VALIDATE_ERROR, Outcome.NO_REPLY})


def count(connection: Connection, batch: Sequence[Instruction], now: int) -> None:
    """Let buckets change by what this batch sends, finds valid, and finds bad."""
    hosts: Counter[int] = Counter()
    groups: Counter[int] = Counter()
    verdicts: list[tuple[int, int, int]] = []
    for one in batch:
        if not isinstance(one, Transition) or one.entity is not Entity.RESULT:
            continue
        if one.after.get("server_state") is ServerState.IN_PROGRESS:
            if "host_id" not in one.after:  # the server computes it
                continue
            hosts[one.after["host_id"]] += 1
            groups[one.after["principal_id"]] += 1
            continue
        valid, bad = _judged(one)
        if valid or bad:
            verdicts.append((one.id, valid, bad))
    if hosts:
        sent = [(number, hosts[number], groups[number]) for number in {*hosts, *groups}]
        _SENT.rows(connection, rows=spelled(sent), now=now)
    if verdicts:
        _JUDGED.rows(connection, rows=spelled(verdicts), now=now)


def _judged(one: Transition) -> tuple[int, int]:
    state = one.after.get("validate_state")
    if state is not None and state == one.before.get("validate_state"):
        state = None
    bad = (state == ValidateState.INVALID) + (one.after.get("outcome") in BAD_OUTCOMES)
    return int(state == ValidateState.VALID), bad


def _number(value: int) -> ColumnElement[Any]:
    return literal_column(str(value))


def _changed(
    prefix: str, quota: Quota, sent: Any, valid: Any, bad: Any
) -> dict[str, ColumnElement[Any]]:
    """`dispatch.quota.changed`, as SQL."""
    size, left, at = (HOST.c[f"{prefix}{name}"] for name in ("quota", "left_milli", "left_at"))
    milli = _number(MILLI)
    now: ColumnElement[Any] = bindparam("now")
    kept = size.op(">>")(func.min(bad * _number(quota.halvings), _number(60)))
    grown = kept + valid * _number(quota.rise) - bad * _number(quota.fall)
    new = func.min(func.max(grown, _number(quota.least)), _number(quota.most))
    waited_s = func.min(func.max(now - at, _number(0)), _number(REFILL_S))
    gained = (waited_s * size * milli).op("/")(_number(REFILL_S))
    filled = func.min(left + gained, size * milli)
    rest = func.max(filled + (valid - sent) * milli, _number(0))
    return {
        f"{prefix}quota": new,
        f"{prefix}left_milli": func.min(rest, new * milli),
        f"{prefix}left_at": now,
    }


def _update(changes: FromClause) -> Prepared:
    """Change every host by its row of `changes`: id, and how many were sent, valid, bad."""
    spots = [changes.c[name] for name in ("sent", "valid", "bad")]
    groups = [changes.c[f"group_{name}"] for name in ("sent", "valid", "bad")]
    values = {
        **_changed("", HOST_QUOTA, *spots),
        **_changed("group_", PRINCIPAL_QUOTA, *groups),
    }
    return Prepared(sql_update(HOST).where(HOST.c.id == changes.c.id).values(values))


def _sent() -> Prepared:
    spot, none = given(), _number(0)
    return _update(
        select(
            spot(0).label("id"),
            spot(1).label("sent"),
            none.label("valid"),
            none.label("bad"),
            spot(2).label("group_sent"),
            none.label("group_valid"),
            none.label("group_bad"),
        ).subquery("changes")
    )


def _by_result() -> Prepared:
    spot, none = given(), _number(0)
    said = select(spot(0).label("id"), spot(1).label("valid"), spot(2).label("bad")).subquery(
        "said"
    )
    found = RESULT.join(said, said.c.id == RESULT.c.id)
    valid, bad = said.c.valid, said.c.bad
    each = union_all(
        select(
            RESULT.c.host_id.label("id"),
            valid.label("valid"),
            bad.label("bad"),
            none.label("group_valid"),
            none.label("group_bad"),
        ).select_from(found),
        select(RESULT.c.principal_id, none, none, valid, bad).select_from(found),
    ).subquery("each")
    names = ("valid", "bad", "group_valid", "group_bad")
    return _update(
        select(
            each.c.id,
            none.label("sent"),
            none.label("group_sent"),
            *(func.sum(each.c[name]).label(name) for name in names),
        )
        .where(each.c.id.is_not(None))
        .group_by(each.c.id)
        .subquery("changes")
    )


_SENT = _sent()
_JUDGED = _by_result()
