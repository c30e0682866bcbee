"""This file is where the tables of the public record stand, each column with what it means.

They are made from the published log alone, so nothing is in them that a seal still covers. The
comments are the data dictionary: docs/public-record.md and the pages of `/audit/sql/` show them.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text

metadata = MetaData()

LEAF = "the leaf of the log that says so"
JOB = "the job's public id"
UNIT = "place of the work unit in its job, from 0; quizzes are −1, −2, …"


def _text(name: str, comment: str, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=not key, comment=comment)


def _number(name: str, comment: str, key: bool = False) -> Column[int]:
    return Column(name, Integer, primary_key=key, nullable=not key, comment=comment)


#: How far the record has come.
progress = Table(
    "progress",
    metadata,
    _number("only", "always 1", key=True),
    _number("leaves", "leaves of the log that these tables hold"),
    comment="How far the record has come.",
)

job = Table(
    "job",
    metadata,
    _text("job", JOB, key=True),
    _text("job_type", "name of its job type"),
    _text("version", "version of its job type"),
    _text("job_type_digest", "SHA-256 over the job type's code"),
    _text("spec_digest", "SHA-256 of the spec as canonical JSON; keyed where the job is private"),
    _text("source_digest", "SHA-256 of the file that was uploaded; keyed where the job is private"),
    _text("data_root", "Merkle root over every column of every chunk"),
    _text("program", "SHA-256 of the program that all its volunteers ran"),
    _number("work_units", "how many work units it has"),
    _text("mode", "how its answers are believed"),
    _number("min_quorum", "equal answers that count as a quorum in mode fixed"),
    _number("target_error_ppb", "errors accepted in 10⁹ work units; NULL takes the mode's own"),
    _text("state", "submitted, or how it ended"),
    _text("because", "why it ended so"),
    _text("seed_commitment", "SHA-256 of the seed behind its tosses"),
    _text("seed", "that seed; NULL while its seal is shut"),
    _number("submitted_minute", "minutes since 1970-01-01 UTC"),
    _number("leaf", LEAF),
    comment="Every job that was submitted, private ones with keyed digests.",
)

verdict = Table(
    "verdict",
    metadata,
    _text("job", JOB, key=True),
    _number("work_unit", UNIT, key=True),
    _number("leaf", LEAF, key=True),
    _number("place", "place of the entry in its leaf", key=True),
    _text("canonical", "SHA-256 of the answer that was chosen; NULL when the work unit gave up"),
    _text("support", "what it rests on: agreed, trusted or below_target"),
    _number("first_chunk", "first chunk, or point"),
    _number("chunks", "how many chunks, or points"),
    _text("error_mask", "why it gave up"),
    _number("stands", "1 for the last word on the work unit, 0 for one that was taken back"),
    Index("verdict_canonical", "canonical"),
    comment="Every verdict, once its job's seal has opened.",
)

vote = Table(
    "vote",
    metadata,
    _text("job", JOB, key=True),
    _text("salt", "16 random bytes that hid the answer until now", key=True),
    _number("work_unit", UNIT),
    _text("principal", "who answered: a pseudonym for this job only"),
    _text("output", "SHA-256 of the answer"),
    _text("validate_state", "valid, invalid, void or inconclusive, as last said"),
    _number("credit", "millionths of a credit that were granted"),
    _number("checks2", "half checks survived that were counted for it"),
    _number("lied", "1 for a certain lie"),
    _number("trusted", "1 for the server's own run, or a trusted host's"),
    _text("engine", "what it was computed in, as its host said"),
    _number("believed2", "half checks that its volunteer had survived when the verdict fell"),
    _number("leaf", LEAF),
    Index("vote_principal", "principal"),
    Index("vote_output", "output"),
    Index("vote_unit", "job", "work_unit"),
    comment="Every answer that a verdict weighed, or that came after it.",
)

output = Table(
    "output",
    metadata,
    _text("job", JOB, key=True),
    _number("version", "1, and one more each time that verdicts were taken back", key=True),
    _text("manifest", "SHA-256 of what names every byte of it"),
    _number("minute", "minutes since 1970-01-01 UTC"),
    _number("leaf", LEAF),
    Index("output_manifest", "manifest"),
    comment="Every version of every output.",
)

entry = Table(
    "entry",
    metadata,
    _number("leaf", "number of the leaf", key=True),
    _number("place", "place in it", key=True),
    _text("kind", "what it tells, as in docs/log.md"),
    _text("job", "the job that it tells of, if any"),
    _number("work_unit", "the work unit that it tells of, if any"),
    _number("minute", "minutes since 1970-01-01 UTC"),
    _text("facts", "the whole entry as JSON; NULL where it is large, and in other tables"),
    Index("entry_job", "job", "leaf"),
    Index("entry_kind", "kind"),
    Index("entry_minute", "minute"),
    comment="Every entry of the log, in its order.",
)
