"""This file is where a POST that is sent twice with one Idempotency-Key is done once.

The answer is kept in the transaction that had the effect: after a crash there are both or neither.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from litestar import Response

from grid import canonical
from grid.db import commands, listings
from grid.db.store import Store
from grid.db.transaction import Transaction
from grid.items import Json
from web.answers import as_json
from web.callers import Caller
from web.problems import AnyRequest, Problem, bad_field

HEADER = "idempotency-key"
#: Longer than any UUID or sensible name; keys are hashed, so this bounds a header only.
KEY_CHARS_MAX = 200

#: Does the effect and gives the answer: code and JSON.
Effect = Callable[[Transaction], tuple[int, Json]]


class Key:
    """The key of one request; without a header, a key that remembers nothing."""

    def __init__(self, request: AnyRequest, caller: Caller) -> None:
        given = request.headers.get(HEADER)
        if given is not None and not (0 < len(given) <= KEY_CHARS_MAX and given.isprintable()):
            raise bad_field("/idempotency-key", f"1 to {KEY_CHARS_MAX} printable characters")
        who = [caller.account_id, caller.host_id, request.method, request.url.path, given]
        self.hash = None if given is None else canonical.digest(canonical.dumps(who))

    def replayed(self, store: Store, body_digest: str) -> Response[bytes] | None:
        """The answer that was given before; raises 422 when the body is another one."""
        if self.hash is None:
            return None
        with store.read() as connection:
            kept = listings.remembered(connection, self.hash)
        if kept is None:
            return None
        if kept.body_digest != body_digest:
            detail = "this key came with another body before; take a new key for a new request"
            raise bad_field("/idempotency-key", detail, 422)
        return _answer(kept.code, kept.response, {"Idempotency-Replayed": "true"})

    async def once(
        self, store: Store, body_digest: str, effect: Effect
    ) -> tuple[Response[bytes], bool]:
        """Do the effect and keep its answer; False when a request with this key was quicker.

        `effect` may be called for an attempt that is rolled back.
        """

        def command(transaction: Transaction) -> tuple[int, Json]:
            code, answer = effect(transaction)
            if self.hash is not None:
                commands.remember_answer(transaction, self.hash, body_digest, answer, code)
            return code, answer

        try:
            code, answer = await store.awrite(command)
        except Exception as error:
            quicker = None if isinstance(error, Problem) else self.replayed(store, body_digest)
            if quicker is None:
                raise
            return quicker, False
        return _answer(code, answer, {}), True


def _answer(code: int, answer: Json, headers: dict[str, str]) -> Response[bytes]:
    """The answer, which says where the thing is that it made."""
    place = answer.get("_links", {}).get("self") if isinstance(answer, dict) else None
    if code == HTTPStatus.CREATED and place is not None:
        headers["Location"] = place["href"]
    return as_json(answer, code, headers)
