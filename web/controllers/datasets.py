"""This file is where data sets are uploaded, listed, shown, and looked into."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pyarrow as pa
from litestar import Response, get, post

from grid import canonical, chunks
from grid.db import commands, listings, queries
from grid.db.transaction import Transaction
from grid.identifiers import Kind
from grid.items import DataSet, Json
from grid.sources.csv import CsvOptions
from grid.sources.spool import Upload
from web import blob_links, bodies, looks, public_view, uploading
from web.allowing import require_disk, require_room
from web.answers import as_json
from web.callers import require
from web.idempotency import Key
from web.messages import NAME_CHARS_MAX, SourceBody
from web.problems import AnyRequest, bad_field
from web.public_view import API
from web.routes import PAGED, about
from web.server import Server

OPTIONS = {
    "name": "what the data set is called",
    "header": "`true` or `false`: whether the first row names the columns; inferred when not given",
    "null": "an unquoted field that means NULL, repeatable; the empty field when not given",
    "delimiter": "one character; a comma when not given",
    "types": "JSON object, column → `int64`, `double`, `boolean`, `text`, `decimal(p,s)`, `date` "
    "or `timestamp`; the first four are inferred otherwise",
    "chunk_rows": "rows of a chunk",
    "public": "`true` or `false`: whether anybody may read it; `true` when not given",
}

#: A URL and the braces around it.
SOURCE_BODY_MAX = 4_000
#: Rows of a preview unless asked otherwise, and at most.
PREVIEW_ROWS = 20
PREVIEW_ROWS_MAX = 200


@post(
    "/datasets",
    request_max_body_size=None,
    opt=about(
        body="text/csv",
        query=OPTIONS,
        code=201,
        problems=(400, 401, 403, 409, 413, 415, 422, 429, 507),
    ),
)
async def upload_dataset(request: AnyRequest) -> Response[bytes]:
    """Takes a CSV file as a new data set: the body is the file, streamed; the query says the rest.

    A body of `application/json`, `{"source": "https://…"}`, has the server fetch the file, from
    where its operator allows. Needs a requester's or admin's token.
    """
    server, caller = looks.asked(request)
    account_id = require(caller, "requester", "admin")
    key = Key(request, caller)
    source = await _source(request)
    options, name, public = _options(request, server)
    expected = uploading.check_length(server, request.headers.get("content-length", "0"))
    await server.rates.account(account_id)
    require_disk(server, expected)
    query = sorted(request.query_params.multi_items())
    digests = [] if source is None else [_digest(source, query)]

    def replay(upload: Upload | None) -> None:
        if upload is not None and source is None:
            digests.append(_digest(upload.source_digest, query))
        replayed = key.replayed(server.store, digests[0])
        if replayed is not None:
            raise _Replayed(replayed)

    try:
        if source is not None:
            replay(None)
        pieces = request.stream() if source is None else uploading.fetched(server, source)
        taken = await uploading.take(server, pieces, options, replay)
    except _Replayed as again:
        return again.response

    def add(transaction: Transaction) -> tuple[int, Json]:
        new = uploading.new_dataset(account_id, name, public, taken)
        dataset = commands.add_dataset(transaction, new)
        require_room(server, transaction, caller)
        return 201, public_view.dataset(dataset, server.names)

    response, _ = await key.once(server.store, digests[0], add)
    return response


class _Replayed(Exception):
    """The same was uploaded before, under the same key."""

    def __init__(self, response: Response[bytes]) -> None:
        self.response = response
        super().__init__()


async def _source(request: AnyRequest) -> str | None:
    """The URL that the server is to fetch; None where the body is the file."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != "application/json":
        bodies.require_content_type(request, "text/csv")
        return None
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > SOURCE_BODY_MAX:
            raise bad_field("/body", f"more than {SOURCE_BODY_MAX:,} bytes", 413)
    return bodies.decode(body, SourceBody).source


def _digest(what: str, query: list[tuple[str, str]]) -> str:
    return canonical.digest(canonical.dumps([what, query]))


def _options(request: AnyRequest, server: Server) -> tuple[CsvOptions, str, bool]:
    bodies.allow_query(request, *OPTIONS)
    name = request.query_params.get("name", "")
    if not name.strip() or len(name) > NAME_CHARS_MAX or not name.isprintable():
        raise bad_field("/name", f"name: 1 to {NAME_CHARS_MAX} printable characters")
    nulls = request.query_params.getall("null", [])
    rows = bodies.convert_query(request, "chunk_rows", int)
    options = CsvOptions(
        header=bodies.convert_query(request, "header", bool),
        nulls=tuple(nulls) if nulls else ("",),
        delimiter=request.query_params.get("delimiter", ","),
        types=_types(request.query_params.get("types")),
        chunk_rows=server.settings.chunk_rows if rows is None else rows,
    )
    public = bodies.convert_query(request, "public", bool)
    return options, name, public is not False


