"""This file is where the blobs are read that a work unit's program is given."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from grid.db import queries
from grid.items import ChunkColumn, DataSet


def chunk_blobs(
    connection: Connection, dataset: DataSet | None, chunks: Sequence[int], names: Collection[str]
) -> list[ChunkColumn]:
    """The blobs of some columns of these chunks, in their order; a run of them is read at once."""
    if dataset is None or not names:
        return []
    found: list[ChunkColumn] = []
    start = 0
    for end in range(1, len(chunks) + 1):
        if end == len(chunks) or chunks[end] != chunks[end - 1] + 1:
            run = chunks[start:end]
            found += queries.chunk_columns(connection, dataset, run[0], len(run), names)
            start = end
    return found
