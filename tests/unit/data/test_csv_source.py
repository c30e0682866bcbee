"""A CSV file becomes exactly the rows it spells, or an error that names what is wrong."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from csv_types import TYPES
from hypothesis import given, settings
from hypothesis import strategies as st

from grid import chunks
from grid.blobs import BlobStore
from grid.items import Column, LogicalType, PhysicalType
from grid.sources.csv import CHUNK_BYTES_MAX, CsvOptions, Ingested, ingest
from grid.sources.error import SourceError, TooLarge
from grid.sources.rows import BLOCK_BYTES
from grid.sources.spool import Upload, spool

ALL_TEXT = "text"


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def load(
    data: bytes | str, folder: Path, *, piece: int = 65536, bytes_max: int = 10**9, **options: Any
) -> tuple[Ingested, BlobStore]:
    """Ingest as the server does."""
    raw = data.encode() if isinstance(data, str) else data
    blobs = BlobStore(folder / "blobs")

    async def go() -> Ingested:
        async with spool(pieces(raw, piece), bytes_max, folder) as upload:
            return ingest(upload, CsvOptions(**options), blobs)

    result = asyncio.run(go())
    assert not list(folder.glob("upload-*")), "the spooled file is left behind"
    return result, blobs


def table(ingested: Ingested, blobs: BlobStore) -> dict[str, list[Any]]:
    """Every column's values, read back from the blobs."""
    values: dict[str, list[Any]] = {column.name: [] for column in ingested.columns}
    for item in ingested.chunk_columns:
        data = blobs.get(item.digest)
        array = chunks.decode_column(data)
        assert (item.rows, item.bytes) == (len(array), len(data))
        values[item.column] += chunks.to_python(array)
    return values


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("csv")


TEXTS = st.text(
    st.sampled_from("ab,\"\n\r \t\\'\0\u2028\u00e9\U0001f600\U000e0001")
    | st.characters(codec="utf-8"),
    max_size=6,
)


@st.composite
def text_tables(draw: st.DrawFn) -> list[list[str | None]]:
    columns = draw(st.integers(1, 4))
    row = st.lists(st.none() | TEXTS, min_size=columns, max_size=columns)
    return draw(st.lists(row, max_size=9))


