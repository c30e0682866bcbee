"""This file is where CSV text becomes batches of text columns, or an error naming the row."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
from msgspec import Struct

from grid.sources.error import SourceError

#: More columns than a data set has use for; each is a blob in every chunk.
COLUMNS_MAX = 1000
#: Text parsed at a time (Arrow reads up to 32 blocks ahead). A row must fit, which also bounds what
#: an unclosed quote swallows.
BLOCK_BYTES = 1024 * 1024
#: Characters of a bad row that an error repeats.
EXCERPT_CHARS = 60


class Dialect(Struct, frozen=True, kw_only=True):
    """How fields and NULL are spelled."""

    delimiter: str = ","
    #: Unquoted fields that are NULL; a quoted field never is.
    nulls: tuple[str, ...] = ("",)


class Rows:
    """The rows of a CSV file (RFC 4180), every field as text, read as often as needed.

    A line may end in \\n, \\r\\n or \\r. Empty lines are passed over, except in a file of one
    column, where they are rows. A quote within an unquoted field is a character like any other.
    """

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self._path, self._dialect = path, dialect
        self._skips_empty_lines = True
        #: The first rows, at least one; every field as it was spelled, none of them NULL.
        self.head = self._first_block()
        if self.head.num_columns == 1:
            self._skips_empty_lines = False
            self.head = self._first_block()
        if self.head.num_columns > COLUMNS_MAX:
            raise SourceError(
                "/body", f"{self.head.num_columns:,} columns, and {COLUMNS_MAX:,} are the most"
            )

    def batches(self, *, header: bool) -> Iterator[pa.RecordBatch]:
        """All rows, the first left out when it is a header; some batches may be empty.

        Raises SourceError("/body") for a row with too few or too many fields, by its number, and
        for a quote that is never closed. Rows count from 1, the header not counted.
        """
        columns = self.head.num_columns
        tail = _Tail(self._dialect.delimiter * columns + secrets.token_hex(16), header)
        skip = int(header)
        for batch in self._open(self._dialect.nulls, columns, tail):
            yield batch.slice(skip)
            skip = max(0, skip - batch.num_rows)
        if not tail.seen:
            raise SourceError("/body", "the last quoted field is never closed")

    def _first_block(self) -> pa.RecordBatch:
        for batch in self._open((), COLUMNS_MAX + 1, None):
            if batch.num_rows:
                return batch
        raise SourceError("/body", "no rows at all")

    def _open(
        self, nulls: Sequence[str], columns: int, tail: _Tail | None
    ) -> Iterator[pa.RecordBatch]:
        ending = b"\n" if tail is None else tail.line(self._path)
        try:
            with io.BufferedReader(_Joined(self._path, ending), BLOCK_BYTES) as file:
                yield from pa_csv.open_csv(
                    file,
                    read_options=pa_csv.ReadOptions(
                        use_threads=False, block_size=BLOCK_BYTES, autogenerate_column_names=True
                    ),
                    parse_options=pa_csv.ParseOptions(
                        delimiter=self._dialect.delimiter,
                        newlines_in_values=True,
                        ignore_empty_lines=self._skips_empty_lines,
                        invalid_row_handler=tail.judge if tail else _skip,
                    ),
                    convert_options=pa_csv.ConvertOptions(
                        column_types={f"f{place}": pa.utf8() for place in range(columns)},
                        null_values=list(nulls),
                        strings_can_be_null=True,
                        quoted_strings_can_be_null=False,
                    ),
                )
        except pa.ArrowInvalid as error:
            raise _explained(error, tail, self._path) from error


class _Tail:
    """A last row of our own, one field too long: it is seen unless an open quote swallowed it."""

    def __init__(self, text: str, header: bool) -> None:
        self.text, self.header = text, header
        self.seen = False
        self.fault = ""

    def line(self, path: Path) -> bytes:
        """What to append to the file: it ends the last line where that is still open."""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 1))
            ended = file.read(1) in b"\r\n"
        return ("" if ended else "\n").encode() + self.text.encode() + b"\n"

    def judge(self, row: Any) -> str:
        if row.text == self.text:
            self.seen = True
            return "skip"
        if self.text in row.text:
            self.fault = "the last quoted field is never closed"
        else:
            number = row.number - self.header if row.number is not None else "?"
            self.fault = (
                f"row {number} has {row.actual_columns} of {row.expected_columns} fields: "
                f"{row.text[:EXCERPT_CHARS]!r}"
            )
        return "error"


class _Joined(io.RawIOBase):
    """A file with some more bytes behind it."""

    def __init__(self, path: Path, ending: bytes) -> None:
        self._file, self._ending = path.open("rb"), io.BytesIO(ending)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer) or self._ending.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


def _skip(row: Any) -> str:
    return "skip"


def _explained(error: pa.ArrowInvalid, tail: _Tail | None, path: Path) -> SourceError:
    """Arrow's complaint in words about the file; a complaint nobody expected stays as it is."""
    message = str(error)
    if tail is not None and tail.fault:
        return SourceError("/body", tail.fault)
    if "straddling" in message:
        return SourceError(
            "/body", f"a row of more than {BLOCK_BYTES:,} bytes, or a quote that is never closed"
        )
    if "Empty CSV" in message:
        with path.open("rb") as file:
            blank = not file.read(BLOCK_BYTES).strip(b"\r\n")
        return SourceError("/body", "no rows at all" if blank else "a quote that is never closed")
    return SourceError("/body", message)
