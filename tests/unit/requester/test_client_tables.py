"""This file is where frames, files and rows become uploads, and outputs become frames."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from datetime import datetime as moment
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from grid.blobs import BlobStore
from grid.chunks import decode_column, to_python
from grid.client import GridError, Output
from grid.client.tables import table
from grid.sources.csv import CsvOptions, ingest
from grid.sources.spool import Upload

MOMENT = moment(2020, 1, 1, 1, 2, 3, 4)  # noqa: DTZ001 - moments here have no zone
WHOLE = pa.table(
    {
        "whole": pa.array([1, None, 2**62], pa.int64()),
        "text": ["", None, 'a "b",\nc'],
        "double": [0.1, float("nan"), None],
        "truth": [True, False, None],
        "money": pa.array([Decimal("1.50"), None, Decimal("-0.01")], pa.decimal128(10, 2)),
        "day": [date(2020, 2, 29), None, date(1, 1, 1)],
        "moment": pa.array([MOMENT, None, None], pa.timestamp("us")),
    }
)
TYPES = {
    "whole": "int64", "text": "text", "double": "double", "truth": "boolean",
    "money": "decimal(10,2)", "day": "date", "moment": "timestamp",
}  # fmt: skip


def sent(data: Any) -> bytes:
    return b"".join(table(data).body())


def taken(folder: Path, data: Any) -> dict[str, list[Any]]:
    """What a server has of an upload, column by column."""
    upload, path = table(data), folder / "upload"
    path.write_bytes(b"".join(upload.body()))
    options = CsvOptions(header=True, types=json.loads(upload.query.get("types", "{}")))
    blobs = BlobStore(folder / "blobs")
    found = ingest(
        Upload(path=path, byte_count=path.stat().st_size, source_digest=""), options, blobs
    )
    return {
        column.name: to_python(decode_column(blobs.get(part.digest)))
        for column, part in zip(found.columns, found.chunk_columns, strict=True)
    }


def test_an_arrow_table_arrives_with_its_types_and_values(tmp_path: Path) -> None:
    assert json.loads(table(WHOLE).query["types"]) == TYPES
    found = taken(tmp_path, WHOLE)
    assert found["whole"] == [1, None, 2**62]
    assert found["text"] == ["", None, 'a "b",\nc'], "NULL is not the empty text"
    assert found["double"][0] == 0.1 and found["double"][1] != found["double"][1]
    assert found["truth"] == [True, False, None]
    assert found["money"] == [150, None, -1]
    assert found["day"][1] is None and found["moment"][0] is not None


def test_frames_arrive_as_their_arrow_tables_do(tmp_path: Path) -> None:
    plain = WHOLE.select(["whole", "text", "truth", "day"])
    assert taken(tmp_path, pl.from_arrow(plain)) == taken(tmp_path, plain)
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", ""], "c": [0.5, None]}, index=[7, 8])
    assert taken(tmp_path, frame) == {"a": [1, 2], "b": ["x", ""], "c": [0.5, None]}


def test_a_batch_and_an_empty_table_keep_their_header() -> None:
    assert sent(pa.table({"a": pa.array([], pa.int64())})) == b'"a"\n'
    assert sent(pa.record_batch({"a": [1]})) == b'"a"\n"1"\n'
    large = pa.table({"a": range(200_000)})
    assert len(list(table(large).body())) > 2
    assert sent(large).count(b"\n") == 200_001


def test_rows_are_made_on_the_way() -> None:
    made: list[int] = []

    def rows() -> Any:
        for number in range(5_000):
            made.append(number)
            yield {"n": number, "said": 'a,"b"', "none": None, "truth": True}

    upload = table(rows())
    assert upload.once and not made
    pieces = iter(upload.body())
    first = next(pieces)
    assert len(made) < 2_000, "no more than what is on its way"
    read = list(csv.DictReader(io.StringIO((first + b"".join(pieces)).decode())))
    assert len(read) == 5_000
    assert read[4_999] == {"n": "4999", "said": 'a,"b"', "none": "", "truth": "true"}


def test_a_file_is_read_in_pieces_and_again(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes(b"a\n" + b"1\n" * 300_000)
    upload = table(str(path))
    assert upload.name == "sales"
    for _ in range(2):
        pieces = list(upload.body())
        assert len(pieces) > 1 and b"".join(pieces) == path.read_bytes()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("no such file.csv", "there is no such file"),
        (7, "int is no table"),
        ({"a": [1]}, "dict is no table"),
        (pa.table({"a": [[1]]}), "a: a column of list"),
        (pa.table({"a": pa.array([0], pa.timestamp("us", "UTC"))}), "no time zone"),
    ],
)
def test_what_is_no_table_is_told_before_anything_is_sent(data: Any, why: str) -> None:
    with pytest.raises(GridError, match=why):
        table(data)


@pytest.mark.parametrize(
    ("rows", "why"),
    [([], "at least one"), ([1], "mappings"), ([{"a": 1}, {"b": 1}], "a row has b")],
)
def test_rows_that_do_not_fit_are_told(rows: list[Any], why: str) -> None:
    with pytest.raises(GridError, match=why):
        sent(rows)


def output() -> Output:
    columns = [
        {"name": "n", "type": "int64"}, {"name": "x", "type": "double"},
        {"name": "m", "type": "decimal", "precision": 5, "scale": 2}, {"name": "d", "type": "date"},
        {"name": "t", "type": "timestamp"}, {"name": "s", "type": "text"},
        {"name": "b", "type": "boolean"},
    ]  # fmt: skip
    rows = [
        ["9007199254740993", "NaN", "1.50", "2020-01-01", "2020-01-01 01:02:03", "<b>", True],
        [None] * 7,
    ]
    return Output({"columns": [one["name"] for one in columns], "rows": rows}, columns)


def test_an_output_is_what_its_columns_mean() -> None:
    found = output()
    assert found.value == 9007199254740993
    when = moment(2020, 1, 1, 1, 2, 3)  # noqa: DTZ001
    assert found[0][2:] == (Decimal("1.50"), date(2020, 1, 1), when, "<b>", True)
    assert found[1] == (None,) * 7 and len(found) == 2 and len(list(found)) == 2
    arrow = found.to_arrow()
    assert arrow.schema.field("m").type == pa.decimal128(5, 2)
    assert arrow["n"].to_pylist() == [9007199254740993, None]
    assert found.to_polars()["n"].to_list() == [9007199254740993, None]
    assert list(found.to_pandas().columns) == found.columns
    assert "&lt;b&gt;" in found._repr_html_() and "<b>" not in found._repr_html_()
    assert repr(found) == "<Output of 2 rows: n, x, m, d, t, s, b>"
    with pytest.raises(LookupError):
        _ = Output({"columns": [], "rows": []}, []).value
