"""This file is where a file comes in by a form, from a browser without scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, post
from litestar.datastructures import UploadFile
from msgspec import Meta, Struct

from grid.db import commands
from grid.db.transaction import Transaction
from grid.identifiers import Kind
from grid.items import DataSet
from grid.sources.csv import CsvOptions
from web import bodies, forms, uploading
from web.allowing import require_disk, require_room
from web.callers import caller_of, require, session_of
from web.messages import NAME_CHARS_MAX
from web.problems import AnyRequest, bad_field, sent_on
from web.server import Server, server_of

#: Beside the file: fields of the form, and the lines between them.
FORM_BYTES_MAX = 100_000
PIECE_BYTES = 1 << 18
MEDIA_TYPE = "multipart/form-data"
Field = Annotated[str, Meta(max_length=10_000)]


class UploadForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of a file."""

    name: Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX)]
    csrf: Field = ""
    next: Field = ""
    #: Where the file is, for the server to fetch it; instead of a file.
    source: Field = ""
    header: Literal["", "true", "false"] = ""
    null: Field = ""
    delimiter: Field = ","
    types: Field = ""
    public: Literal["true", "false"] = "true"


@post("/datasets/new", status_code=200, request_max_body_size=None)
async def upload_by_form(request: AnyRequest) -> Response[Any]:
    """Takes a CSV file as a new data set from a form, and goes on to where it is used."""
    server = server_of(request)
    account_id = require(session_of(request, server.store), "requester", "admin")
    if not request.headers.get("content-type", "").startswith(MEDIA_TYPE):
        caller_of(request, server.store)
        bodies.require_content_type(request, MEDIA_TYPE)
    announced = request.headers.get("content-length", "")
    if not announced.isdecimal():
        raise bad_field("/body", "its length must be said beforehand", 411)
    bytes_said = str(max(0, int(announced[:20]) - FORM_BYTES_MAX))
    require_disk(server, uploading.check_length(server, bytes_said))
    try:
        sent = dict(await request.form())
    except ValueError as error:
        raise bad_field("/body", f"the body is no form: {error}") from error
    file = sent.pop("file", None)
    try:
        form = msgspec.convert(sent, UploadForm)
    except msgspec.ValidationError as error:
        raise bodies.named(str(error)) from error
    caller = caller_of(request, server.store, form.csrf)
    await server.rates.account(account_id)
    there = isinstance(file, UploadFile) and bool(file.filename)
    if there == bool(form.source):
        raise bad_field("/file", "choose a file, or say where one is: one of the two")
    if not form.name.strip() or not form.name.isprintable():
        raise bad_field("/name", f"name: 1 to {NAME_CHARS_MAX} printable characters")
    pieces = _pieces(file) if there else uploading.fetched(server, form.source)
    taken = await uploading.take(server, pieces, _options(server, form))
    new = uploading.new_dataset(account_id, form.name, form.public == "true", taken)

    def add(transaction: Transaction) -> DataSet:
        dataset = commands.add_dataset(transaction, new)
        require_room(server, transaction, caller)
        return dataset

    dataset = await server.store.awrite(add)
    public_id = server.names.of(Kind.DATASET, dataset.id)
    onward = form.next + public_id if form.next else f"/datasets/{public_id}"
    return sent_on(forms.local(onward))


def _options(server: Server, form: UploadForm) -> CsvOptions:
    try:
        types = msgspec.json.decode(form.types, type=dict[str, str]) if form.types else {}
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise bad_field("/types", f"types: a JSON object of texts is wanted: {error}") from error
    return CsvOptions(
        header=None if not form.header else form.header == "true",
        nulls=(form.null,),
        delimiter=form.delimiter,
        types=types,
        chunk_rows=server.settings.chunk_rows,
    )


async def _pieces(file: Any) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE_BYTES):
        yield piece


HANDLERS = (upload_by_form,)
