"""This file is where a Python child answers: it loads job types, and runs what it is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from grid import canonical, chunks
from grid.engines.frames import FAILED, OUTPUT, READY, put, take
from grid.engines.reference import Question
from grid.items import Json
from grid.plugins import loader
from grid.plugins.contract import Chunk, JobType
from grid.plugins.inputs import with_points


class Answering:
    """What stays from one question to the next: the job types that were loaded."""

    def __init__(self) -> None:
        self._loaded: dict[str, JobType] = {}

    def answer(self, question: Question, blobs: Sequence[bytes]) -> Json:
        """What the job type says; raises whatever it raises."""
        job_type = self._job_type(question)
        data = _chunks(question, blobs)
        if question.output is None:
            return job_type.reference(question.spec, question.columns, data)
        output = canonical.loads(question.output.encode())
        return job_type.verify(question.spec, question.columns, question.rows, data, output)

    def _job_type(self, question: Question) -> JobType:
        known = self._loaded.get(question.digest)
        if known is None:
            found = loader.find(Path(question.folder))
            if found.digest != question.digest:
                raise loader.PluginError("its folder is no longer the one that was enabled")
            known = self._loaded[question.digest] = loader.load(found).job_type
        return known


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer questions until nobody asks any more."""
    answering = Answering()
    put(sink, READY, b"")
    while (header := take(source)) is not None:
        question = msgspec.json.decode(header, type=Question)
        blobs = [source.read(one) for one in question.lengths]
        try:
            kind, data = OUTPUT, canonical.dumps(answering.answer(question, blobs))
        except Exception as error:  # whatever a job type raises is an answer
            kind, data = FAILED, f"{type(error).__name__}: {error}".encode("utf-8", "replace")
        put(sink, kind, data)


def _chunks(question: Question, blobs: Sequence[bytes]) -> list[Chunk]:
    width = len(question.reads)
    columns = [chunks.to_python(chunks.decode_column(blob)) for blob in blobs]
    read = [
        dict(zip(question.reads, columns[at : at + width], strict=True))
        for at in range(0, len(columns), max(width, 1))
    ]
    return with_points(question.points, question.first_rows, read)


def main() -> None:
    """Speak in frames over the first two descriptors; what a job type prints goes nowhere."""
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()
