"""This file is where every state stands, documented, with the legal moves as data.

The states are BOINC's orthogonal fields, never one merged status: a result has a `server_state`,
an `outcome` and a `validate_state`; a work unit has an `assimilate_state`, a `file_delete_state`
and an `error_mask`; a job has a `job_state`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntFlag, StrEnum


class ServerState(StrEnum):
    """Where a result is on its way to a host and back."""

    #: Exists and waits for a host.
    UNSENT = "unsent"
    #: A host holds a lease on it.
    IN_PROGRESS = "in_progress"
    #: Nothing more will happen to it here; `outcome` says how it ended.
    OVER = "over"


class Outcome(StrEnum):
    """How a result ended; anything but INIT only when its server state is OVER."""

    INIT = "init"
    #: The host returned an output of the right shape.
    SUCCESS = "success"
    #: The host reported that the program failed, or ran out of its limits.
    CLIENT_ERROR = "client_error"
    #: The lease's deadline passed in silence. The host may still report late.
    NO_REPLY = "no_reply"
    #: The host gave the lease back (the page was closed).
    ABANDONED = "abandoned"
    #: Never sent: its work unit was decided or cancelled without it.
    DIDNT_NEED = "didnt_need"
    #: An output came back that no honest program can produce: not canonical, or not of the schema.
    VALIDATE_ERROR = "validate_error"
    #: The output says that the host has not solved it: neither a vote nor an error.
    UNSOLVED = "unsolved"


class ValidateState(StrEnum):
    """What quorum says of a successful result."""

    INIT = "init"
    #: Agrees with the canonical result.
    VALID = "valid"
    #: Disagrees with the canonical result, or its work unit gave up.
    INVALID = "invalid"
    #: Compared, and no quorum yet.
    INCONCLUSIVE = "inconclusive"
    #: Counts for nothing: its volunteer was caught, or its engine computes this program wrongly.
    VOID = "void"


class Purpose(StrEnum):
    """Why a result was made. Only COPY and TRUSTED results are waited for."""

    #: An ordinary copy.
    COPY = "copy"
    #: Computed by the server's own engine; no host ever gets it.
    TRUSTED = "trusted"
    #: A decided dispute, issued again in secret: whoever repeats the known lie is a colluder.
    TRAP = "trap"
    #: Decided work for a suspect engine: whoever gets it right clears all with that engine.
    PROBE = "probe"
    #: Work whose answer a trusted run knows, by which a newcomer becomes known.
    PROBATION = "probation"
    #: Made-up work whose answer is known: whoever gets it wrong is found out.
    QUIZ = "quiz"
    #: A copy of decided work that keeps holders from guessing who else is asked.
    DECOY = "decoy"


#: What may still find a liar out when a job has its output: its seal waits for these.
AWAITED = frozenset({Purpose.TRUSTED, Purpose.TRAP, Purpose.PROBE})


class Support(StrEnum):
    """What a decided work unit rests on."""

    #: Not decided, or it gave up.
    NONE = "none"
    #: Volunteers agreed, as far as the job's mode asks.
    AGREED = "agreed"
    #: A trusted run gave the same answer.
    TRUSTED = "trusted"
    #: Volunteers agreed, but the job's budget for trusted runs was spent before its target error.
    BELOW_TARGET = "below_target"


class AssimilateState(StrEnum):
    """Whether a decided work unit has reached its job's output."""

    #: Not decided yet.
    INIT = "init"
    #: Decided: it has a canonical result, or an error that its job must hear of.
    READY = "ready"
    #: Merged, or its failure handed to the job.
    DONE = "done"


class FileDeleteState(StrEnum):
    """Whether a settled work unit's bulky leftovers are gone; canonical outputs always stay."""

    INIT = "init"
    #: Assimilated and no copy in progress: the bytes of the canonical output's duplicates may go.
    READY = "ready"
    DONE = "done"


class JobState(StrEnum):
    """What a job is doing as a whole. No report ever changes it."""

    ACTIVE = "active"
    #: Nothing is dispatched; what is out may come back.
    PAUSED = "paused"
    #: Every work unit merged; the output is final unless a later version replaces it.
    COMPLETED = "completed"
    #: A work unit gave up, or the merge refused its data; `failure` says why.
    FAILED = "failed"
    #: Ended by its owner or an admin.
    CANCELLED = "cancelled"


