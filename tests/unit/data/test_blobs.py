"""Blobs are found by their digest, whole, and on the disk before they are promised."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.blobs import PIECE_BYTES, BlobMissing, BlobStore

ABSENT = "0" * 64


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture(scope="module")
def shared_blobs(tmp_path_factory: pytest.TempPathFactory) -> BlobStore:
    return BlobStore(tmp_path_factory.mktemp("blobs"))


@given(data=st.binary(max_size=200))
def test_what_is_put_is_got_under_its_sha256(shared_blobs: BlobStore, data: bytes) -> None:
    digest = shared_blobs.put(data)
    assert digest == shared_blobs.put(data) == hashlib.sha256(data).hexdigest()
    assert shared_blobs.get(digest) == data
    assert shared_blobs.size(digest) == len(data)


def test_many_are_put_in_order_and_lie_in_256_folders(blobs: BlobStore) -> None:
    datas = [b"b", b"a", b"b"]
    digests = blobs.put_many(datas)
    assert [blobs.get(digest) for digest in digests] == datas
    files = {
        str(path.relative_to(blobs.folder)) for path in blobs.folder.rglob("*") if path.is_file()
    }
    assert files == {f"{digest[:2]}/{digest[2:]}" for digest in digests}
    assert blobs.put_many([]) == []


def test_a_large_blob_is_streamed_in_pieces(blobs: BlobStore) -> None:
    data = os.urandom(3 * PIECE_BYTES + 17)
    pieces = list(blobs.stream(blobs.put(data)))
    assert len(pieces) > 1
    assert b"".join(pieces) == data


@pytest.mark.parametrize(
    "digest", [ABSENT, "", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n"]
)
def test_a_blob_that_is_not_there_is_missing_by_name(blobs: BlobStore, digest: str) -> None:
    for look in (blobs.get, blobs.stream, blobs.size):
        with pytest.raises(BlobMissing):
            look(digest)


def test_a_deleted_blob_is_gone_and_may_be_deleted_again(blobs: BlobStore) -> None:
    digest = blobs.put(b"x")
    blobs.delete(digest)
    blobs.delete(digest)
    with pytest.raises(BlobMissing):
        blobs.get(digest)


def test_putting_again_mends_a_blob_that_a_power_cut_emptied(blobs: BlobStore) -> None:
    digest = blobs.put(b"whole")
    (blobs.folder / digest[:2] / digest[2:]).write_bytes(b"\0" * 5)
    blobs.put(b"whole")
    assert blobs.get(digest) == b"whole"


def test_file_and_folders_are_synced_before_put_returns(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    digest = blobs.put(b"x")
    folder = blobs.folder / digest[:2]
    assert synced == [str(folder / digest[2:]), str(folder), str(blobs.folder)]
