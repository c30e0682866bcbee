"""This file is where lists travel to and from the database as one JSON text each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, FromClause, Select, bindparam, func, literal_column, select

from grid.db.dialects import json_text


def pairs(fields: dict[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """One JSON object."""
    both: list[ColumnElement[Any]] = []
    for name, value in fields.items():
        both += literal_column(f"'{name}'"), value
    return func.json_object(*both)


def given(name: str) -> Select[Any]:
    """The integers of a bound JSON array."""
    return select(func.json_each(bindparam(name)).table_valued("value").c.value)


def objects(source: FromClause, fields: Collection[str]) -> ColumnElement[Any]:
    """The rows of `source` as one JSON array of objects."""
    return func.json_group_array(pairs({name: source.c[name] for name in fields}))


def nested(*parts: tuple[str, Select[Any]]) -> Select[Any]:
    """Several JSON texts as one object."""
    both = pairs({name: func.json(text.scalar_subquery()) for name, text in parts})
    return select(json_text(both))


def spelled_ids(numbers: Collection[int]) -> str:
    """Integers as the JSON text that `given` reads."""
    return msgspec.json.encode(list(numbers)).decode()
