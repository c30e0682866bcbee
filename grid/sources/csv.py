"""This file is where a CSV file becomes a data set: columns, types, and chunks in the blob store.

The file is read twice, a block at a time, whatever its size: once to learn what the columns are,
once to cut them. Reading CSV again costs less than writing what was read down in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

import pyarrow as pa
from msgspec import Struct

from grid import chunks
from grid.blobs import BlobStore
from grid.items import ChunkColumn, Column
from grid.sources.column import ColumnScan
from grid.sources.error import SourceError, pointer
from grid.sources.given import GivenType, given_type
from grid.sources.header import names as header_names
from grid.sources.rows import Dialect, Rows
from grid.sources.spool import Upload

#: Rows of a chunk unless asked otherwise: about 1 MB of the widest usual column.
CHUNK_ROWS = 65_536
#: More would outgrow what a volunteer's browser tab can be asked to hold.
CHUNK_ROWS_MAX = 262_144
#: Text in one chunk over all columns: chunks of wide rows get fewer rows, so memory is bounded.
CHUNK_BYTES_MAX = 64 * 1024 * 1024
#: Each is a file and a row in the database.
BLOBS_MAX = 200_000
#: Chunks are stored so many, or so many bytes, at a time: small ones share the wait for the disk.
GROUP_CHUNKS_MAX = 256
GROUP_BYTES = 1 << 20
#: More spellings of NULL than any file has.
NULLS_MAX = 100


class CsvOptions(Struct, frozen=True, kw_only=True):
    """How to read the file."""

    #: Whether the first row holds names; None to infer it.
    header: bool | None = None
    #: Unquoted fields that are NULL.
    nulls: tuple[str, ...] = ("",)
    delimiter: str = ","
    #: Column name → type ("int64", "decimal(10,2)", …); the others are inferred.
    types: Mapping[str, str] = {}
    chunk_rows: int = CHUNK_ROWS


class Ingested(Struct, frozen=True, kw_only=True):
    """A data set whose every blob is on the disk."""

    columns: tuple[Column, ...]
    row_count: int
    #: Rows of every chunk but the last; fewer than asked for where rows are very wide.
    chunk_rows: int
    #: Chunk by chunk, the columns in order.
    chunk_columns: tuple[ChunkColumn, ...]
    #: Bytes stored over all columns and chunks.
    byte_count: int
    source_digest: str


def ingest(upload: Upload, options: CsvOptions, blobs: BlobStore) -> Ingested:
    """Cut the file into chunks and store them; blocks, so call it from a thread.

    Raises SourceError, naming the option or "/body"; blobs that were stored by then stay.
    """
    _check(options)
    rows = Rows(upload.path, Dialect(delimiter=options.delimiter, nulls=options.nulls))
    names, header = header_names(rows.head, options.header, options.nulls)
    given = _given(options.types, names)
    scans = [ColumnScan(name, given.get(name)) for name in names]
    sizes = _scan(rows.batches(header=header), scans)
    row_count = sum(count for count, _ in sizes)
    chunk_rows = _bounded_rows(sizes, options.chunk_rows)
    blob_count = -(-row_count // chunk_rows) * len(names)
    if blob_count > BLOBS_MAX:
        raise SourceError(
            "/chunk_rows",
            f"{blob_count:,} blobs, and {BLOBS_MAX:,} are the most: ask for more rows",
        )
    columns = tuple(scan.column() for scan in scans)
    stored: list[ChunkColumn] = []
    cut = _cut(_typed(rows.batches(header=header), scans, columns), chunk_rows)
    for group in _grouped(cut):
        stored += _store(len(stored) // len(names), group, columns, blobs)
    return Ingested(
        columns=columns,
        row_count=row_count,
        chunk_rows=chunk_rows,
        chunk_columns=tuple(stored),
        byte_count=sum(item.bytes for item in stored),
        source_digest=upload.source_digest,
    )


def _check(options: CsvOptions) -> None:
    mark = options.delimiter
    if len(mark) != 1 or not mark.isascii() or mark in '"\r\n\0':
        raise SourceError("/delimiter", "one ASCII character that is no quote and ends no line")
    if not 1 <= options.chunk_rows <= CHUNK_ROWS_MAX:
        raise SourceError("/chunk_rows", f"a number from 1 to {CHUNK_ROWS_MAX:,}")
    if len(options.nulls) > NULLS_MAX:
        raise SourceError("/null", f"at most {NULLS_MAX} spellings of NULL")


def _given(types: Mapping[str, str], names: Sequence[str]) -> dict[str, GivenType]:
    found = {}
    for name, type in types.items():
        if name not in names:
            raise SourceError(pointer("types", name), f"no such column among {list(names)[:20]}")
        try:
            found[name] = given_type(type)
        except ValueError as error:
            raise SourceError(pointer("types", name), str(error)) from error
    return found


def _scan(batches: Iterable[pa.RecordBatch], scans: Sequence[ColumnScan]) -> list[tuple[int, int]]:
    """Show every value to its column's scan; the rows and bytes of each batch."""
    sizes = []
    for batch in batches:
        for scan, texts in zip(scans, batch.columns, strict=True):
            scan.observe(texts)
        sizes.append((batch.num_rows, batch.nbytes))
    return sizes


def _bounded_rows(sizes: Sequence[tuple[int, int]], chunk_rows: int) -> int:
    """`chunk_rows`, halved until no chunk can have more text than CHUNK_BYTES_MAX."""
    while chunk_rows > 1 and _heaviest_bytes(sizes, chunk_rows) > CHUNK_BYTES_MAX:
        chunk_rows //= 2
    return chunk_rows


def _heaviest_bytes(sizes: Sequence[tuple[int, int]], chunk_rows: int) -> int:
    """At most how many bytes a chunk has: those of every batch it takes rows from."""
    row = heaviest = current = 0
    for rows, size in sizes:
        heaviest = max(heaviest, current + size)
        current = current + size if row // chunk_rows == (row + rows) // chunk_rows else size
        row += rows
    return heaviest


def _typed(
    batches: Iterable[pa.RecordBatch], scans: Sequence[ColumnScan], columns: Sequence[Column]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        arrays = [
            scan.values(texts, column)
            for scan, texts, column in zip(scans, batch.columns, columns, strict=True)
        ]
        yield pa.record_batch(arrays, names=batch.schema.names)


def _cut(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of `rows`, the last one with what is left."""
    pending: list[pa.RecordBatch] = []
    missing = rows
    for batch in batches:
        while batch.num_rows >= missing:
            yield _joined([*pending, batch.slice(0, missing)])
            batch, pending, missing = batch.slice(missing), [], rows
        if batch.num_rows:
            pending.append(batch)
            missing -= batch.num_rows
    if pending:
        yield _joined(pending)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _grouped(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """The same batches, some at a time: many small ones, or a large one alone."""
    group: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        group.append(batch)
        size += batch.nbytes
        if len(group) == GROUP_CHUNKS_MAX or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _store(
    first: int, group: Sequence[pa.RecordBatch], columns: Sequence[Column], blobs: BlobStore
) -> Iterator[ChunkColumn]:
    """Store the chunks from number `first` on."""
    encoded = [
        chunks.encode_column(array, column)
        for batch in group
        for array, column in zip(batch.columns, columns, strict=True)
    ]
    places = product(enumerate(group, first), columns)
    for place, data, digest in zip(places, encoded, blobs.put_many(encoded), strict=True):
        (chunk, batch), column = place
        yield ChunkColumn(
            chunk=chunk, column=column.name, rows=batch.num_rows, digest=digest, bytes=len(data)
        )
