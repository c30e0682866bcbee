"""This file is where a volunteer reads what became of its own answers, mistakes included.

A wrong answer is told as what it mostly is, a machine's slip: nobody is accused by one.
"""

from __future__ import annotations

from grid.db.history import Answered
from grid.identifiers import Kind
from grid.states import Outcome, ValidateState
from grid.validator.credit import spelled
from web.public_view import API, Names, View, link

SEALED = "Sealed until others have answered and the job is done: nobody sees it before."
FAILED = (
    "The program stopped with an error here. That is the program's business, or a lack of memory: "
    "somebody else computes it."
)
GARBLED = (
    "What came back cannot be an answer of this program: damaged on its way, or a browser's bug or "
    "add-on. Somebody else computes it."
)
UNSOLVED = "It was not solved here, which is nobody's fault: somebody else tries it."
#: What came back and was no answer.
NO_ANSWERS = {
    Outcome.CLIENT_ERROR: FAILED,
    Outcome.VALIDATE_ERROR: GARBLED,
    Outcome.UNSOLVED: UNSOLVED,
}
WORDS = {
    ValidateState.VALID: "Right: it is what the job went on with.",
    ValidateState.INVALID: (
        "It differs from the answer that was found right, so it does not count. Now and then a "
        "machine errs: memory that is worn or too hot, an overclocked core, a browser's bug. One "
        "such answer changes nothing for you; many would be worth a look at the machine."
    ),
    ValidateState.VOID: (
        "It was set aside with others of the same origin and computed anew. It counts for nothing, "
        "and against nobody by itself."
    ),
}
#: What came too late for a verdict, or was none that could be compared.
OTHERWISE = "The work unit was decided without it."


def answer(one: Answered, names: Names) -> View:
    """One answer of whoever asks."""
    job_id = names.of(Kind.JOB, one.job_id)
    unit = None if one.workunit_id is None else names.of(Kind.WORKUNIT, one.workunit_id)
    links = {"job": link(f"{API}/jobs/{job_id}"), "page": link(f"/jobs/{job_id}")}
    if unit is not None:
        links["workunit"] = link(f"{API}/workunits/{unit}")
    return {
        "id": names.of(Kind.RESULT, one.id),
        "job": {"id": job_id, "name": one.job_name, "job_type": one.job_type},
        "received_at": one.received_at,
        "elapsed_ms": one.elapsed_ms,
        "outcome": str(one.outcome),
        "workunit": unit,
        "ordinal": one.ordinal,
        "validate_state": None if one.validate_state is None else str(one.validate_state),
        "credit": spelled(one.credit),
        "words": _in_words(one),
        "_links": links,
    }


def _in_words(one: Answered) -> str:
    if one.outcome in NO_ANSWERS:
        return NO_ANSWERS[one.outcome]
    if one.validate_state is None:
        return SEALED
    return WORDS.get(one.validate_state, OTHERWISE)
