"""This file is where a requester's data becomes an upload: files, frames, and rows made on the way.

A table that knows its types tells them, so that none is inferred; rows and bytes leave it to the
server. Nothing is held in memory but the piece on its way.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv as pa_csv
from msgspec import Struct

from grid.client.errors import GridError
from grid.client.steps import Body

PIECE_BYTES = 1 << 18
ROWS_AT_ONCE = 1_000
BATCH_ROWS = 65_536


class Table(Struct, kw_only=True):
    """What is uploaded."""

    name: str
    body: Body
    query: dict[str, Any] = {}
    #: Whether the body can be made only once, so that a broken upload cannot be sent again.
    once: bool = False


def table(data: Any, name: str | None = None) -> Table:
    """The upload of a path, bytes of CSV, an Arrow table, a pandas or polars frame, or of rows
    (mappings, made lazily if you like)."""
    if isinstance(data, (str, os.PathLike)):
        path = Path(data)
        if not path.is_file():
            raise GridError(f"{path}: there is no such file")
        return Table(name=name or path.stem, body=lambda: _file(path))
    if isinstance(data, (bytes, bytearray)):
        whole = bytes(data)
        return Table(name=name or "table", body=lambda: [whole])
    arrow = _arrow(data)
    if arrow is not None:
        types = msgspec.json.encode({one.name: _given(one) for one in arrow.schema}).decode()
        return Table(
            name=name or "table",
            body=lambda: _arrow_csv(arrow),
            query={"types": types, "header": "true"},
        )
    if isinstance(data, Iterable) and not isinstance(data, Mapping):
        once = isinstance(data, Iterator)
        return Table(
            name=name or "table", body=lambda: _rows(data), query={"header": "true"}, once=once
        )
    raise GridError(f"{type(data).__name__} is no table: give a path, CSV, a frame, or rows")


def _arrow(data: Any) -> pa.Table | None:
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    whence = type(data).__module__.partition(".")[0]
    if whence == "pandas":
        return pa.Table.from_pandas(data, preserve_index=False)
    if whence == "polars" or hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    return None


def _given(field: pa.Field) -> str:
    """The type as an upload names it."""
    kind = field.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind):
        return "int64"
    if pa.types.is_floating(kind):
        return "double"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_timestamp(kind):
        if kind.tz is not None:
            raise GridError(f"{field.name}: timestamps have no time zone here; convert it first")
        return "timestamp"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    raise GridError(f"{field.name}: a column of {kind} cannot be uploaded")


def _arrow_csv(data: pa.Table) -> Iterator[bytes]:
    """CSV in which NULL is an empty field and the empty text is `""`."""
    options = {"quoting_style": "all_valid", "batch_size": BATCH_ROWS}
    data = data.cast(pa.schema([(one.name, _written(one.type)) for one in data.schema]))
    for place, batch in enumerate(data.to_batches(max_chunksize=BATCH_ROWS) or [None]):
        held = io.BytesIO()
        part = data if batch is None else batch
        pa_csv.write_csv(part, held, pa_csv.WriteOptions(include_header=not place, **options))
        yield held.getvalue()


def _written(kind: pa.DataType) -> pa.DataType:
    """What Arrow's writer of CSV takes in a type's place."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.large_string() if pa.types.is_string_view(kind) else kind


def _file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    left = iter(rows)
    first = next(left, None)
    if not isinstance(first, Mapping):
        raise GridError("rows are mappings, name → value, and there is at least one")
    names, left = list(first), chain([first], left)
    while some := list(islice(left, ROWS_AT_ONCE)):
        held = io.StringIO()
        lines = csv.writer(held, lineterminator="\n")
        if names is not None and some[0] is first:
            lines.writerow(names)
        for row in some:
            if list(row) != names:
                raise GridError(f"a row has {', '.join(row)}, and the first {', '.join(names)}")
            lines.writerow(["" if row[name] is None else _spelled(row[name]) for name in names])
        yield held.getvalue().encode()


def _spelled(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
