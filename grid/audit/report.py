"""This file is where an audit is told: as lines for people, or as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.markup import escape

from grid import __version__
from grid.audit.findings import NOT_PROVEN, Finding, Mark, first_failure

#: Exit codes.
GREEN, RED, UNUSABLE, INCOMPLETE = 0, 1, 2, 3

LOOKS = {Mark.HOLDS: ("✓", "green"), Mark.FAILS: ("✗", "bold red"), Mark.UNCHECKED: ("–", "yellow")}


def exit_code(findings: Sequence[Finding]) -> int:
    """0 when everything holds, 1 when anything does not, 3 when something was not checked."""
    marks = {one.mark for one in findings}
    if Mark.FAILS in marks:
        return RED
    return INCOMPLETE if Mark.UNCHECKED in marks or not findings else GREEN


def verdict(findings: Sequence[Finding]) -> str:
    """The first line: the whole audit in one sentence."""
    failed = first_failure(list(findings))
    if failed is not None:
        about = f" of {failed.job}" if failed.job else ""
        return f"DOES NOT HOLD: {failed.check}{about}: {failed.said}"
    open_ones = sum(one.mark is Mark.UNCHECKED for one in findings)
    if open_ones or not findings:
        count = open_ones or "everything"
        return f"NOT ALL CHECKED: nothing is wrong, and {count} could not be checked"
    return f"ALL HOLDS: {len(findings)} checks"


class Cost(Struct, frozen=True, kw_only=True):
    """What an audit took."""

    bytes: int
    seconds: float


def told(console: Console, where: str, findings: Sequence[Finding], cost: Cost) -> None:
    """The whole report: the verdict first, what is not proven last."""
    color = {GREEN: "bold green", RED: "bold red"}.get(exit_code(findings), "bold yellow")
    console.print(f"[{color}]{escape(verdict(findings))}[/]", soft_wrap=True)
    took = f"{cost.bytes:,} bytes read in {cost.seconds:.1f} s"
    console.print(f"audited: {escape(where)}, by Grid {__version__}: {took}", soft_wrap=True)
    heading: str | None = None
    for one in findings:
        if one.job != heading and one.job is not None:
            console.print(f"\n{escape(one.job)}")
        heading = one.job
        sign, look = LOOKS[one.mark]
        console.print(
            f"  [{look}]{sign} {escape(one.check):<10}[/] {escape(one.said)}", soft_wrap=True
        )
    console.print("\nWhat even green does not prove:")
    for said in NOT_PROVEN:
        console.print(f"  · {escape(said)}", soft_wrap=True)


def as_json(where: str, findings: Sequence[Finding], cost: Cost) -> str:
    """The same as one JSON document."""
    failed = first_failure(list(findings))
    return json.dumps(
        {
            "audited": where,
            "grid": __version__,
            "bytes": cost.bytes,
            "seconds": round(cost.seconds, 3),
            "verdict": {GREEN: "holds", RED: "fails"}.get(exit_code(findings), "incomplete"),
            "first_failure": None if failed is None else msgspec.to_builtins(failed),
            "findings": msgspec.to_builtins(list(findings)),
            "not_proven": list(NOT_PROVEN),
        },
        ensure_ascii=False,
        indent=2,
    )
