"""This file is where the bytes of strangers become typed values, or a problem naming the field."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from grid.sources.error import pointer
from web.problems import AnyRequest, Problem, bad_field

T = TypeVar("T")

#: How msgspec ends a message about a field: "… - at `$.policy.min_quorum`".
_AT = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_NAMED = re.compile(r"(?:unknown|required) field `(?P<name>.*)`")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+)\]|\[\.\.\.\]")


async def read(request: AnyRequest, kind: type[T]) -> T:
    """The JSON body as `kind`; raises Problem naming the field."""
    require_content_type(request, "application/json")
    return decode(await request.body(), kind)


def require_content_type(request: AnyRequest, wanted: str) -> None:
    """Raise 415 unless the body is said to be of this type."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != wanted:
        said = f"not {given}" if given else "and none is given"
        raise bad_field("/content-type", f"the body must be sent as {wanted}, {said}", 415)


def decode(data: bytes, kind: type[T]) -> T:
    """The value of JSON bytes; raises Problem naming the field."""
    if not data.strip():
        raise bad_field("", "the body is empty; JSON is wanted")
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise named(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise bad_field("", f"the body is not JSON: {error}") from error


def convert_query(request: AnyRequest, name: str, kind: type[T]) -> T | None:
    """A query parameter as `kind`, None when it is not given; raises Problem naming it."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as error:
        raise bad_field(f"/{name}", f"{name}: {error}") from error


def allow_query(request: AnyRequest, *names: str) -> None:
    """Raise unless every query parameter is among `names`: a misspelling must not go unnoticed."""
    for name in request.query_params:
        if name not in names:
            known = ", ".join(names) or "none"
            raise bad_field(pointer(name), f"unknown query parameter; there are: {known}")


def named(message: str) -> Problem:
    """The problem of a value that msgspec refuses, at the field it names."""
    at = _AT.search(message)
    steps = []
    for step in _STEP.finditer(at["path"] if at else ""):
        if step[0] == "[...]":  # some key of an object, and msgspec does not say which
            break
        steps.append(step["name"] or step["index"])
    detail = message[: at.start()] if at else message
    named = _NAMED.search(detail)
    if named:
        steps.append(named["name"])
    return bad_field(pointer(*steps), detail)
