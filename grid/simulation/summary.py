"""This file is where it is told in a few lines how a play went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct

from grid.items import Job, WorkUnit
from grid.simulation.scenario import Scenario
from grid.states import Purpose


class Summary(Struct, frozen=True, kw_only=True):
    """What came of a scenario; nothing here depends on the machine or its clock."""

    scenario: Scenario
    #: Jobs by the state they ended in.
    jobs: Mapping[str, int]
    work_units: int
    #: With a canonical result; the others gave up or were cancelled.
    decided: int
    #: Decided wrongly.
    wrong: int
    #: Whether honest hosts had to be sent because nothing moved any more.
    rescued: bool
    #: Virtual seconds from the first to the last.
    lasted_s: int
    hosts: int
    #: Hosts of banned volunteers that are saboteurs, and of those that are not.
    banned: int
    banned_honest: int
    exchanges: int
    #: Copies given out, whether their hosts heard of it or not, and how they ended.
    copies: int
    outcomes: Mapping[str, int]
    #: Work units that the server computed itself.
    computed_here: int
    commits: int
    #: Made-up work units among which copies went out.
    quizzes: int
    #: How often invariants were checked.
    looks: int
    crashes: Mapping[str, int]
    mishaps: Mapping[str, int]
    log_lines: int
    #: SHA-256 of everything that was sent, answered and logged.
    digest: str

    @property
    def copies_per_unit(self) -> float:
        """Dispatched copies for each decided work unit."""
        return self.copies / self.decided if self.decided else 0.0


def of(
    scenario: Scenario, *, jobs: Collection[Job], units: Collection[WorkUnit], **further: Any
) -> Summary:
    """Counted up."""
    asked = [unit for unit in units if not unit.is_quiz]
    sent = [one for unit in units for one in unit.results if one.sent_at is not None]
    given = [one for one in sent if one.purpose is not Purpose.TRUSTED]
    return Summary(
        scenario=scenario,
        jobs=dict(sorted(Counter(str(job.job_state) for job in jobs).items())),
        work_units=len(asked),
        decided=sum(unit.canonical_result_id is not None for unit in asked),
        quizzes=len(units) - len(asked),
        copies=len(given),
        outcomes=dict(sorted(Counter(str(one.outcome) for one in given).items())),
        computed_here=sum(
            one.purpose is Purpose.TRUSTED and one.sent_at is not None
            for unit in asked
            for one in unit.results
        ),
        **further,
    )


def told(summary: Summary) -> str:
    """The summary for people."""
    rows = [
        ("seed", summary.scenario.seed),
        ("jobs", _listed(summary.jobs)),
        ("work units decided", f"{summary.decided:,} of {summary.work_units:,}"),
        ("wrong", f"{summary.wrong:,}"),
        ("copies a work unit", f"{summary.copies_per_unit:.2f}"),
        ("copies", _listed(summary.outcomes)),
        ("trusted runs", f"{summary.computed_here:,}"),
        ("quizzes", f"{summary.quizzes:,}"),
        ("banned", f"{summary.banned:,} saboteurs, {summary.banned_honest:,} others"),
        ("hosts", f"{summary.hosts:,}" + (", some to the rescue" if summary.rescued else "")),
        ("virtual time", f"{summary.lasted_s:,} s"),
        ("exchanges", f"{summary.exchanges:,} in {summary.commits:,} commits"),
        ("server crashes", _listed(summary.crashes)),
        ("network faults", _listed(summary.mishaps)),
        ("invariants checked", f"{summary.looks:,} times, none broken"),
        ("event log", f"{summary.log_lines:,} lines, SHA-256 {summary.digest}"),
    ]
    return "\n".join(f"{name:<20}{value}" for name, value in rows)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none"