@settings(max_examples=settings().max_examples // 2)
@given(text_tables(), st.integers(1, 5), st.integers(1, 20))
def test_what_is_written_as_csv_is_ingested_again(
    rows: list[list[str | None]], chunk_rows: int, piece: int
) -> None:
    names = [f"name {place}" for place in range(len(rows[0]) if rows else 2)]
    batch = pa.record_batch(
        [pa.array([row[place] for row in rows], pa.utf8()) for place in range(len(names))],
        names=names,
    )
    columns = [
        Column(name=name, type=LogicalType.TEXT, physical=PhysicalType.UTF8, nullable=True)
        for name in names
    ]
    with tempfile.TemporaryDirectory() as folder:
        ingested, blobs = load(
            b"".join(chunks.write_csv(columns, [batch])), Path(folder), piece=piece, header=True,
            types=dict.fromkeys(names, ALL_TEXT), chunk_rows=chunk_rows,
        )  # fmt: skip
        assert table(ingested, blobs) == batch.to_pydict()
    assert ingested.row_count == len(rows)
    assert {item.chunk for item in ingested.chunk_columns} == set(
        range(-(-len(rows) // chunk_rows))
    )


@pytest.mark.parametrize("rows", [0, 1, 4, 7])
@pytest.mark.parametrize("chunk_rows", [1, 3, 7, 65_536])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_every_row_survives(folder: Path, rows: int, chunk_rows: int, end: str) -> None:
    lines = [f"{row},it{row}" for row in range(rows)]
    ingested, blobs = load(
        (end or "\n").join(["n,t", *lines]) + end, folder, header=True, chunk_rows=chunk_rows
    )
    assert table(ingested, blobs) == {
        "n": list(range(rows)), "t": [f"it{row}" for row in range(rows)],
    }  # fmt: skip
    assert [item.rows for item in ingested.chunk_columns if item.column == "n"] == [
        min(chunk_rows, rows - start) for start in range(0, rows, chunk_rows)
    ]
    assert ingested.byte_count == sum(item.bytes for item in ingested.chunk_columns)


@pytest.mark.parametrize(("fields", "options", "type_", "values"), TYPES, ids=str)
@pytest.mark.parametrize("backwards", [False, True])
def test_a_column_gets_the_type_that_loses_nothing(
    folder: Path,
    fields: list[str],
    options: dict[str, Any],
    type_: str,
    values: list[Any],
    backwards: bool,
) -> None:
    step = -1 if backwards else 1
    text = "".join(f"{field},.\n" for field in ["x", *fields[::step]])
    ingested, blobs = load(text.replace("x,.", "x,y", 1), folder, header=True, **options)
    column = ingested.columns[0]
    assert (column.name, column.type.value) == ("x", type_)
    assert column.nullable == (None in values)
    assert table(ingested, blobs)["x"] == values[::step]
    assert "-0.0" not in map(str, table(ingested, blobs)["x"])


def test_nan_is_read_as_nan(folder: Path) -> None:
    ingested, blobs = load("x\n1.5\nNaN\n-nan\n", folder, header=True)
    assert list(map(str, table(ingested, blobs)["x"])) == ["1.5", "nan", "nan"]


def test_a_late_row_changes_the_type_of_a_column_read_in_many_blocks(folder: Path) -> None:
    count = 400_000
    text = "a,b,c\n" + "007,1,true\n" * count + "x,0.5,1\n"
    ingested, blobs = load(text, folder, header=True)
    assert [column.type.value for column in ingested.columns] == ["text", "double", "text"]
    assert [column.physical.value for column in ingested.columns] == ["dict8", "double", "dict8"]
    values = table(ingested, blobs)
    assert values["a"] == ["007"] * count + ["x"]
    assert values["b"] == [1.0] * count + [0.5]
    assert values["c"] == ["true"] * count + ["1"]


def test_physical_types_are_fixed_over_the_whole_file(folder: Path) -> None:
    rows = [f"{n},{n % 2},k{n % 200},{n}x" for n in range(5000)]
    ingested, blobs = load("\n".join(["n,b,k,u", *rows]), folder, chunk_rows=1000)
    assert [column.physical for column in ingested.columns] == [
        PhysicalType.INT16, PhysicalType.INT8, PhysicalType.DICT16, PhysicalType.UTF8,
    ]  # fmt: skip
    dictionaries = {
        tuple(chunks.decode_column(blobs.get(item.digest)).dictionary.to_pylist())
        for item in ingested.chunk_columns
        if item.column == "k"
    }
    assert dictionaries == {tuple(sorted(f"k{n}" for n in range(200)))}


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("a,b\n1,2\n", ["a", "b"], 1),
        ("1,Bimal,7\n1,Utkarsh,6\n", ["column0", "column1", "column2"], 2),
        ("a,b\nx,y\n", ["a", "b"], 1),
        ("a,a\nx,y\n", ["column0", "column1"], 2),
        ("a,\nx,1\n", ["column0", "column1"], 2),
        ("a,true\nx,false\n", ["column0", "column1"], 2),
        ("a,b", ["a", "b"], 0),
        ("1\n2", ["column0"], 2),
        ('"first\nline",b\n1,2', ["first\nline", "b"], 1),
    ],
)
def test_a_header_is_inferred_as_people_do(
    folder: Path, text: str, names: list[str], rows: int
) -> None:
    ingested, _ = load(text, folder)
    assert ([column.name for column in ingested.columns], ingested.row_count) == (names, rows)


def test_a_given_header_is_believed(folder: Path) -> None:
    assert [column.name for column in load("1,2\n3,4", folder, header=True)[0].columns] == [
        "1",
        "2",
    ]
    ingested, blobs = load("a,b\nc,d", folder, header=False)
    assert table(ingested, blobs) == {"column0": ["a", "c"], "column1": ["b", "d"]}


def test_a_byte_order_mark_and_another_delimiter_are_no_data(folder: Path) -> None:
    for piece in (1, 2, 100):
        ingested, blobs = load(b"\xef\xbb\xbfa;b\n1,5;2", folder, piece=piece, delimiter=";")
        assert table(ingested, blobs) == {"a": ["1,5"], "b": [2]}
        assert ingested.source_digest == hashlib.sha256(b"\xef\xbb\xbfa;b\n1,5;2").hexdigest()


def test_empty_lines_are_rows_only_in_a_table_of_one_column(folder: Path) -> None:
    assert load("\na,b\n\n1,2\n\n", folder)[0].row_count == 1
    ingested, blobs = load("a\n1\n\n2\n", folder, header=True)
    assert table(ingested, blobs) == {"a": [1, None, 2]}


ERRORS = [
    ("", {}, "/body", "no rows"),
    ("\n\r\n\n", {}, "/body", "no rows"),
    ("\ufeff", {}, "/body", "no rows"),
    ("a,b\n1,2\n3\n", {}, "/body", "row 2 has 1 of 2 fields: '3'"),
    ("1,2\n3\n", {"header": False}, "/body", "row 2 has 1 of 2 fields"),
    ("a,b\n" + "1,2\n" * 400_000 + "3,4,5\n", {}, "/body", "row 400001 has 3 of 2 fields"),
    ('a,b\n1,"two', {}, "/body", "never closed"),
    ('a,b\n1,"two\n', {}, "/body", "never closed"),
    ('a,b\n"1,2\n3,4\n', {}, "/body", "never closed"),
    ('a,b\n1,2\n"', {}, "/body", "never closed"),
    ('a\n"x', {}, "/body", "never closed"),
    ('"a\n', {}, "/body", "never closed"),
    ('a,b\n"' + "1,2\n" * 600_000, {}, "/body", "never closed"),
    ("a,b\n1," + "x" * 2_100_000, {}, "/body", "a row of more than 1,048,576 bytes"),
    (b"a,b\n1,\xff\n", {}, "/body", "at byte 6"),
    ("a,b\n1,é".encode()[:-1], {}, "/body", "at byte 6"),
    ("a\nx".encode("utf-16"), {}, "/body", "at byte 0"),
    (b"a\n\xed\xa0\x80", {}, "/body", "not UTF-8"),
    ("a,a\n1,2\n", {"header": True}, "/body", "columns 1 and 2 are both named 'a'"),
    ("a,\n1,2\n", {"header": True}, "/body", "column 2 has no name"),
    ("a" * 201 + ",b\n", {"header": True}, "/body", "more than 200 characters"),
    ("," * 1000 + "\n", {}, "/body", "1,001 columns"),
    ("," * 5000 + "\n", {}, "/body", "5,001 columns"),
    ("a,b\n1,2\n", {"types": {"c": "text"}}, "/types/c", "no such column"),
    ("a,b\n1,2\n", {"types": {"a": "dates"}}, "/types/a", "'dates' is none of"),
    ("a,b\n1,2\n", {"types": {"a": "date"}}, "/types/a", "row 1, column 'a': '1' is not date"),
    ("a\n2020-02-30\n", {"types": {"a": "date"}}, "/types/a", "'2020-02-30' is beyond date"),
    ("a\n0000-01-01\n", {"types": {"a": "date"}}, "/types/a", "'0000-01-01' is beyond date"),
    ("a\n1.5\n1.55\n", {"types": {"a": "decimal(9,1)"}}, "/types/a", "row 2, column 'a': '1.55'"),
    ("a\n100\n", {"types": {"a": "decimal(3,1)"}}, "/types/a", "beyond decimal(3,1)"),
    ("a\n1\n", {"types": {"a": "decimal(39,1)"}}, "/types/a", "p from 1 to 38"),
    ("a\n1\n", {"types": {"a": "decimal"}}, "/types/a", "'decimal' is none of"),
    ("a/b,c\n1\n", {"types": {"a/b": "int"}}, "/types/a~1b", "none of"),
    ("a,b\n1,2\n\n,4\nx,3\n", {"types": {"a": "int64"}}, "/types/a", "row 3, column 'a': 'x'"),
    ("a,b\n1.0,2\n", {"types": {"a": "int64"}}, "/types/a", "row 1"),
    ("a,b\n9223372036854775808,2\n", {"types": {"a": "int64"}}, "/types/a", "beyond int64"),
    ("a,b\n1e400,2\n", {"types": {"a": "double"}}, "/types/a", "beyond double"),
    ("a,b\nyes,2\n", {"types": {"a": "boolean"}}, "/types/a", "not boolean"),
    ("a,b\n1,2\n", {"delimiter": ""}, "/delimiter", "one ASCII character"),
    ("a,b\n1,2\n", {"delimiter": ",,"}, "/delimiter", "one ASCII character"),
    ("a,b\n1,2\n", {"delimiter": '"'}, "/delimiter", "one ASCII character"),
    ("a,b\n1,2\n", {"delimiter": "é"}, "/delimiter", "one ASCII character"),
    ("a,b\n1,2\n", {"chunk_rows": 0}, "/chunk_rows", "1 to 262,144"),
    ("a,b\n1,2\n", {"chunk_rows": 262_145}, "/chunk_rows", "1 to 262,144"),
    ("a,b\n" + "1,2\n" * 100_001, {"chunk_rows": 1}, "/chunk_rows", "200,002 blobs"),
    ("a,b\n1,2\n", {"nulls": ("x",) * 101}, "/null", "at most 100"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "options", "field", "words"), ERRORS, ids=lambda value: str(value)[:30]
)
def test_bad_input_is_refused_by_the_name_of_what_is_wrong(
    tmp_path: Path, data: bytes | str, options: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(SourceError) as refused:
        load(data, tmp_path, **options)
    assert refused.value.field == field
    assert words in refused.value.message
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "something was created"


def test_an_upload_past_the_limit_stops_at_once(tmp_path: Path) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"a" * 1000

    async def go() -> None:
        async with spool(endless(), 10_000, tmp_path):
            pass

    with pytest.raises(TooLarge, match="10,000 bytes"):
        asyncio.run(go())
    assert taken == 11
    assert not list(tmp_path.iterdir())


@given(st.binary(max_size=12), st.integers(1, 5))
def test_utf8_is_checked_across_pieces_as_in_one(data: bytes, piece: int) -> None:
    async def go(folder: Path) -> bytes | int:
        try:
            async with spool(pieces(data, piece), 100, folder) as upload:
                assert upload.byte_count == len(data)
                return upload.path.read_bytes()
        except SourceError as error:
            return int(error.message.rsplit(" ", 1)[1])

    try:
        data.decode()
        expected: bytes | int = data.removeprefix(b"\xef\xbb\xbf")
    except UnicodeDecodeError as error:
        expected = error.start
    with tempfile.TemporaryDirectory() as folder:
        assert asyncio.run(go(Path(folder))) == expected


def test_the_same_file_gives_the_same_blobs(folder: Path) -> None:
    text = "n,t,d,b\n" + "".join(
        f"{n if n % 3 else ''},t{n % 7},{n / 7 if n % 5 else ''},{'true' if n % 2 else ''}\n"
        for n in range(1000)
    )
    first, second = (load(text, folder, chunk_rows=300, piece=piece)[0] for piece in (7, 4096))
    assert first == second
    assert [column.type for column in first.columns] == [
        LogicalType.INT64, LogicalType.TEXT, LogicalType.DOUBLE, LogicalType.BOOLEAN,
    ]  # fmt: skip


def test_chunks_of_wide_rows_get_fewer_rows(folder: Path) -> None:
    rows, text = 240, "é" * 150_000
    assert rows * len(text.encode()) > CHUNK_BYTES_MAX
    ingested, blobs = load("n,t\n" + f"1,{text}\n" * (rows - 1) + "2,x\n", folder, chunk_rows=rows)
    assert ingested.chunk_rows == rows // 2
    assert max(item.bytes for item in ingested.chunk_columns) < CHUNK_BYTES_MAX
    assert table(ingested, blobs)["t"] == [text] * (rows - 1) + ["x"]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    load("a,b,c\n1,2.25,x\n", tmp_path, types={"c": "text"})  # what it imports is not the file's
    path, block = tmp_path / "big.csv", b"1,2.25," + b"some text that is not short " * 30 + b"\n"
    with path.open("wb") as file:
        file.write(b"a,b,c\n")
        for n in range(200):
            file.write(block * 600 + b"%d,0.5,%d\n" % (n, n))
    upload = Upload(path=path, byte_count=path.stat().st_size, source_digest="")
    usual, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        options = CsvOptions(chunk_rows=2000, types={"c": "text"})
        ingested = ingest(upload, options, BlobStore(tmp_path / "blobs"))
        python_peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(usual)
    assert ingested.row_count == 200 * 601
    assert upload.byte_count > 100_000_000
    assert pool.max_memory() < 16 * BLOCK_BYTES
    # Arrow reads 32 blocks ahead.
    assert python_peak < 48 * BLOCK_BYTES
