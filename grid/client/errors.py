"""This file is where everything that may go wrong between a requester and a server has a name."""

from __future__ import annotations

from typing import Any


class GridError(Exception):
    """Something went wrong; the message says what."""


class Unreachable(GridError):
    """No answer came, after all tries."""


class TimedOut(GridError):
    """The job has not ended within the time that the caller gave it. It goes on."""


class JobFailed(GridError):
    """The job has ended without an output; the message is its own."""


class JobCancelled(GridError):
    """The job was cancelled."""


class Refused(GridError):
    """The server answered with a problem (RFC 9457)."""

    def __init__(self, code: int, detail: str, errors: list[dict[str, Any]]) -> None:
        self.code, self.detail, self.errors = code, detail, errors
        super().__init__(f"{detail} ({code})" if code else detail)

    @property
    def pointer(self) -> str | None:
        """The field that is wrong, as a JSON pointer, if one is."""
        return self.errors[0]["pointer"] if self.errors else None


class BadRequest(Refused):
    """Something in what was sent is wrong: `pointer` says which field."""


class Unauthorized(Refused):
    """No token was sent, or one that is good no more."""


class Forbidden(Refused):
    """The token does not allow it."""


class NotFound(Refused):
    """There is no such thing, or none that the token may see."""


class Conflict(Refused):
    """Not now: the thing's state does not allow it, or a limit is reached."""


class TooOften(Refused):
    """Too many requests, also after all tries that the server asked for."""


class ServerFailed(Refused):
    """A fault of the server's."""


_BY_CODE = {401: Unauthorized, 403: Forbidden, 404: NotFound, 409: Conflict, 410: NotFound,
            429: TooOften}  # fmt: skip


def refused(code: int, said: Any, text: str) -> Refused:
    """The error of an answer: its JSON where it is a problem, or its text."""
    problem = said if isinstance(said, dict) else {}
    detail = str(problem.get("detail") or text[:200] or "no reason was given")
    errors = [one for one in problem.get("errors", []) if isinstance(one, dict)]
    kind = _BY_CODE.get(code, ServerFailed if code >= 500 else BadRequest)
    return kind(code, detail, errors)
