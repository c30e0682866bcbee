"""This file is where a bundle's job becomes what the rules compute with, held against the log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct

from grid import canonical, jobspec
from grid.audit import layout
from grid.audit.bundle import Bundle
from grid.audit.faults import Broken, Unchecked
from grid.audit.ledger import Ledger
from grid.codegen.errors import ProgramRefused
from grid.items import Column, DataSet, Json
from grid.jobspec import CheckedSpec, SpecRefused
from grid.plugins.contract import JobType
from grid.plugins.inputs import Inputs, over_chunks, over_points
from grid.plugins.loader import Loaded, PluginError
from grid.plugins.points import point_range
from grid.plugins.registry import Registry

#: Facts of the job's entry → where the bundle's job says the same.
SAME = ("job_type", "version", "job_type_digest", "policy", "points")


class Answer(Struct, frozen=True, kw_only=True):
    """The canonical output of one work unit, as the bundle holds it."""

    ordinal: int
    public_id: str
    output: Json
    data: bytes


class AuditedJob:
    """One job of a bundle, with its log entries."""

    def __init__(self, bundle: Bundle, ledger: Ledger, registry: Registry) -> None:
        self.bundle, self.ledger, self._registry = bundle, ledger, registry
        self.view: Mapping[str, Any] = bundle.json(layout.JOB)
        if ledger.submitted is None:
            raise Broken(f"the log holds nothing of the submission of {ledger.job}")
        self.submitted = ledger.submitted

    def check_facts(self) -> None:
        """Raises Broken where the job is shown otherwise than it was logged when submitted."""
        if self.view.get("id") != self.ledger.job:
            raise Broken(f"the bundle is of {self.view.get('id')}, not of {self.ledger.job}")
        spec = canonical.digest(canonical.dumps(self.view["spec"]))
        if spec != self.submitted["spec_digest"]:
            raise Broken(f"the spec is not the one submitted: its SHA-256 is {spec}")
        for name in SAME:
            if self.view[name] != self.submitted[name]:
                raise Broken(f"the job's {name} is shown otherwise than it was logged")
        if self.view["counts"]["work_units"] != self.submitted["work_units"]:
            raise Broken("the job shows another number of work units than it was logged with")
        dataset = self.dataset
        said = self.submitted["columns"]
        cut = None if dataset is None else _cut(dataset)
        if cut is not None and cut != {k: v for k, v in self.submitted["data"].items() if k in cut}:
            raise Broken("the data set is cut otherwise than it was logged")
        if dataset is not None and msgspec.to_builtins(list(dataset.columns)) != said:
            raise Broken("the data set's columns are shown otherwise than they were logged")
        if (dataset is None) != (self.submitted["source_digest"] is None) or (
            dataset is not None and dataset.source_digest != self.submitted["source_digest"]
        ):
            raise Broken("the data set is another one than the job was submitted with")

    @cached_property
    def dataset(self) -> DataSet | None:
        """The data set, as far as work units need it."""
        if layout.DATASET not in self.bundle:
            return None
        shown = self.bundle.json(layout.DATASET)
        try:
            return DataSet(
                id=0,
                account_id=None,
                name=str(shown["name"]),
                public=True,
                columns=msgspec.convert(shown["columns"], tuple[Column, ...]),
                row_count=int(shown["rows"]),
                chunk_rows=int(shown["chunk_rows"]),
                chunk_count=int(shown["chunks"]),
                byte_count=int(shown["bytes"]),
                source_digest=str(shown["source_digest"]),
                created_at=int(shown["created_at"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Broken(f"{layout.DATASET} is no data set: {error!r}") from error

    @property
    def columns(self) -> tuple[Column, ...]:
        """The data set's columns; none where there is no data set."""
        return () if self.dataset is None else self.dataset.columns

    @cached_property
    def job_type(self) -> JobType:
        """The job type's code, as it is installed here; raises Unchecked where it is another."""
        return self._loaded.job_type

    @cached_property
    def _loaded(self) -> Loaded:
        digest = self.submitted["job_type_digest"]
        try:
            return self._registry.loaded(digest)
        except PluginError as error:
            raise Unchecked(
                f"{self.submitted['job_type']} {self.submitted['version']} with the digest "
                f"{digest[:12]}… is not installed here; its code is in the bundle under "
                f"{layout.CODE}: read it, and name its folder with --job-types ({error})"
            ) from error

    @cached_property
    def checked(self) -> CheckedSpec:
        """What follows from the spec and the columns: program, parameters, columns; raises."""
        rows = () if self.dataset is None else self.dataset.rows_of(0, self.dataset.chunk_count)
        loaded = self._loaded
        if self.hidden:
            raise Unchecked("its spec holds a secret, so nobody else can make its program again")
        try:
            return jobspec.check(
                self.view["spec"], loaded.spec_schema, loaded.job_type, self.columns, rows
            )
        except (SpecRefused, ProgramRefused) as error:
            raise Broken(f"the spec makes no program today: {error}") from error

    @property
    def hidden(self) -> bool:
        """Whether the spec had secrets, which nobody is shown."""
        schema = self._loaded.spec_schema
        properties = schema.get("properties", {})
        return any(one.get("writeOnly") for one in properties.values() if isinstance(one, dict))

    def inputs(self, ordinal: int) -> Inputs:
        """What the program of a work unit is given."""
        unit = self.ledger.units[ordinal]
        if self.submitted["points"] is None:
            return over_chunks(self.dataset, unit.first, unit.count)
        points = point_range(int(self.submitted["points"]["count"]), unit.first, unit.count)
        return over_points(points, self.view["spec"], self.job_type, self.dataset)

    def answers(self) -> Iterator[Answer]:
        """Every canonical output in order, its bytes held against the log; raises Broken."""
        last = -1
        for line in self.bundle.lines(layout.CANONICAL):
            ordinal = int(line["work_unit"])
            unit = self.ledger.units.get(ordinal)
            if ordinal <= last or unit is None:
                raise Broken(f"{layout.CANONICAL} has work unit {ordinal} out of its order")
            last = ordinal
            data = canonical.dumps(line["output"])
            if canonical.digest(data) != unit.canonical:
                raise Broken(
                    f"the answer of work unit {ordinal} ({line['id']}) has the SHA-256 "
                    f"{canonical.digest(data)}, and its verdict says {unit.canonical}"
                )
            yield Answer(
                ordinal=ordinal, public_id=str(line["id"]), output=line["output"], data=data
            )

    def blob(self, digest: str) -> bytes:
        """An input's bytes, held against their digest; raises Broken."""
        return _sound(self.bundle, layout.blob(digest), digest)

    def part(self, digest: str) -> bytes:
        """The bytes of a part of the output; raises Broken."""
        return _sound(self.bundle, layout.part(digest), digest)


def _cut(dataset: DataSet) -> dict[str, int]:
    return {
        "rows": dataset.row_count,
        "chunk_rows": dataset.chunk_rows,
        "chunks": dataset.chunk_count,
    }


def _sound(bundle: Bundle, name: str, digest: str) -> bytes:
    data = bundle.whole(name)
    found = canonical.digest(data)
    if found != digest:
        raise Broken(f"the bytes of {name} have the SHA-256 {found}")
    return data
