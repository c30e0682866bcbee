"""This file is where a data set's columns are looked into: how many values are missing in each."""

from __future__ import annotations

from msgspec import Struct

from grid import chunks
from grid.db import queries
from grid.items import DataSet
from web.server import Server

#: Chunks that are looked into: with the usual size ten million rows, in a second or two.
CHUNKS_MAX = 40
#: Types that a column may be given at its upload, those first that are inferred.
TYPES = ("int64", "double", "boolean", "text", "date", "timestamp", "decimal(18,2)")


class Counted(Struct, frozen=True, kw_only=True):
    """How many values are NULL."""

    #: Column → NULLs.
    nulls: dict[str, int]
    #: Rows that were looked at, from the first.
    rows: int


def null_counts(server: Server, dataset: DataSet) -> Counted:
    """The NULLs of each column, in the first chunks."""
    names = [column.name for column in dataset.columns]
    nulls = dict.fromkeys(names, 0)
    looked = min(dataset.chunk_count, CHUNKS_MAX)
    wanted = [column.name for column in dataset.columns if column.nullable]
    if looked and wanted:
        with server.store.read() as connection:
            parts = queries.chunk_columns(connection, dataset, 0, looked, wanted)
        for part in parts:
            array = chunks.decode_column(server.store.blobs.get(part.digest))
            nulls[part.column] += array.null_count
    return Counted(nulls=nulls, rows=min(dataset.row_count, looked * dataset.chunk_rows))
