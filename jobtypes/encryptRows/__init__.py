"""This package is where encryptRows stands: chosen columns of a data set under a requester's key.

It counts chunks as points, for a row's number in the data set is part of what is authenticated.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

import pyarrow as pa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from grid.codegen import columnar, projection
from grid.codegen.build import Place, cast
from grid.codegen.build import column as find
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, indented
from grid.codegen.projection import Projection
from grid.codegen.reference import evaluate
from grid.codegen.tree import Expr
from grid.codegen.types import TEXT
from grid.items import Column, Json
from grid.plugins.contract import (
    OUTPUT_BYTES_LIMIT,
    Chunk,
    JobType,
    Merged,
    OutputError,
    Part,
    Points,
    hookimpl,
)

#: What a value takes a usual browser: two hashes, a cipher, some copies.
VALUE_NS = 25_000
NONCE_BYTES = 12
#: Bytes of a value of usual length, in base64 twice: nonce, tag byte, tag, and the text.
VALUE_BYTES = (NONCE_BYTES + 1 + 16 + 24) * 16 // 9 + 8


class EncryptRows(JobType):
    """Hosts encrypt; all other columns are read from the source when merging."""

    output_bytes_max = OUTPUT_BYTES_LIMIT

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points:
        """A point is a chunk; a work unit has as many as its output has room for."""
        most = max(rows, default=1)
        size = most * VALUE_BYTES * len(spec["columns"]) + projection.OUTPUT_BYTES
        if size > OUTPUT_BYTES_LIMIT:
            fitting = max(1, most * OUTPUT_BYTES_LIMIT // size)
            raise Place("/columns").refuse(
                f"the output of one chunk of {most:,} rows has some {size:,} bytes, and "
                f"{OUTPUT_BYTES_LIMIT:,} is the most: upload the data with a chunk_rows of "
                f"{fitting} or less, or choose fewer columns"
            )
        return Points(
            count=len(rows),
            point_ns=max(1, most * len(spec["columns"]) * VALUE_NS),
            per_workunit_max=OUTPUT_BYTES_LIMIT // size,
        )

    def chunks_needed(
        self, spec: Json, columns: Sequence[Column], rows: Sequence[int], first: int, count: int
    ) -> Sequence[int]:
        return range(first, first + count)

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        names = _names(spec, columns)
        return tuple(column.name for column in columns if column.name in names)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """The data set's, in their order; those that are encrypted are text."""
        names = _names(spec, columns)
        return tuple(
            columnar.column(column.name, TEXT) if column.name in names else column
            for column in columns
        )

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return _program(spec, columns).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return _program(spec, columns).params

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        return max(1, sum(rows[1:]) * len(spec["columns"]))

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        firsts = chunks[0]["first_rows"]
        answers = []
        for first, chunk in zip(firsts, chunks[1:], strict=True):
            count = len(next(iter(chunk.values())))
            spelled = []
            for name, text in _texts(spec, columns):
                sealer = _Sealer(bytes.fromhex(spec["key"]), name)
                values = evaluate(text, chunk, count)
                sealed = [sealer.seal(int(str(first)) + row, one) for row, one in enumerate(values)]
                spelled.append(columnar.spell(sealed, TEXT))
            answers.append({"columns": spelled})
        return {"chunks": answers}

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        try:
            width = len(spec["columns"])
            projection.check(output, rows[1:], expressions=width, where=False)
        except ValueError as error:
            raise OutputError(str(error)) from error
        for number, one in enumerate(output["chunks"]):
            if any(column["kind"] != "text" or column["valid"] for column in one["columns"]):
                raise OutputError(f"/chunks/{number}: a text is due for every row")

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"rows": 0}

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        """The part's rows, which are final; the state counts them."""
        order = [name for name, _ in _texts(spec, columns)]
        texts = tuple(text for _, text in _texts(spec, columns))
        encrypted = Projection(where=None, expressions=texts)
        _, kept = encrypted.parts(part.output, part.rows[1:], part.first_chunk, spec)
        names = [column.name for column in columns]
        plain = [name for name in names if name not in order]
        batches = []
        source = part.source(plain) if plain else iter([None] * len(part.rows[1:]))
        for one, batch in zip(kept, source, strict=True):
            made = dict(zip(order, one.arrays, strict=True))
            arrays = [made[name] if name in made else batch.column(name) for name in names]
            batches.append(pa.RecordBatch.from_arrays(arrays, names=names))
        rows = pa.concat_batches(batches) if batches else None
        return Merged(state={"rows": state["rows"] + sum(part.rows[1:])}, rows=rows)

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        return Merged(state=state)


