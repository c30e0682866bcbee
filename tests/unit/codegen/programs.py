"""This file is where tests get the job types' programs, over columns of every type."""

from __future__ import annotations

from grammatical import COLUMNS as GRAMMATICAL
from grammatical import NAMES, TYPES

from grid.items import Column, LogicalType, PhysicalType
from grid.plugins.contract import JobType
from grid.plugins.loader import OWN_FOLDER, find, load


def job_type(name: str) -> JobType:
    return load(find(OWN_FOLDER / name)).job_type


JOB_TYPES = {name: job_type(name) for name in ("filterBy", "SUM", "MIN", "groupBy", "sql")}


def columns_of(nullable: bool, text: PhysicalType, whole: PhysicalType) -> list[Column]:
    physical = {
        LogicalType.INT64: whole,
        LogicalType.DOUBLE: PhysicalType.DOUBLE,
        LogicalType.TEXT: text,
        LogicalType.BOOLEAN: PhysicalType.BOOLEAN,
    }
    return [
        Column(
            name=name,
            type=kind,
            physical=physical.get(kind, whole),
            nullable=nullable,
            precision=GRAMMATICAL[name].precision,
            scale=GRAMMATICAL[name].scale,
        )
        for name, kind in zip(NAMES, TYPES, strict=True)
    ]
