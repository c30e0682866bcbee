"""This file is where a job's audit bundle is written: a zip, streamed, the same whenever asked for.

It holds what anybody may read, and nothing else: each part is a public view or a public blob.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from grid import __version__, chunks
from grid.audit import layout
from grid.canonical import dumps
from grid.db import folds, listings, queries
from grid.db.listings import Output
from grid.db.rows import JobFacts
from grid.identifiers import Kind
from grid.items import ChunkColumn, DataSet
from web import looks, public_view
from web.controllers.outputs import output_batches
from web.proving import Told
from web.server import Server

#: Work units, and chunks, read from the database at a time.
BITE = 64
LICENSE = "https://creativecommons.org/publicdomain/zero/1.0/"

README = """# Audit bundle of {name}

Everything that an auditor needs to check job {job} without its server.

    pip install grid-compute=={version}
    grid audit {job}.zip --rerun 5%

The first line of the report is the verdict, the last lines say what even a green one does not
prove.
With a bundle alone nobody can see whether the log has said more of this job since: audit the server
itself for that, `grid audit {address} --job {job}`.

`{crate}` names every file here with its SHA-256.
"""


class _Sink:
    """Where the zip is written to: pieces that are taken away again at once."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits anywhere."""

    def taken(self) -> bytes:
        """What was written since."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


class _Writer:
    """Members one after another, with their digests."""

    def __init__(self, made_at: int) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(cast(IO[bytes], self._sink), "w", zipfile.ZIP_DEFLATED)
        self._time = datetime.fromtimestamp(max(made_at, 315_532_800), UTC).timetuple()[:6]
        self.members: list[dict[str, Any]] = []

    def add(self, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Write a member; the zip's bytes so far."""
        digest, size = hashlib.sha256(), 0
        info = zipfile.ZipInfo(name, self._time)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        with self._zip.open(info, "w", force_zip64=True) as file:
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                file.write(piece)
                yield self._sink.taken()
        self.members.append({"name": name, "sha256": digest.hexdigest(), "bytes": size})
        yield self._sink.taken()

    def close(self) -> bytes:
        """The end of the zip."""
        self._zip.close()
        return self._sink.taken()


def written(server: Server, facts: JobFacts, told: Told, address: str) -> Iterator[bytes]:
    """The bundle of a public job whose seal is open, a piece at a time; `told` is what the log says
    of it."""
    view = looks.job_views(server, [facts])[0]
    with server.store.read() as connection:
        dataset = queries.dataset(connection, facts.job.dataset_id)
        made = listings.outputs(connection, [facts.job.id])[facts.job.id]
    writer = _Writer(facts.job.created_at)
    names = {"name": view["name"], "job": view["id"], "version": __version__}
    readme = README.format(**names, address=address, crate=layout.CRATE)
    yield from writer.add(layout.README, [readme.encode()])
    yield from writer.add(layout.JOB, [msgspec.json.encode(view)])
    yield from writer.add(layout.PROGRAM, [server.store.blobs.get(facts.job.program_digest)])
    yield from _log(told, writer)
    yield from writer.add(layout.CANONICAL, _canonical(server, facts))
    if dataset is not None:
        shown = public_view.dataset(dataset, server.names)
        yield from writer.add(layout.DATASET, [msgspec.json.encode(shown)])
        yield from writer.add(layout.CHUNKS, _chunks(server, dataset))
        yield from _blobs(server, dataset, writer)
    if made:
        yield from _output(server, facts, made[0], writer)
    yield from _code(server, facts, writer)
    yield from writer.add(layout.CRATE, [_crate(view, writer.members)])
    yield writer.close()


def _log(told: Told, writer: _Writer) -> Iterator[bytes]:
    yield from writer.add(layout.KEY, [told.keys.encode()])
    yield from writer.add(layout.CHECKPOINT, [told.note.encode()])
    yield from writer.add(layout.LEAVES, _leaves(told))


def _leaves(told: Told) -> Iterator[bytes]:
    for number in told.leaves:
        leaf, proof = told.proven(number)
        line = {
            "index": number,
            "leaf": leaf.decode("ascii"),
            "proof": [base64.b64encode(one).decode() for one in proof],
        }
        yield dumps(line) + b"\n"


