"""This file is where rows become the facts that rules read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row

from grid.items import Column, DataSet, Host, Job, Json, Policy, Result, WorkUnit
from grid.states import AssimilateState, ErrorMask, FileDeleteState, Support


class UnitFields(msgspec.Struct, frozen=True, kw_only=True):
    """What a row of the work-unit table holds."""

    id: int
    job_id: int
    ordinal: int
    first_chunk: int
    chunk_count: int
    credit: int
    canonical_result_id: int | None
    error_mask: int
    assimilate_state: AssimilateState
    file_delete_state: FileDeleteState
    support: Support
    due_at: int | None


#: Columns of the result table that make a Result: all but the output's bytes.
RESULT_FIELDS = Result.__struct_fields__
WORKUNIT_FIELDS = UnitFields.__struct_fields__


def workunit(row: UnitFields, policy: Policy, results: Sequence[Result]) -> WorkUnit:
    """A work unit with its job's policy and its copies."""
    return WorkUnit(
        id=row.id,
        job_id=row.job_id,
        ordinal=row.ordinal,
        first_chunk=row.first_chunk,
        chunk_count=row.chunk_count,
        policy=policy,
        credit=row.credit,
        canonical_result_id=row.canonical_result_id,
        error_mask=ErrorMask(row.error_mask),
        assimilate_state=row.assimilate_state,
        file_delete_state=row.file_delete_state,
        support=row.support,
        due_at=row.due_at,
        results=tuple(results),
    )


class JobFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A job, with what its program needs; everything here but `job`'s state never changes."""

    job: Job
    params: Json
    #: Columns the program reads, in its order, and their places in the data set's schema.
    reads: tuple[str, ...]
    output_columns: tuple[Column, ...]


def job_facts(row: Row[Any]) -> JobFacts:
    """A whole row of the job table."""
    values = dict(row._mapping)
    values["metadata"] = values.pop("details")
    values.pop("mode")
    return JobFacts(
        job=msgspec.convert({name: values[name] for name in Job.__struct_fields__}, Job),
        params=values["params"],
        reads=tuple(values["reads"]),
        output_columns=msgspec.convert(values["output_columns"], tuple[Column, ...]),
    )


def host(row: Row[Any]) -> Host:
    """A row that has the host's fields by name."""
    mapping = row._mapping
    return msgspec.convert({name: mapping[name] for name in Host.__struct_fields__}, Host)


def dataset(row: Row[Any]) -> DataSet:
    """A whole row of the data-set table."""
    return msgspec.convert(dict(row._mapping), DataSet)
