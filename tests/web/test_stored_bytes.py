"""This file is where bytes are read over HTTP from wherever they are kept, encoded as asked."""

from __future__ import annotations

import gzip

import object_storage
import pyarrow as pa
import pytest
from web_people import People, opened

from grid.canonical import digest as digest_of
from web.controllers.blobs import _wanted


def _program(people: People) -> str:
    return str(people.get(f"/jobs/{people.job()}").json()["program"]["digest"])


def _read(people: People, digest: str, accepted: str):
    """The answer, and its bytes as they came."""
    headers = {"Accept-Encoding": accepted}
    with people.http.stream("GET", f"/api/v1/blobs/{digest}", headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


def test_bytes_come_in_the_encoding_that_was_asked_for(crowd: People) -> None:
    digest = _program(crowd)
    plain, data = _read(crowd, digest, "identity")
    assert digest_of(data) == digest and "content-encoding" not in plain.headers
    packed, sent = _read(crowd, digest, "gzip, br;q=1.0")
    assert packed.headers["content-encoding"] == "gzip" and gzip.decompress(sent) == data
    denser, sent = _read(crowd, digest, "gzip, zstd")
    assert denser.headers["content-encoding"] == "zstd"
    assert pa.decompress(sent, len(data), codec="zstd", asbytes=True) == data
    for answer in (plain, packed, denser):
        assert "Accept-Encoding" in answer.headers["vary"]
        assert "immutable" in answer.headers["cache-control"]
    assert len({answer.headers["etag"] for answer in (plain, packed, denser)}) == 3
    assert packed.headers["content-length"] == str(len(_read(crowd, digest, "gzip")[1]))


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [
        ("", []),
        ("gzip", ["gzip"]),
        ("GZIP , ZSTD", ["zstd", "gzip"]),
        ("zstd;q=0, gzip;q=0.5", ["gzip"]),
        ("zstd; q=0.000", []),
        ("*", []),
        ("\u00e9;;q=,,", []),
    ],
)
def test_what_a_client_accepts_is_read(accepted: str, wanted: list[str]) -> None:
    assert _wanted(accepted) == wanted


def test_a_job_goes_the_whole_way_with_its_bytes_in_object_storage(tmp_path) -> None:
    with (
        object_storage.bucket() as url,
        opened(tmp_path / "data", run_daemons=False, blob_url=url) as people,
    ):
        job_id = people.job({"where": "id <= 9 AND name = 'Suyash'"})
        assert people.finish(job_id, [people.host(), people.host()])["state"] == "completed"
        rows = people.get(f"/jobs/{job_id}/output").json()["rows"]
        assert rows == [[9, "Suyash", 5], [1, "Suyash", 3], [9, "Suyash", 9]]
        assert people.http.get("/readyz").status_code == 200
        digest = people.get(f"/jobs/{job_id}").json()["program"]["digest"]
        assert digest_of(_read(people, digest, "identity")[1]) == digest
        assert not (tmp_path / "data" / "blobs").exists()
