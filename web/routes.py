"""This file is where a handler says about itself what its signature does not: for OpenAPI."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from litestar.routes import BaseRoute, HTTPRoute


def about(
    *,
    body: Any = None,
    query: Mapping[str, str] | None = None,
    answer: str = "application/json",
    code: int = 200,
    problems: tuple[int, ...] = (),
    token: bool = True,
) -> dict[str, Any]:
    """A handler's options: the body it reads, its query, what it answers and refuses with, and
    whether a 401 asks for a token, or only for none that is bad."""
    return {
        "body": body,
        "query": dict(query or {}),
        "answer": answer,
        "code": code,
        "problems": problems,
        "token": token,
    }


#: The query of every paged list.
PAGED = {
    "limit": "items of a page, 1 to 200; 50 when not given",
    "cursor": "where the page begins; take it from `_links.next`",
}

#: What may stand in the place of a parameter, by its type.
_KINDS = {"path": ".+", "int": "[0-9]+"}
_PARAMETER = re.compile(r"\\\{\w+:(?P<kind>\w+)\\\}")


def methods_at(routes: Iterable[BaseRoute], path: str) -> str:
    """The methods that a path has, as `Allow` says them (RFC 9110, section 10.2.1)."""
    found: set[str] = set()
    for route in routes:
        if isinstance(route, HTTPRoute):
            pattern = _PARAMETER.sub(
                lambda one: _KINDS.get(one["kind"], "[^/]+"), re.escape(route.path)
            )
            if re.fullmatch(pattern, path.rstrip("/") or "/"):
                found |= set(route.methods)
    return ", ".join(sorted(found))
