"""This file is where buckets of hosts and principals change, by the rule in `dispatch.quota`.

What changes them is read off the transitions themselves, so that nothing can be sent or judged
without being counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    ClauseElement,
    ColumnElement,
    Connection,
    SmallInteger,
    bindparam,
    cast,
    literal_column,
)
from sqlalchemy import update as sql_update

from grid.db.apply.answers import Answer
from grid.db.apply.sets import Each, Spot
from grid.db.dialects import greatest, least
from grid.db.tables import HostRow, table
from grid.dispatch.quota import HOST_QUOTA, MILLI, PRINCIPAL_QUOTA, REFILL_S, Quota
from grid.states import Outcome, ServerState, ValidateState
from grid.transition import Entity, Transition

HOST = table(HostRow)

#: Ends of a result that lower a quota: errors, and silence.
BAD_OUTCOMES = frozenset({Outcome.CLIENT_ERROR, Outcome.VALIDATE_ERROR, Outcome.NO_REPLY})

#: Places in a bucket's counts; those of the principal's bucket follow the host's own.
SENT, VALID, BAD = range(3)


class Tally(Struct):
    """What a batch sends, and which results it finds valid, or bad."""

    #: (host, principal) of each result that is sent.
    sent: list[tuple[int, int]]
    #: Result → whether it turns valid, and how many faults it is found to have.
    judged: dict[int, tuple[int, int]]


def tally(moves: Iterable[Transition]) -> Tally:
    """What these transitions mean for buckets."""
    found = Tally([], {})
    for one in moves:
        if one.entity is not Entity.RESULT:
            continue
        if one.after.get("server_state") is ServerState.IN_PROGRESS:
            if "host_id" in one.after:  # otherwise the server computes it
                found.sent.append((one.after["host_id"], one.after["principal_id"]))
            continue
        valid, bad = _judged(one)
        if valid or bad:
            found.judged[one.id] = valid, bad
    return found


def write(connection: Connection, found: Tally, whose: Sequence[Answer], now: int) -> None:
    """Let buckets change by what was found."""
    changes: dict[int, list[int]] = defaultdict(lambda: [0] * 6)
    for host, principal in found.sent:
        changes[host][SENT] += 1
        changes[principal][3 + SENT] += 1
    for one in whose:
        valid, bad = found.judged.get(one.id, (0, 0))
        for counts, first in ((changes[one.host_id], 0), (changes[one.principal_id], 3)):
            counts[first + VALID] += valid
            counts[first + BAD] += bad
    rows = [(number, *counts) for number, counts in changes.items() if any(counts)]
    if rows:
        _CHANGE.run(connection, rows, now=now)


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
    now: ColumnElement[Any] = bindparam("now", type_=BigInteger())
    kept = size.op(">>")(cast(least(bad * _number(quota.halvings), _number(60)), SmallInteger))
    grown = kept + valid * _number(quota.rise) - bad * _number(quota.fall)
    new = least(greatest(grown, _number(quota.least)), _number(quota.most))
    waited_s = least(greatest(now - at, _number(0)), _number(REFILL_S))
    gained = (waited_s * size * milli).op("/")(_number(REFILL_S))
    filled = least(left + gained, size * milli)
    rest = greatest(filled + (valid - sent) * milli, _number(0))
    return {
        f"{prefix}quota": new,
        f"{prefix}left_milli": least(rest, new * milli),
        f"{prefix}left_at": now,
    }


def _change(spot: Spot) -> ClauseElement:
    """A host's own bucket, and the one that is kept with it for the principal it stands for."""
    values = {
        **_changed("", HOST_QUOTA, *(spot(1 + place) for place in (SENT, VALID, BAD))),
        **_changed("group_", PRINCIPAL_QUOTA, *(spot(4 + place) for place in (SENT, VALID, BAD))),
    }
    return sql_update(HOST).where(HOST.c.id == spot(0)).values(values)


_CHANGE = Each([int] * 7, _change)
