"""This file is where it stands what an audit found: what holds, what not, what is open."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Mark(StrEnum):
    """What became of one check."""

    HOLDS = "holds"
    FAILS = "fails"
    #: Neither: what it needs is not there, or was rightly taken away. `said` says what.
    UNCHECKED = "unchecked"


class Finding(Struct, frozen=True, kw_only=True):
    """One check's end."""

    #: What was checked, as a short name: "program", "output".
    check: str
    mark: Mark
    #: One sentence for people.
    said: str
    #: The job it is about; None where it is about the log.
    job: str | None = None


#: What even a green audit does not prove; the last lines of every report.
NOT_PROVEN = (
    "that volunteers were independent people: many networks and accounts are many votes",
    "that the server believed each volunteer rightly before: pseudonyms differ from job to job",
    "that data withheld was rightly withheld, and that the published data was true to begin with",
    "that nothing was shown to others: only witnesses, or two auditors who compare, can see a fork",
)


def first_failure(findings: list[Finding]) -> Finding | None:
    """The first thing that does not hold."""
    return next((one for one in findings if one.mark is Mark.FAILS), None)
