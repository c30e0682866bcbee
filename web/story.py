"""This file is where a work unit's whole story is told in plain words, once its seal has opened.

Pure: views of the API in, sentences out. Every sentence is something that the log says as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

View = Mapping[str, Any]

#: Digits of a digest or pseudonym that a sentence shows.
SHOWN = 12
#: Why a copy was made, in the words of who is told.
PURPOSES = {
    "copy": "a copy",
    "trusted": "a run by the server itself",
    "trap": "a trap: a decided dispute, asked again in secret",
    "probe": "a probe of an engine that was suspected",
    "probation": "a copy whose answer the server knew already",
    "quiz": "a quiz: made-up input whose answer was known",
    "decoy": "a decoy",
}
ENDS = {
    "no_reply": "never answered, and another copy was made when its time was over",
    "abandoned": "gave it back unused",
    "client_error": "could not compute it",
    "validate_error": "sent bytes that no honest program makes",
    "unsolved": "said that it had not solved it, and another was asked",
    "didnt_need": "was not needed any more",
    "init": "has not answered",
}
SUPPORTS = {
    "agreed": "It rests on volunteers who agreed as far as the job's mode asks.",
    "trusted": "It rests on a trusted run that gave this answer.",
    "below_target": "It rests on volunteers who agreed, short of the target error: the job's "
    "budget of server runs was spent.",
    "none": "It rests on the job's quorum.",
}


class Line(Struct, frozen=True, kw_only=True):
    """One thing that happened."""

    said: str
    #: For its look: "valid", "invalid", "void", or nothing.
    state: str = ""
    #: Seconds since 1970 UTC; None where nobody noted it.
    at: int | None = None
    #: The leaf of the log that says so.
    leaf: int | None = None


def told(unit: View, job: View, entries: Sequence[tuple[str, View, int]]) -> list[Line]:
    """What happened to a work unit, in order: who computed, what they said, why the verdict.

    `entries` are what the log says of it: kind, facts and leaf.
    """
    results = sorted(unit["results"], key=lambda one: (one["sent_at"] or 0, one["id"]))
    lines = [Line(said=_what(unit, job), at=job["created_at"])]
    lines += [_answer(one, unit) for one in results if one["sent_at"] is not None]
    lines += _of_log(entries, job)
    return lines


def _what(unit: View, job: View) -> str:
    thing = "point" if job["points"] else "chunk"
    first, count = unit[f"first_{thing}"], unit[f"{thing}_count"]
    which = f"{thing} {first}" if count == 1 else f"{thing}s {first} to {first + count - 1}"
    return f"Work unit {unit['ordinal']} of {job['name']} was asked for: {which}, by one program."


def _answer(one: View, unit: View) -> Line:
    who = "The server" if one["by"] is None else f"Volunteer {one['by'][:SHOWN]}"
    what = PURPOSES.get(one["purpose"], "a copy")
    if one["outcome"] != "success":
        end = ENDS.get(one["outcome"], one["outcome"])
        message = f": “{one['message']}”" if one["message"] else ""
        return Line(said=f"{who} got {what} and {end}{message}.", at=one["sent_at"])
    took = "" if one["elapsed_ms"] is None else f" after {one['elapsed_ms'] / 1000:.1f} s"
    digest = one["output_digest"][:SHOWN]
    same = one["output_digest"] == unit["canonical_digest"]
    held = "the answer that was chosen" if same else "another answer than the one chosen"
    judged = {
        "valid": "It counts as right.",
        "invalid": "It counts as wrong.",
        "void": "It counts for nothing: its volunteer was caught, or its engine was.",
        "inconclusive": "Nothing followed from it.",
    }.get(one["validate_state"], "")
    said = f"{who} got {what} and answered {digest}…{took}, {held}. {judged}"
    return Line(said=said.strip(), state=one["validate_state"], at=one["received_at"])


def _of_log(entries: Sequence[tuple[str, View, int]], job: View) -> Iterator[Line]:
    for kind, facts, leaf in entries:
        at = facts["minute"] * 60
        if kind == "verdict":
            yield Line(said=_verdict(facts, job), state="decided", at=at, leaf=leaf)
        elif kind == "recheck":
            said = "The server computed it again in secret, and got the same answer."
            yield Line(said=said, state="valid", at=at, leaf=leaf)
        elif kind == "retract":
            said = f"The verdict was taken back: {facts['because']}."
            yield Line(said=said, state="void", at=at, leaf=leaf)
        elif kind == "trap":
            said = f"It was asked again {facts['copies']} times in secret, to find liars out."
            yield Line(said=said, at=at, leaf=leaf)
        elif kind == "credit":
            who = facts["principal"][:SHOWN]
            said = f"The answer of {who} counts as {facts['validate_state']} from here on."
            yield Line(said=said, state=facts["validate_state"], at=at, leaf=leaf)


def _verdict(facts: View, job: View) -> str:
    if facts["canonical"] is None:
        why = ", ".join(facts["error_mask"]).lower().replace("_", " ")
        return f"It was given up: {why}."
    votes = [one for one in facts["votes"] if one["validate_state"] == "valid"]
    people = len({one["principal"] for one in votes if not one["trusted"]})
    equal = f"{people} equal answer{'' if people == 1 else 's'} of volunteers"
    rule = facts["rule"]
    asked = (
        f"the job asked for {rule['quorum']} equal answers"
        if rule["mode"] in ("fixed", "trusted")
        else f"the job's mode is {rule['mode']}"
    )
    why = SUPPORTS.get(facts["support"], "")
    return f"Decided for {facts['canonical'][:SHOWN]}…: {equal}, and {asked}. {why}"
