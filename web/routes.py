"""This file is where a handler says about itself what its signature does not: for OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def about(
    *,
    body: Any = None,
    query: Mapping[str, str] | None = None,
    answer: str = "application/json",
    code: int = 200,
    problems: tuple[int, ...] = (),
) -> dict[str, Any]:
    """A handler's options: the body it reads, its query, what it answers and refuses with."""
    return {
        "body": body,
        "query": dict(query or {}),
        "answer": answer,
        "code": code,
        "problems": problems,
    }


#: The query of every paged list.
PAGED = {
    "limit": "items of a page, 1 to 200; 50 when not given",
    "cursor": "where the page begins; take it from `_links.next`",
}
