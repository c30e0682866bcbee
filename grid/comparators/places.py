"""This file is where a comparator's fields are found in an output.

A field is a JSON pointer (RFC 6901) in which `*` stands for every item of a list and every member
of an object: `/mean`, `/rows/*/x`; "" is the whole output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from grid import canonical
from grid.items import Json

Steps = tuple[str, ...]


def steps(field: str) -> Steps:
    """A field's steps below the list that `readable` gives; raises ValueError if it is none."""
    if field and not field.startswith("/"):
        raise ValueError(f"{field!r} is no JSON pointer")
    below = (step.replace("~1", "/").replace("~0", "~") for step in field.split("/")[1:])
    return ("0", *below)


def some(fields: Sequence[str]) -> list[Steps]:
    """The steps of each field; raises ValueError unless there is one."""
    if not fields:
        raise ValueError("at least one field is needed")
    return [steps(field) for field in fields]


def readable(output: str) -> list[Json]:
    """The output in a list, so that it can be replaced as a whole; raises ValueError."""
    return [canonical.loads(output.encode())]


def places(value: Json, path: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    """Every list or object, with the index or key, at which the path ends in `value`."""
    if isinstance(value, dict):
        keys: Sequence[Any] = [key for key in value if path[0] in ("*", key)]
    elif isinstance(value, list):
        keys = [at for at in range(len(value)) if path[0] in ("*", str(at))]
    else:
        return
    for key in keys:
        if len(path) == 1:
            yield value, key
        else:
            yield from places(value[key], path[1:])