def _types(text: str | None) -> dict[str, str]:
    try:
        return {} if text is None else msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise bad_field("/types", f"types: a JSON object of texts is wanted: {error}") from error


@get("/datasets", sync_to_thread=True, opt=about(query=PAGED, problems=(400,)))
def list_datasets(request: AnyRequest) -> Response[bytes]:
    """Lists data sets, newest first: all public ones, and the caller's own."""
    server, caller = looks.asked(request)
    bodies.allow_query(request, *PAGED)
    limit = looks.page_limit(request)
    before = looks.page_cursor(request, server, Kind.DATASET)
    with server.store.read() as connection:
        found = listings.datasets(connection, caller.viewer, limit + 1, before)
    following = None
    if len(found) > limit:
        last = server.names.of(Kind.DATASET, found[limit - 1].id)
        following = f"{API}/datasets?limit={limit}&cursor={last}"
    items = [public_view.dataset(one, server.names) for one in found[:limit]]
    return as_json(public_view.page(items, f"{API}/datasets", following))


@get("/datasets/{id:str}", sync_to_thread=True, opt=about(problems=(404,)))
def show_dataset(request: AnyRequest) -> Response[bytes]:
    """Shows a data set: its columns with their types, and its size."""
    server, caller = looks.asked(request)
    dataset = looks.find_dataset(server, caller, request.path_params["id"])
    return as_json(public_view.dataset(dataset, server.names))


@get(
    "/datasets/{id:str}/preview",
    sync_to_thread=True,
    opt=about(query={"rows": "how many, 1 to 200; 20 when not given"}, problems=(400, 404)),
)
def preview_dataset(request: AnyRequest) -> Response[bytes]:
    """Shows the first rows of a data set. Integers beyond 2⁵³ and NaN are texts."""
    server, caller = looks.asked(request)
    bodies.allow_query(request, "rows")
    dataset = looks.find_dataset(server, caller, request.path_params["id"])
    rows = bodies.convert_query(request, "rows", int)
    if rows is not None and not 1 <= rows <= PREVIEW_ROWS_MAX:
        raise bad_field("/rows", f"rows: 1 to {PREVIEW_ROWS_MAX}")
    return as_json(first_rows(server, dataset, rows or PREVIEW_ROWS))


def first_rows(server: Server, dataset: DataSet, rows: int) -> dict[str, Any]:
    """`{"columns": [name …], "rows": [[value …] …]}` from the first chunk."""
    names = [column.name for column in dataset.columns]
    if not dataset.chunk_count:
        return {"columns": names, "rows": []}
    with server.store.read() as connection:
        found = queries.chunk_columns(connection, dataset, 0, 1, names)
    arrays = [chunks.decode_column(server.store.blobs.get(one.digest))[:rows] for one in found]
    batch = pa.RecordBatch.from_arrays(arrays, names=names)
    decoded: dict[str, Any] = json.loads(b"".join(chunks.write_json(dataset.columns, [batch])))
    return decoded


@get(
    "/datasets/{id:str}/chunks",
    sync_to_thread=True,
    opt=about(query=PAGED, problems=(400, 404)),
)
def list_chunks(request: AnyRequest) -> Response[bytes]:
    """Lists a data set's chunks, each column of each as a blob with its digest."""
    server, caller = looks.asked(request)
    bodies.allow_query(request, *PAGED)
    limit, after = looks.page_limit(request), looks.number_cursor(request)
    dataset = looks.find_dataset(server, caller, request.path_params["id"])
    names = [column.name for column in dataset.columns]
    with server.store.read() as connection:
        found = queries.chunk_columns(connection, dataset, after + 1, limit, names)
    items: dict[int, dict[str, Any]] = {}
    for one in found:
        chunk = items.setdefault(one.chunk, {"chunk": one.chunk, "rows": one.rows, "columns": []})
        link = blob_links.public_link(one.digest)
        chunk["columns"].append(
            {"name": one.column, "digest": one.digest, "bytes": one.bytes, "url": link}
        )
    base = f"{API}/datasets/{server.names.of(Kind.DATASET, dataset.id)}/chunks"
    last = after + len(items)
    more = last + 1 < dataset.chunk_count
    following = f"{base}?limit={limit}&cursor={last}" if more else None
    return as_json(public_view.page(list(items.values()), base, following))
