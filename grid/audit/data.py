"""This file is where a data set's bytes are held against the log: every chunk, every column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from grid import chunks
from grid.audit import layout
from grid.audit.faults import Broken, Unchecked
from grid.audit.jobs import AuditedJob
from grid.auditlog import datasets
from grid.items import ChunkColumn


class Inputs:
    """The columns of a job's data set, chunk by chunk."""

    def __init__(self, job: AuditedJob) -> None:
        self._job = job
        self._digests: dict[tuple[int, str], str] = {}
        #: Bytes that were held against their digests.
        self.bytes = 0

    def check(self) -> None:
        """Every digest is of the data set that was logged, every byte of its digest; Broken."""
        job = self._job
        if job.dataset is None:
            return
        dataset = job.dataset
        names = [column.name for column in dataset.columns]
        for number, one in enumerate(self._listed()):
            chunk, place = divmod(number, len(names))
            if (one.chunk, one.column) != (chunk, names[place]):
                raise Broken(f"{layout.CHUNKS} lacks column {names[place]} of chunk {chunk}")
            if chunk >= dataset.chunk_count or one.rows != dataset.rows_of(chunk, 1)[0]:
                raise Broken(f"{layout.CHUNKS}: chunk {chunk} has other rows than the data set")
            self._digests[chunk, one.column] = one.digest
            self.bytes += len(job.blob(one.digest))
        root = datasets.root(self._digests.values())
        wanted = job.submitted["data"]["root"]
        if root != wanted:
            raise Broken(f"the data set's bytes are not those logged: their root is {root}")
        if len(self._digests) != dataset.chunk_count * len(names):
            raise Broken(f"{layout.CHUNKS} does not list every chunk of the data set")

    def _listed(self) -> Iterator[ChunkColumn]:
        for line in self._job.bundle.lines(layout.CHUNKS):
            try:
                yield msgspec.convert(line, ChunkColumn)
            except msgspec.ValidationError as error:
                raise Broken(f"{layout.CHUNKS}: {error}") from error

    def of(self, wanted: Sequence[int], names: Sequence[str]) -> tuple[tuple[bytes, ...], ...]:
        """Arrow bytes of these columns of these chunks: `[chunk][column]`."""
        return tuple(tuple(self._blob(chunk, name) for name in names) for chunk in wanted)

    def batches(self, wanted: Sequence[int], names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The same as Arrow batches, one a chunk."""
        for chunk in wanted:
            arrays: list[Any] = [chunks.decode_column(self._blob(chunk, name)) for name in names]
            yield pa.RecordBatch.from_arrays(arrays, names=list(names))

    def _blob(self, chunk: int, name: str) -> bytes:
        digest = self._digests.get((chunk, name))
        if digest is None:
            raise Unchecked(f"column {name} of chunk {chunk} is not in the bundle")
        return self._job.blob(digest)
