"""This file is where tests get a store whose data sets have real bytes, so that it can compute."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import pyarrow as pa
from sqlalchemy import select
from world import JOB_TYPES, START, World

from grid import canonical, chunks, jobspec
from grid.db import apply as writes
from grid.db import commands
from grid.db.commands import NewDataSet, NewJob
from grid.db.tables import ResultRow, WorkUnitRow, table
from grid.items import (
    ChunkColumn,
    Column,
    DataSet,
    Host,
    Job,
    Json,
    LogicalType,
    PhysicalType,
    Policy,
)
from grid.leases import Lease
from grid.report import Judged, Report
from grid.settings import Settings
from grid.states import Outcome, Purpose
from grid.transition import CreateResults

COLUMN = Column(name="a", type=LogicalType.INT64, physical=PhysicalType.INT64, nullable=False)


class Home(World):
    """A World over job types of tests, and one that the test makes."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.types = folder / "types"
        self.types.mkdir(parents=True)
        folders = (str(JOB_TYPES), str(self.types))
        self.settings = Settings(data_dir=folder / "data", job_type_folders=folders, **settings)
        self.time = START
        self.store = None

    def open(self) -> Home:
        self.store = self._open()
        return self

    def job_type(self, name: str, *changes: tuple[str, str]) -> None:
        """A job type like `tally`, with some of its text changed."""
        shutil.copytree(
            JOB_TYPES / "tally", self.types / name, ignore=shutil.ignore_patterns("__pycache__")
        )
        for path in (self.types / name / "jobtype.toml", self.types / name / "__init__.py"):
            text = path.read_text().replace('name = "tally"', f'name = "{name}"')
            for old, new in changes:
                text = text.replace(old, new)
            path.write_text(text)

    def real_job(
        self, job_type: str, spec: Json, *values: list[int], policy: Policy | None = None
    ) -> Job:
        """A job over chunks of these values, one work unit each."""
        dataset = self._real_dataset(values)
        found = self.store.job_types.find(job_type)
        loaded = self.store.job_types.loaded(found.digest)
        checked = jobspec.check(spec, loaded.spec_schema, loaded.job_type, dataset.columns)
        new = NewJob(
            account_id=self.account(),
            job_type=job_type,
            version=found.manifest.version,
            job_type_digest=found.digest,
            spec=spec,
            params=checked.params,
            reads=("a",),
            output_columns=loaded.job_type.output_columns(spec, dataset.columns),
            merge_state=loaded.job_type.merge_start(spec, dataset.columns),
            dataset_id=dataset.id,
            name="real",
            metadata={},
            public=True,
            policy=policy or Policy(mode="standard"),
            program_digest=self.store.blobs.put(checked.program.encode()),
            seal_opens_by=self.time + 10**6,
        )
        job = self.store.write(lambda tx: commands.add_job(tx, new, self.store.keyring))
        self.make(job.id)
        return self.facts(job.id)

    def wants_run(self, job: Job, ordinal: int = 0) -> None:
        """The server shall compute this work unit."""
        unit = self.units(job)[ordinal]
        made = CreateResults(
            workunit_id=unit.id,
            job_id=job.id,
            count=1,
            priority=0,
            purpose=Purpose.TRUSTED,
            because="a test wants it",
        )
        self.store.write(lambda tx: writes.apply(tx.connection, [made], (), tx.now))

    def answer(self, host: Host, lease: Lease, output: Json, provable: bool = False) -> Judged:
        """Report any output."""
        text = canonical.dumps(output)
        said = Report(
            result_id=lease.result_id,
            host_id=host.id,
            lease=lease,
            outcome=Outcome.SUCCESS,
            output_digest=canonical.digest(text),
            message=None,
            salt=secrets.token_hex(16),
        )
        outputs = {lease.result_id: text.decode()}
        cheap = frozenset({lease.result_id} if provable else ())
        (judged,) = self.exchange(host, reports=(said,), outputs=outputs, provable=cheap).judged
        return judged

    def units(self, job: Job) -> list[object]:
        units = table(WorkUnitRow)
        with self.store.read() as connection:
            return connection.execute(
                select(units).where(units.c.job_id == job.id).order_by(units.c.ordinal)
            ).all()

    def runs(self, job: Job) -> list[object]:
        """The server's own results, in order."""
        results = table(ResultRow)
        with self.store.read() as connection:
            return connection.execute(
                select(results)
                .where(results.c.job_id == job.id, results.c.purpose == Purpose.TRUSTED.value)
                .order_by(results.c.id)
            ).all()

    def _real_dataset(self, values: tuple[list[int], ...]) -> DataSet:
        parts = [chunks.encode_column(pa.array(part, pa.int64()), COLUMN) for part in values]
        new = NewDataSet(
            account_id=self.account(),
            name="numbers",
            public=True,
            columns=(COLUMN,),
            row_count=sum(map(len, values)),
            chunk_rows=len(values[0]),
            chunk_columns=[
                ChunkColumn(
                    chunk=place,
                    column="a",
                    rows=len(part),
                    digest=self.store.blobs.put(data),
                    bytes=len(data),
                )
                for place, (part, data) in enumerate(zip(values, parts, strict=True))
            ],
            byte_count=sum(map(len, parts)),
            source_digest="0" * 64,
        )
        return self.store.write(lambda tx: commands.add_dataset(tx, new))