class _Sealer:
    """Encrypts a column's values; the recipe is the README's."""

    def __init__(self, key: bytes, column: str) -> None:
        self._cipher = ChaCha20Poly1305(_sub_key(key, "cipher"))
        self._nonce_key, self._column = _sub_key(key, "nonce"), column.encode()

    def seal(self, row: int, text: str | None) -> str:
        """Base64 of nonce, ciphertext and tag."""
        plain = b"\x00" if text is None else b"\x01" + text.encode()
        place = row.to_bytes(8, "big") + self._column
        whole = len(place).to_bytes(4, "big") + place + plain
        nonce = hmac.digest(self._nonce_key, whole, hashlib.sha256)[:NONCE_BYTES]
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, plain, place)).decode()


def _sub_key(key: bytes, purpose: str) -> bytes:
    info = f"grid encryptRows 1 {purpose}".encode()
    return HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(key)


def _names(spec: Mapping[str, Json], columns: Sequence[Column]) -> list[str]:
    return [name for name, _ in _texts(spec, columns)]


def _texts(spec: Mapping[str, Json], columns: Sequence[Column]) -> list[tuple[str, Expr]]:
    """Each column to encrypt, in the spec's order, with its values as text."""
    found: list[tuple[str, Expr]] = []
    for number, name in enumerate(spec["columns"]):
        place = Place(f"/columns/{number}")
        one = find(name, columns, place)
        if one.column.name in [before for before, _ in found]:
            raise place.refuse(f"{one.column.name!r} is chosen twice")
        found.append((one.column.name, cast(one, TEXT, place)))
    return found


def _program(spec: Mapping[str, Json], columns: Sequence[Column]) -> Program:
    """Like any program over chunks, but that the first input is their numbers."""
    texts = _texts(spec, columns)
    names = [name for name, _ in texts]
    frame = Frame([one for one in columns if one.name in names], *[text for _, text in texts])
    rows = Rows(frame)
    makers, adding, start, end = [], [], [], []
    for place, (name, text) in enumerate(texts):
        makers.append((place, frame.literal("text", name)))
        cell = rows.cell(text)
        known = " & ".join(cell.valid) or "1"
        adding += [
            f"const sealed{place} = kit.seal(sealer{place}, first + i, {cell.text}, {known});",
            f"kit.puttext(out{place}, sealed{place}, 1);",
        ]
        start.append(f"const out{place} = kit.textcolumn();")
        end.append(f"kit.push(outs, kit.utf8(out{place}));")
    # The requester's key is the last of the literals that a host gets.
    key = len(frame.literals)
    lines = [
        "(function (inputs, params, kit) {",
        '"use strict";',
        "const literals = params.literals;",
        *frame.setup,
        *(f"const sealer{place} = kit.sealer(literals[{key}], {name});" for place, name in makers),
        "const answers = kit.list();",
        "const all = inputs.length;",
        "for (let j = 0; j < all; j++) {",
        "const chunk = inputs[j];",
        "if (j > 0) {",
        "const first = chunk.first;",
        "const count = chunk.rows;",
        "const columns = chunk.columns;",
        *frame.chunk,
        "const outs = kit.list();",
        *start,
        "for (let i = 0; i < count; i++) {",
        *rows.lines,
        *adding,
        "}",
        *end,
        "kit.push(answers, {columns: outs});",
        "}",
        "}",
        "return {chunks: answers};",
        "})",
    ]
    return Program(indented(lines), {"literals": list(frame.literals)})


@hookimpl
def grid_job_type() -> JobType:
    """encryptRows."""
    return EncryptRows()
