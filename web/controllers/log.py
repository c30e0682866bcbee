"""This file is where the public log is served: its checkpoint, its tiles, and proofs.

What is served are the bytes that were published, for caches and for clients of others.
"""

from __future__ import annotations

from litestar import Response, get

from grid.auditlog import tiles
from grid.db import leaves, published
from grid.db.published import NotThere
from web.problems import AnyRequest, bad_field, not_found
from web.public_view import LOG
from web.routes import about
from web.server import Server, server_of

TEXT = "text/plain"
BYTES = "application/octet-stream"
#: A checkpoint is a second old at most, so no cache may make it older.
NEVER_KEPT = "no-cache"
#: Bytes that never change.
KEPT_FOR_EVER = "public, max-age=31536000, immutable"
#: A leaf's number: 2⁶³ leaves have 19 digits.
DIGITS_MAX = 19
SECONDS_DIGITS_MAX = 12


@get(f"{LOG}/checkpoint", sync_to_thread=True, opt=about(answer="text/plain", problems=(404,)))
def show_checkpoint(request: AnyRequest) -> Response[bytes]:
    """Gives the log's newest checkpoint: its size and root, signed."""
    return _note(server_of(request), published.CHECKPOINT)


@get(f"{LOG}/witnessed", sync_to_thread=True, opt=about(answer="text/plain", problems=(404,)))
def show_witnessed(request: AnyRequest) -> Response[bytes]:
    """Gives the newest checkpoint that enough witnesses have cosigned."""
    return _note(server_of(request), published.WITNESSED)


@get(
    f"{LOG}/keys",
    sync_to_thread=True,
    opt=about(
        answer="text/plain",
        query={"purpose": "`log`, the default, for checkpoints, or `promise` for promises"},
        problems=(400,),
    ),
)
def show_log_keys(request: AnyRequest) -> Response[bytes]:
    """Gives the keys that the log is signed with, newest first, as verifier keys, one a line."""
    purpose = request.query_params.get("purpose", leaves.LOG)
    if purpose not in (leaves.LOG, leaves.PROMISE):
        raise bad_field("/purpose", f"one of {leaves.LOG}, {leaves.PROMISE}")
    with server_of(request).store.read() as connection:
        text = "".join(f"{one}\n" for one in leaves.announced(connection, purpose))
    return Response(text.encode(), media_type=TEXT, headers={"Cache-Control": NEVER_KEPT})


@get(
    f"{LOG}/tile/{{tile:path}}",
    sync_to_thread=True,
    opt=about(answer="application/octet-stream", problems=(404,)),
)
def show_tile(request: AnyRequest) -> Response[bytes]:
    """Gives a tile of hashes, or a bundle of leaves under `entries/`, whole or its first few."""
    server = server_of(request)
    wanted = tiles.parse(request.path_params["tile"].removeprefix("/"))
    newest = published.checkpoint(server.store.log)
    if wanted is None or newest is None:
        raise not_found("tile")
    if wanted.width > tiles.width_of(wanted.level, wanted.index, newest[1].size):
        raise not_found("tile")
    try:
        with server.store.read() as connection:
            data = published.tile(connection, server.store.log, wanted)
    except NotThere as error:
        raise not_found("tile") from error
    return Response(data, media_type=BYTES, headers={"Cache-Control": KEPT_FOR_EVER})


@get(
    f"{LOG}/proof/{{leaf:str}}",
    sync_to_thread=True,
    opt=about(answer="text/plain", problems=(400, 404)),
)
def show_proof(request: AnyRequest) -> Response[bytes]:
    """Gives the proof, as a .tlog-proof, that a leaf is in the newest checkpoint."""
    text = request.path_params["leaf"]
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX):
        raise bad_field("/leaf", "a leaf's index is a whole number from 0")
    return _proof(server_of(request), int(text))


@get(
    f"{LOG}/receipts/{{commitment:str}}",
    sync_to_thread=True,
    opt=about(
        answer="text/plain",
        query={"at": "when the answer came in, as the promise says"},
        problems=(400, 404),
    ),
)
def show_receipt(request: AnyRequest) -> Response[bytes]:
    """Redeems a promise: gives the proof that the log holds a commitment. 404 until it does."""
    server, at = server_of(request), request.query_params.get("at", "")
    if not (at.isascii() and at.isdecimal() and len(at) <= SECONDS_DIGITS_MAX):
        raise bad_field("/at", "seconds since 1970, as the promise says")
    commitment = request.path_params["commitment"]
    with server.store.read() as connection:
        number = published.leaf_of_commitment(connection, server.store.log, commitment, int(at))
    if number is None:
        raise not_found("commitment in the log yet")
    return _proof(server, number)


def _proof(server: Server, number: int) -> Response[bytes]:
    try:
        with server.store.read() as connection:
            proof = published.proof(connection, server.store.log, number)
    except NotThere as error:
        raise not_found("leaf") from error
    return Response(
        str(proof).encode(),
        media_type=TEXT,
        headers={
            "Cache-Control": NEVER_KEPT,
            "Content-Disposition": f'inline; filename="leaf-{number}.tlog-proof"',
        },
    )


def _note(server: Server, name: str) -> Response[bytes]:
    text = server.store.log.note(name)
    if text is None:
        raise not_found("checkpoint")
    return Response(text.encode(), media_type=TEXT, headers={"Cache-Control": NEVER_KEPT})


HANDLERS = (show_checkpoint, show_witnessed, show_log_keys, show_tile, show_proof, show_receipt)
