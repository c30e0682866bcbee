"""This file is where pages' forms are read, and get what proves that they are ours.

A page with a form gives its template `csrf` (from `csrf_of`), and the template puts
`{{ csrf_field(csrf) }}` from `parts.html` into the form. The handler of the form begins with

    server, caller, form = await forms.read(request, SomeForm)
    require(caller, "requester", "admin")

and the handler of a page that only some may open with

    server, caller = forms.signed_in(request, "requester", "admin")

which sends whoever has not signed in to do so, and then back. A handler that reads its body itself
calls `callers.caller_of(request, store, csrf)` with the pass that came with it; a script sends it
as `X-CSRF-Token`, and then any route of the API is open to it as to a token.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from typing import Annotated, Any, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl, quote

import msgspec
from litestar.datastructures import Cookie

from web import bodies, callers, cookies, looks
from web.callers import Caller, SessionOver, caller_of, check_csrf, csrf_pass, require
from web.problems import AnyRequest, Problem, SeeOther, bad_field
from web.server import Server, server_of

T = TypeVar("T", bound=msgspec.Struct)

MEDIA_TYPE = "application/x-www-form-urlencoded"
#: More than any form of ours has.
FIELDS_MAX = 100
BOUND_BYTES = 32
#: Where somebody goes who signs in without having been on their way.
HOME = "/account"
#: For pages with something that only one person should see.
NO_STORE = {"Cache-Control": "no-store"}


def csrf_of(server: Server, caller: Caller) -> str:
    """The pass for the forms of one who has signed in."""
    assert caller.session is not None, "forms are for those who have signed in"
    return csrf_pass(server.store.keyring.passes, caller.session, server.store.now())


def signed_in(request: AnyRequest, *scopes: str) -> tuple[Server, Caller]:
    """The server, and who has signed in and is one of `scopes`, if any are given; sends others to
    sign in, raises 403 for who may not."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    place = f"/login?next={quote(here, safe='/')}"
    try:
        server, caller = looks.asked(request)
    except SessionOver as over:
        raise SeeOther(place, *over.cookies) from over
    if caller.session is None:
        raise SeeOther(place)
    if scopes:
        require(caller, *scopes)
    return server, caller


async def read(request: AnyRequest, kind: type[T]) -> tuple[Server, Caller, T]:
    """The server, who has signed in, and the form that they sent; raises 401, 403 or 400."""
    csrf, fields = _split(await _fields(request))
    server = server_of(request)
    caller = caller_of(request, server.store, csrf)
    if caller.session is None:
        raise callers.unauthorized("sign in first")
    return server, caller, _converted(fields, kind)


async def read_before_signing_in(request: AnyRequest, kind: type[T]) -> tuple[Server, T]:
    """The server, and the form of a browser in which nobody has signed in yet."""
    csrf, fields = _split(await _fields(request))
    server = server_of(request)
    bound_to = request.cookies.get(cookies.form_name(server.settings), "")
    if not bound_to:
        raise Problem(403, "this form needs a cookie, and your browser sent none")
    check_csrf(request, server.store, bound_to, csrf)
    return server, _converted(fields, kind)


def for_nobody(request: AnyRequest, server: Server) -> tuple[str, Cookie]:
    """The pass for a form before anybody has signed in, and the cookie it is bound to."""
    name = cookies.form_name(server.settings)
    bound_to = request.cookies.get(name, "")
    if not 0 < len(bound_to) <= 2 * BOUND_BYTES:
        bound_to = secrets.token_urlsafe(BOUND_BYTES)
    age_s = callers.FORM_TTL_S
    cookie = cookies.kept(name, bound_to, age_s, server.settings, strict=True)
    return csrf_pass(server.store.keyring.passes, bound_to, server.store.now()), cookie


def local(path: str) -> str:
    """The place to go on to: one of ours, or home; never another site's, whatever a link says."""
    safe = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if safe and path.isascii() and " " not in path else HOME


async def _fields(request: AnyRequest) -> dict[str, list[str]]:
    bodies.require_content_type(request, MEDIA_TYPE)
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError as error:
        raise bad_field("", f"the body is no form: {error}") from error
    fields: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        fields[name].append(value)
    return fields


def _split(fields: dict[str, list[str]]) -> tuple[str, dict[str, list[str]]]:
    return (fields.pop("csrf", None) or [""])[0], fields


def _converted(fields: dict[str, list[str]], kind: type[T]) -> T:
    """As JSON would be: a field that takes many has all that were sent; one left empty that may be
    left out was left out."""
    given: dict[str, Any] = dict(fields)
    for field in msgspec.structs.fields(kind):
        values = fields.get(field.encode_name)
        bare = get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type
        if values is None or get_origin(bare) in (tuple, list, frozenset):
            continue
        if len(values) != 1:
            raise bad_field(f"/{field.encode_name}", f"{field.encode_name}: given more than once")
        given[field.encode_name] = values[0]
        if values == [""] and not field.required:
            del given[field.encode_name]
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise bodies.named(str(error)) from error
