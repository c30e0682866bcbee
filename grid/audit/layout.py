"""This file is where it stands what an audit bundle holds, and under which names.

A bundle is a zip file, and a research object (RO-Crate 1.1, https://w3id.org/ro/crate/1.1).
"""

from __future__ import annotations

from collections.abc import Mapping

#: Names every member with its SHA-256; written last, since the zip is streamed.
CRATE = "ro-crate-metadata.json"
README = "README.md"
#: As `GET /jobs/{id}` and `GET /datasets/{id}` show them.
JOB = "job.json"
DATASET = "dataset.json"
PROGRAM = "program.js"
#: Every column of every chunk, one JSON object a line, in order of chunk and column.
CHUNKS = "chunks.jsonl"
#: `{"work_unit", "id", "digest", "output"}` a line, in order.
CANONICAL = "canonical.jsonl"
MANIFEST = "output/manifest.json"
OUTPUT_CSV = "output/output.csv"
#: The verifier's key (a C2SP vkey), the signed checkpoint, and `{"leaf", "index", "proof"}` a line.
KEY = "log/key"
CHECKPOINT = "log/checkpoint"
LEAVES = "log/leaves.jsonl"
#: Folders: the inputs that the program reads, the output's parts, the job type's source.
BLOBS = "blobs/"
PARTS = "output/parts/"
CODE = "job-type/"

ABOUT: Mapping[str, str] = {
    README: "how to check this bundle",
    JOB: "what was asked for and under which policy, as the API shows it",
    DATASET: "the data set's columns and size",
    PROGRAM: "the program that every volunteer ran",
    CHUNKS: "the digest of every column of every chunk of the data set",
    CANONICAL: "the answer that each work unit's quorum chose",
    MANIFEST: "what the output is made of",
    OUTPUT_CSV: "the output",
    KEY: "the key that signs the log's checkpoints",
    CHECKPOINT: "the signed checkpoint that the proofs lead to",
    LEAVES: "every leaf of the log that tells of the job, with its inclusion proof",
}


def blob(digest: str) -> str:
    """Where an input lies."""
    return f"{BLOBS}{digest}"


def part(digest: str) -> str:
    """Where a part of the output lies: an Arrow IPC stream."""
    return f"{PARTS}{digest}"