def _canonical(server: Server, facts: JobFacts) -> Iterator[bytes]:
    first, count = 0, facts.job.workunit_count
    while first < count:
        with server.store.read() as connection:
            found = folds.canonical(connection, facts.job.id, first, BITE)
        for one in found:
            assert one.output_digest is not None, "it has an answer"
            kept = one.output
            text = server.store.outputs.get(one.output_digest) if kept is None else kept.encode()
            head = {
                "work_unit": one.ordinal,
                "id": server.names.of(Kind.WORKUNIT, one.workunit_id),
                "digest": one.output_digest,
            }
            yield dumps(head)[:-1] + b',"output":' + text + b"}\n"
        first += BITE


def _listed(server: Server, dataset: DataSet) -> Iterator[list[ChunkColumn]]:
    names = [column.name for column in dataset.columns]
    for first in range(0, dataset.chunk_count, BITE):
        with server.store.read() as connection:
            yield queries.chunk_columns(connection, dataset, first, BITE, names)


def _chunks(server: Server, dataset: DataSet) -> Iterator[bytes]:
    for found in _listed(server, dataset):
        yield b"".join(msgspec.json.encode(one) + b"\n" for one in found)


def _blobs(server: Server, dataset: DataSet, writer: _Writer) -> Iterator[bytes]:
    done = set()
    for found in _listed(server, dataset):
        for one in found:
            if one.digest not in done:
                done.add(one.digest)
                pieces = server.store.blobs.stream(one.digest)
                yield from writer.add(layout.blob(one.digest), pieces)


def _output(server: Server, facts: JobFacts, made: Output, writer: _Writer) -> Iterator[bytes]:
    manifest = server.store.blobs.get(made.manifest_digest)
    yield from writer.add(layout.MANIFEST, [manifest])
    with server.store.read() as connection:
        parts = listings.output_parts(connection, facts.job.id, made.output_version)
    for digest in dict.fromkeys(part.digest for part in parts):
        yield from writer.add(layout.part(digest), server.store.blobs.stream(digest))
    batches = output_batches(server, facts, made.output_version)
    rows = chunks.write_csv(facts.output_columns, batches)
    yield from writer.add(layout.OUTPUT_CSV, rows)


def _code(server: Server, facts: JobFacts, writer: _Writer) -> Iterator[bytes]:
    """The job type's folder, where it is still the one that made the job."""
    folder = server.store.job_types.folder_of(facts.job.job_type_digest)
    if folder is None:
        return
    for path in _files(folder):
        name = layout.CODE + path.relative_to(folder.parent).as_posix()
        yield from writer.add(name, [path.read_bytes()])


def _files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


def _crate(view: dict[str, Any], members: Sequence[dict[str, Any]]) -> bytes:
    """RO-Crate 1.1: a JSON-LD graph of a root data set, and a file for each member."""
    files = [
        {
            "@id": one["name"],
            "@type": "File",
            "contentSize": str(one["bytes"]),
            "sha256": one["sha256"],
            **_described(one["name"]),
        }
        for one in members
    ]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": view["name"],
        "identifier": view["id"],
        "description": f"Audit bundle of a job of type {view['job_type']}",
        "datePublished": datetime.fromtimestamp(view["created_at"], UTC).strftime("%Y-%m-%d"),
        "license": {"@id": LICENSE},
        "hasPart": [{"@id": one["@id"]} for one in files],
        "mentions": [{"@id": layout.PROGRAM}],
    }
    terms = {
        "@id": LICENSE,
        "@type": "CreativeWork",
        "name": "CC0 1.0",
        "description": "for the record of the computation; the data set is under its owner's terms",
    }
    head = {
        "@id": layout.CRATE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    graph = {
        "@context": ["https://w3id.org/ro/crate/1.1/context", {"sha256": SHA256_TERM}],
        "@graph": [head, root, terms, *files],
    }
    return json.dumps(graph, ensure_ascii=False, indent=1).encode()


#: What `sha256` means in a crate's context.
SHA256_TERM = "https://w3id.org/ro/terms/workflow-run#sha256"


def _described(name: str) -> dict[str, str]:
    if name in layout.ABOUT:
        return {"description": layout.ABOUT[name]}
    folders = {
        layout.BLOBS: "one column of one chunk of the data set, an Arrow IPC stream",
        layout.PARTS: "rows of the output, an Arrow IPC stream",
        layout.CODE: "the job type's source",
    }
    said = next((said for start, said in folders.items() if name.startswith(start)), None)
    return {} if said is None else {"description": said}
