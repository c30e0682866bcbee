"""This file is where rows become the facts that rules read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row

from grid.items import Column, DataSet, Host, Job, Json, Policy, Result, WorkUnit
from grid.states import AssimilateState, ErrorMask, FileDeleteState

#: The columns that `result` reads, in its order: everything but the output's bytes.
RESULT_FIELDS = Result.__struct_fields__
WORKUNIT_FIELDS = (
    "id",
    "job_id",
    "ordinal",
    "first_chunk",
    "chunk_count",
    "canonical_result_id",
    "error_mask",
    "assimilate_state",
    "file_delete_state",
)


def result(row: Row[Any]) -> Result:
    """A row of RESULT_FIELDS."""
    return msgspec.convert(dict(zip(RESULT_FIELDS, row, strict=True)), Result)


def workunit(row: Row[Any], policy: Policy, results: Sequence[Result]) -> WorkUnit:
    """A row of WORKUNIT_FIELDS, with its job's policy and its copies."""
    values = dict(zip(WORKUNIT_FIELDS, row, strict=True))
    values["error_mask"] = ErrorMask(values["error_mask"])
    values["assimilate_state"] = AssimilateState(values["assimilate_state"])
    values["file_delete_state"] = FileDeleteState(values["file_delete_state"])
    return WorkUnit(policy=policy, results=tuple(results), **values)


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
