"""This file is where blobs are kept in S3, and in encodings: the same store, other places."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import object_storage
import pyarrow as pa
import pytest

from grid.blobs import BlobMissing, BlobStore, BlobsUnreachable
from grid.canonical import digest as digest_of
from grid.settings import SettingsError, from_environment

TEXT = b"a row like many others\n" * 1000


@pytest.fixture(params=["files", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    if request.param == "files":
        yield BlobStore(tmp_path / "blobs")
        return
    with object_storage.bucket() as url:
        yield BlobStore(tmp_path / "blobs", url)


def test_what_was_put_is_there_under_its_digest_until_it_is_deleted(blobs):
    digests = blobs.put_many([b"one", b"", b"one", TEXT])
    assert digests == [digest_of(one) for one in (b"one", b"", b"one", TEXT)]
    assert blobs.get(digests[3]) == TEXT and blobs.size(digests[3]) == len(TEXT)
    assert set(blobs.digests()) == set(digests)
    blobs.delete(digests[0])
    blobs.delete(digests[0])
    with pytest.raises(BlobMissing):
        blobs.get(digests[0])
    with pytest.raises(BlobMissing):
        blobs.size("../../etc/passwd")


def test_a_file_larger_than_a_part_comes_back_whole(blobs, tmp_path):
    data = os.urandom(1 << 20) * 12
    (tmp_path / "large").write_bytes(data)
    blobs.put_file(tmp_path / "large", digest_of(data))
    assert blobs.get(digest_of(data)) == data


@pytest.mark.parametrize(
    ("encoding", "decoded"),
    [
        ("gzip", gzip.decompress),
        ("zstd", lambda data: pa.decompress(data, len(TEXT), codec="zstd", asbytes=True)),
    ],
)
def test_an_encoding_is_made_once_and_kept(blobs, encoding, decoded, monkeypatch):
    digest = blobs.put(TEXT)
    size, pieces = blobs.encoded(digest, encoding)
    first = b"".join(pieces)
    assert len(first) == size < len(TEXT) / 2 and decoded(first) == TEXT
    monkeypatch.setattr("grid.blobs.ENCODINGS", {encoding: None})
    size, pieces = blobs.encoded(digest, encoding)
    assert b"".join(pieces) == first
    assert list(blobs.digests()) == [digest], "an encoding is no blob of its own"
    blobs.delete(digest)
    with pytest.raises(BlobMissing):
        blobs.encoded(digest, encoding)


def test_what_does_not_get_smaller_is_sent_as_it_is(blobs):
    digest = blobs.put(os.urandom(10_000))
    assert blobs.encoded(digest, "zstd") is None
    assert blobs.encoded(digest, "zstd") is None
    with pytest.raises(BlobMissing):
        blobs.encoded(digest_of(b"nothing"), "zstd")


def test_a_check_writes_reads_and_leaves_nothing(blobs):
    blobs.check()
    assert list(blobs.digests()) == []


def test_storage_that_does_not_answer_is_said(tmp_path, monkeypatch):
    with object_storage.bucket():
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        monkeypatch.setattr("grid.blobs.RETRY_S", 0)
        lost = BlobStore(tmp_path / "blobs", "s3://bucket/grid")
        with pytest.raises(BlobsUnreachable):
            lost.check()


def test_a_folder_that_takes_no_bytes_is_said(tmp_path):
    store = BlobStore(tmp_path / "blobs")
    (tmp_path / "blobs").rmdir()
    (tmp_path / "blobs").write_text("no folder")
    with pytest.raises(BlobsUnreachable):
        store.check()


@pytest.mark.parametrize("url", ["bucket", "http://bucket", "gs://bucket/x"])
def test_storage_of_another_kind_is_refused_by_its_setting(url):
    with pytest.raises(SettingsError, match="GRID_BLOB_URL"):
        from_environment({"GRID_BLOB_URL": url})
