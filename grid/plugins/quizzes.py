"""This file is where a quiz gets the bytes of an ordinary work unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from grid import chunks
from grid.items import Column, LogicalType
from grid.plugins.contract import Chunk, JobType, Quiz

#: What holds the values that the reference has; decimals as whole numbers times 10^scale.
ARROW = {
    LogicalType.INT64: pa.int64(),
    LogicalType.DOUBLE: pa.float64(),
    LogicalType.BOOLEAN: pa.bool_(),
    LogicalType.TEXT: pa.utf8(),
    LogicalType.DECIMAL: pa.decimal128(38, 0),
    LogicalType.DATE: pa.int64(),
    LogicalType.TIMESTAMP: pa.int64(),
}


def makes_quizzes(job_type: JobType) -> bool:
    """Whether this job type ever makes any."""
    return type(job_type).quiz is not JobType.quiz


class QuizFault(ValueError):
    """A quiz that cannot pass for a work unit; says why."""


def encoded(
    quiz: Quiz,
    reads: Sequence[Column],
    rows: Sequence[int],
    dictionaries: Mapping[str, pa.StringArray],
) -> tuple[tuple[bytes, ...], ...]:
    """Arrow bytes of each column of each chunk, `[chunk][column]`, as the program gets them.

    `reads` are the columns that the program reads, in its order; `dictionaries` are the data set's
    own, by column name, for those that are stored with one. Raises QuizFault.
    """
    if len(quiz.chunks) != len(rows):
        raise QuizFault(f"{len(quiz.chunks)} chunks instead of {len(rows)}")
    names = [column.name for column in reads]
    for chunk, count in zip(quiz.chunks, rows, strict=True):
        if set(chunk) != set(names):
            raise QuizFault(f"columns {sorted(chunk)} instead of {sorted(names)}")
        if any(len(values) != count for values in chunk.values()):
            raise QuizFault(f"a column has other than {count} rows")
    return tuple(
        tuple(_encoded(chunk, column, dictionaries) for column in reads) for chunk in quiz.chunks
    )


def _encoded(chunk: Chunk, column: Column, dictionaries: Mapping[str, pa.StringArray]) -> bytes:
    values = chunk[column.name]
    try:
        plain = pa.array(values, ARROW[column.type])
        array = chunks.cast(plain, column, dictionaries.get(column.name))
        blob = chunks.encode_column(array, column)
    except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
        raise QuizFault(f"{column.name}: {error}") from error
    for given, kept in zip(values, chunks.to_python(array), strict=True):
        if given != kept and (given == given or kept == kept):  # NaN alone differs from itself
            raise QuizFault(f"{column.name}: {given!r} is no {column.type.value}")
    return blob
