"""This file is where columns get their names: from a header, given or inferred, or by counting."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from grid.sources import spelling
from grid.sources.error import SourceError

#: Longer names are no names: they are shown in every page, table and error.
NAME_CHARS_MAX = 200


def names(
    head: pa.RecordBatch, header: bool | None, nulls: Sequence[str]
) -> tuple[list[str], bool]:
    """The columns' names, and whether the first row of `head` is a header.

    With `header` None it is one when its fields are distinct, none is NULL or empty, and none
    could be a number or a truth value. Without a header the names are column0, column1 … Raises
    SourceError("/body") for a header with a name missing, repeated or too long.
    """
    first = [column[0].as_py() for column in head.columns]
    if header is False or (header is None and not _looks_like_header(first, nulls)):
        return [f"column{place}" for place in range(len(first))], False
    _check(first)
    return first, True


def _looks_like_header(fields: Sequence[str], nulls: Sequence[str]) -> bool:
    return len(set(fields)) == len(fields) and not any(
        not field or field in nulls or spelling.is_value(field) for field in fields
    )


def _check(fields: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for place, name in enumerate(fields, 1):
        if not name:
            raise SourceError("/body", f"column {place} has no name in the header")
        if len(name) > NAME_CHARS_MAX:
            raise SourceError(
                "/body", f"column {place} has a name of more than {NAME_CHARS_MAX} characters"
            )
        if name in seen:
            raise SourceError("/body", f"columns {seen[name]} and {place} are both named {name!r}")
        seen[name] = place
