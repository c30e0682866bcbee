"""This file is where credit is added up from the log alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from grid.auditlog.entries import EntryKind
from grid.items import Json


def granted(entries: Iterable[tuple[str, Mapping[str, Json]]]) -> dict[tuple[str, str], int]:
    """(job, pseudonym) → millionths of a credit, from `(kind, facts)` pairs in the log's order.

    A `verdict` says what each answer of a work unit is granted, a `credit` entry what one is
    granted from then on, and a `retract` takes back all that its verdict granted. Whoever was
    granted nothing is left out.
    """
    units: dict[tuple[str, int], dict[str, tuple[str, int]]] = defaultdict(dict)
    for kind, facts in entries:
        if kind == EntryKind.VERDICT:
            votes = facts["votes"]
        elif kind == EntryKind.CREDIT:
            votes = [facts]
        elif kind == EntryKind.RETRACT:
            units.pop((facts["job"], facts["work_unit"]), None)
            continue
        else:
            continue
        # The salt tells answers apart: a principal may have given two, one of them late.
        said = {vote["salt"]: (vote["principal"], vote["credit"]) for vote in votes}
        units[facts["job"], facts["work_unit"]] |= said
    total: Counter[tuple[str, str]] = Counter()
    for (job, _), answers in units.items():
        for principal, credit in answers.values():
            total[job, principal] += credit
    return {whose: credit for whose, credit in total.items() if credit}
