"""This file is where everything that goes wrong becomes problem+json (RFC 9457)."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from msgspec import Struct

from grid.db.apply import Lost
from grid.db.writer import Closed
from grid.items import Json
from web import render
from web.public_view import API, LOG
from web.routes import methods_at

MEDIA_TYPE = "application/problem+json"
DISK_FULL = "the server's disk is full: nothing was done"
OUR_FAULT = "the server failed at this; it is a fault of the server's"

log = structlog.get_logger("web")

AnyRequest = Request[Any, Any, Any]


class Detail(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with one field."""

    #: JSON pointer into the body, or "/<name>" for a query parameter.
    pointer: str
    detail: str
    #: 0-based character offset into the text at `pointer`.
    position: int | None = None


class Problem(Exception):
    """An answer other than success; raised anywhere in a handler."""

    def __init__(
        self,
        code: int,
        detail: str,
        errors: Sequence[Detail] = (),
        headers: dict[str, str] | None = None,
        cookies: Sequence[Cookie] = (),
    ) -> None:
        self.code, self.detail, self.errors = code, detail, tuple(errors)
        self.headers, self.cookies = headers or {}, tuple(cookies)
        super().__init__(detail)


class SeeOther(Exception):
    """Not here: the browser is sent on, and may be told of cookies on its way."""

    def __init__(self, place: str, *cookies: Cookie) -> None:
        self.place, self.cookies = place, cookies
        super().__init__(place)


def bad_field(pointer: str, detail: str, code: int = 400, position: int | None = None) -> Problem:
    """The problem with one field."""
    return Problem(code, detail, [Detail(pointer=pointer, detail=detail, position=position)])


def not_found(what: str) -> Problem:
    """There is no such thing, or none that the caller may see."""
    return Problem(404, f"there is no such {what}")


def body(code: int, detail: str, errors: Sequence[Detail] = ()) -> Json:
    """The problem as JSON."""
    said: dict[str, Json] = {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "detail": detail,
    }
    if errors:
        said["errors"] = msgspec.to_builtins(list(errors))
    return said


def response(problem: Problem) -> Response[bytes]:
    """The answer that a problem is."""
    return Response(
        msgspec.json.encode(body(problem.code, problem.detail, problem.errors)),
        status_code=problem.code,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
        cookies=problem.cookies,
    )


def on_problem(request: AnyRequest, problem: Problem) -> Response[Any]:
    """The answer to a problem: a page for people, problem+json for everybody else."""
    machine = request.url.path.startswith((API, f"{LOG}/", "/sandbox", "/static"))
    if machine or "text/html" not in request.headers.get("accept", ""):
        return response(problem)
    title = HTTPStatus(problem.code).phrase
    facts = {"code": problem.code, "title": title, "detail": problem.detail}
    return render.page(
        "problem.html", facts, code=problem.code, headers=problem.headers, cookies=problem.cookies
    )


def on_see_other(_: AnyRequest, other: SeeOther) -> Response[bytes]:
    """The answer that sends a browser on."""
    return sent_on(other.place, *other.cookies)


def sent_on(place: str, *cookies: Cookie) -> Response[bytes]:
    """The answer that sends a browser on with a GET, and with cookies."""
    headers = {"Location": place, "Cache-Control": "no-store"}
    return Response(b"", status_code=303, headers=headers, cookies=cookies)


def on_http_exception(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """The answer to what the framework refuses: unknown paths, methods, bodies too large."""
    headers = {name: value for name, value in (error.headers or {}).items() if name == "Allow"}
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.setdefault("Allow", methods_at(request.app.routes, request.url.path))
    detail = error.detail or ""
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = "there is nothing here"
    return on_problem(request, Problem(error.status_code, detail, headers=headers))


def on_undone(_: AnyRequest, error: Closed | Lost) -> Response[bytes]:
    """The server is stopping, or another process was quicker: nothing was done."""
    detail = "nothing was done, and it may be sent again"
    return response(Problem(503, detail, headers={"Retry-After": "2"}))


def log_failure(method: str, path: str, error: Exception) -> None:
    """Put a bug of ours into the server's own log: lines only, for values may be secrets."""
    trace = "".join(traceback.format_exception(error))
    log.error("a request failed", method=method, path=path, trace=trace)


def on_exception(request: AnyRequest, error: Exception) -> Response[bytes]:
    """The answer to a bug of ours; says nothing of it but in the server's own log."""
    log_failure(request.method, request.url.path, error)
    return response(Problem(507, DISK_FULL) if _disk_is_full(error) else Problem(500, OUR_FAULT))


def _disk_is_full(error: BaseException | None) -> bool:
    """Whether this came of a full disk: as the system says it, or as SQLite does."""
    while error is not None:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or "database or disk is full" in str(error):
            return True
        error = error.__cause__
    return False
