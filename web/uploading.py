"""This file is where uploaded bytes become a data set, whoever sends them and however."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from grid.db.commands import NewDataSet
from grid.sources.csv import CsvOptions, Ingested, ingest
from grid.sources.error import SourceError, TooLarge
from grid.sources.fetching import fetch
from grid.sources.guard import Guard
from grid.sources.spool import Upload, spool
from web.problems import bad_field
from web.server import Server


def check_length(server: Server, announced: str) -> int:
    """How many bytes are to come, as is said; raises 413 for more than the server takes."""
    limit = server.settings.upload_bytes_max
    expected = int(announced[:20]) if announced.isdecimal() else 0
    if expected > limit:
        raise bad_field("/body", f"more than {limit:,} bytes", 413)
    return expected


def fetched(server: Server, url: str) -> AsyncIterator[bytes]:
    """The file at this URL, from where the operator lets the server fetch."""
    limits = server.settings
    guard = Guard(hosts=limits.source_hosts, networks=limits.source_networks)
    return fetch(url, guard, limits.upload_bytes_max, limits.source_limit_s)


async def take(
    server: Server,
    pieces: AsyncIterator[bytes],
    options: CsvOptions,
    before: Callable[[Upload], None] = lambda _: None,
) -> Ingested:
    """A CSV file with every blob on the disk; raises Problem naming the field.

    `before` sees what came before it is read, and may raise.
    """
    folder = server.settings.data_dir / "uploads"
    folder.mkdir(exist_ok=True)
    try:
        async with spool(pieces, server.settings.upload_bytes_max, folder) as upload:
            before(upload)
            return await asyncio.to_thread(ingest, upload, options, server.store.blobs)
    except SourceError as error:
        code = 413 if isinstance(error, TooLarge) else 400
        raise bad_field(error.field, error.message, code) from error


def new_dataset(account_id: int, name: str, public: bool, taken: Ingested) -> NewDataSet:
    """What is recorded of it."""
    return NewDataSet(
        account_id=account_id,
        name=name,
        public=public,
        columns=taken.columns,
        row_count=taken.row_count,
        chunk_rows=taken.chunk_rows,
        chunk_columns=taken.chunk_columns,
        byte_count=taken.byte_count,
        source_digest=taken.source_digest,
    )