class ErrorMask(IntFlag):
    """Why a work unit gave up; zero while it has not. Several bits may be set."""

    NONE = 0
    TOO_MANY_ERROR_RESULTS = 1
    TOO_MANY_SUCCESS_RESULTS = 2
    TOO_MANY_TOTAL_RESULTS = 4
    TOO_MANY_ABANDONED_RESULTS = 8
    CANCELLED = 16
    #: The job's deadline passed.
    PAST_DEADLINE = 32


Moves = Mapping[StrEnum, frozenset[StrEnum]]

#: Field name → from → every state it may move to. A field not named here is no state.
MOVES: Mapping[str, Moves] = {
    "server_state": {
        ServerState.UNSENT: frozenset({ServerState.IN_PROGRESS, ServerState.OVER}),
        ServerState.IN_PROGRESS: frozenset({ServerState.OVER}),
        ServerState.OVER: frozenset(),
    },
    "outcome": {
        Outcome.INIT: frozenset(
            {
                Outcome.SUCCESS,
                Outcome.CLIENT_ERROR,
                Outcome.NO_REPLY,
                Outcome.ABANDONED,
                Outcome.DIDNT_NEED,
                Outcome.VALIDATE_ERROR,
                Outcome.UNSOLVED,
            }
        ),
        # A late answer is an answer: silence may still turn into anything a report can say.
        Outcome.NO_REPLY: frozenset(
            {Outcome.SUCCESS, Outcome.CLIENT_ERROR, Outcome.VALIDATE_ERROR, Outcome.UNSOLVED}
        ),
        Outcome.SUCCESS: frozenset(),
        Outcome.CLIENT_ERROR: frozenset(),
        Outcome.ABANDONED: frozenset(),
        Outcome.DIDNT_NEED: frozenset(),
        Outcome.VALIDATE_ERROR: frozenset(),
        Outcome.UNSOLVED: frozenset(),
    },
    "validate_state": {
        ValidateState.INIT: frozenset(
            {
                ValidateState.VALID,
                ValidateState.INVALID,
                ValidateState.INCONCLUSIVE,
                ValidateState.VOID,
            }
        ),
        ValidateState.INCONCLUSIVE: frozenset(
            {ValidateState.VALID, ValidateState.INVALID, ValidateState.VOID}
        ),
        # A trusted run may overturn what volunteers agreed on, and a retraction asks anew.
        ValidateState.VALID: frozenset(
            {ValidateState.INVALID, ValidateState.INCONCLUSIVE, ValidateState.VOID}
        ),
        ValidateState.INVALID: frozenset(
            {ValidateState.VALID, ValidateState.INCONCLUSIVE, ValidateState.VOID}
        ),
        # An appeal was granted, or an engine proved innocent; the verdict may follow at once.
        ValidateState.VOID: frozenset(
            {ValidateState.INCONCLUSIVE, ValidateState.VALID, ValidateState.INVALID}
        ),
    },
    "assimilate_state": {
        AssimilateState.INIT: frozenset({AssimilateState.READY}),
        # Back to INIT: the verdict was retracted.
        AssimilateState.READY: frozenset({AssimilateState.DONE, AssimilateState.INIT}),
        # Or to READY: a trusted run gave another answer, which must be merged instead.
        AssimilateState.DONE: frozenset({AssimilateState.INIT, AssimilateState.READY}),
    },
    "file_delete_state": {
        FileDeleteState.INIT: frozenset({FileDeleteState.READY}),
        FileDeleteState.READY: frozenset({FileDeleteState.DONE, FileDeleteState.INIT}),
        FileDeleteState.DONE: frozenset({FileDeleteState.INIT}),
    },
    "job_state": {
        JobState.ACTIVE: frozenset(
            {JobState.PAUSED, JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}
        ),
        JobState.PAUSED: frozenset(
            {JobState.ACTIVE, JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}
        ),
        # A verdict was retracted: the output is made anew, as its next version.
        JobState.COMPLETED: frozenset({JobState.ACTIVE}),
        JobState.FAILED: frozenset(),
        JobState.CANCELLED: frozenset(),
    },
}


class IllegalMove(Exception):
    """A rule asked for a move that `MOVES` does not list; carries the row's whole story."""

    def __init__(self, field: str, before: object, after: object, story: str = "") -> None:
        self.field, self.before, self.after = field, before, after
        super().__init__(
            f"{field}: {before} → {after} is not a legal move{story and chr(10)}{story}"
        )


def check_move(field: str, before: object, after: object) -> None:
    """Raise IllegalMove unless `field` may go from `before` to `after`; staying is no move."""
    moves = MOVES.get(field)
    if moves is None or before == after:
        return
    if after not in moves.get(before, frozenset()):  # type: ignore[call-overload]
        raise IllegalMove(field, before, after)
