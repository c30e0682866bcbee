"""This file is where equal answers are counted, in the modes that count.

BOINC accepts an answer with floor(min_quorum/2)+1 copies. Here `min_quorum` equal answers from
different principals are needed, and no other answer may have as many; answers are grouped by the
job type's comparator, so the order in which they came never matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grid.items import Policy, Result

#: Answer → the results that gave it, earliest first.
Groups = dict[str, list[Result]]


def groups(answers: Sequence[Result], keys: Mapping[int, str]) -> Groups:
    """Answers, given earliest first, by their keys."""
    grouped: Groups = {}
    for one in answers:
        grouped.setdefault(keys[one.id], []).append(one)
    return grouped


def votes(group: Sequence[Result]) -> int:
    """How many different principals stand behind an answer."""
    return len({result.principal_id for result in group})


def winner(
    answers: Sequence[Result], keys: Mapping[int, str], policy: Policy
) -> list[Result] | None:
    """The group that quorum chose, or None."""
    grouped = sorted(groups(answers, keys).values(), key=votes, reverse=True)
    if not grouped or votes(grouped[0]) < policy.min_quorum:
        return None
    tied = len(grouped) > 1 and votes(grouped[1]) == votes(grouped[0])
    return None if tied else grouped[0]


def wanted(answers: Sequence[Result], keys: Mapping[int, str], policy: Policy) -> int:
    """How many more answers it takes until the leading one can win."""
    counts = sorted((votes(group) for group in groups(answers, keys).values()), reverse=True)
    best, second = (*counts, 0, 0)[:2]
    return max(policy.min_quorum - best, 1 if best == second and best else 0)
