"""This file is where a simulated grid gets its jobs: riddles, one work unit a chunk, or a point."""

from __future__ import annotations

from pathlib import Path

from grid.canonical import digest
from grid.db import commands
from grid.db.commands import NewDataSet, NewJob
from grid.db.store import Store
from grid.db.transaction import Transaction
from grid.items import ChunkColumn, Column, Job, LogicalType, PhysicalType, Policy
from grid.states import JobState

JOB_TYPE = "riddle"
#: The folder with the job type of simulated grids.
JOB_TYPES = Path(__file__).parent / "jobtypes"
#: The seal of a simulated job opens after so long at the latest: 30 days, as by default.
SEAL_S = 30 * 86_400

#: Any state a job may be in.
STATES = tuple(JobState)

COLUMN = Column(name="a", type=LogicalType.INT64, physical=PhysicalType.INT8, nullable=False)


def submit(store: Store, name: str, work_units: int, policy: Policy, counted: bool = False) -> Job:
    """A job of so many work units over a data set of its own, whose bytes nobody will read; if
    `counted`, each is a point."""
    spec = {"counted": True} if counted else {}
    found = store.job_types.find(JOB_TYPE)
    assert found is not None, "it stands beside this file"
    job_type = store.job_types.loaded(found.digest).job_type
    program = store.blobs.put(job_type.program(spec, (COLUMN,)).encode())

    def command(transaction: Transaction) -> Job:
        account = commands.add_account(transaction, "requester")
        dataset = commands.add_dataset(transaction, _dataset(account, name, work_units))
        new = NewJob(
            account_id=account,
            job_type=JOB_TYPE,
            version=found.manifest.version,
            job_type_digest=found.digest,
            spec=spec,
            params=job_type.params(spec, dataset.columns),
            reads=job_type.reads(spec, dataset.columns),
            output_columns=job_type.output_columns(spec, dataset.columns),
            merge_state=job_type.merge_start(spec, dataset.columns),
            dataset_id=dataset.id,
            point_count=work_units if counted else None,
            workunit_points=int(counted),
            name=name,
            metadata={},
            public=True,
            policy=policy,
            program_digest=program,
            seal_opens_by=transaction.now + SEAL_S,
        )
        return commands.add_job(transaction, new, store.keyring)

    return store.write(command)


def _dataset(account_id: int, name: str, chunks: int) -> NewDataSet:
    return NewDataSet(
        account_id=account_id,
        name=name,
        public=True,
        columns=(COLUMN,),
        row_count=chunks,
        chunk_rows=1,
        chunk_columns=[
            ChunkColumn(chunk=chunk, column="a", rows=1, digest=digest(b"%d" % chunk), bytes=8)
            for chunk in range(chunks)
        ],
        byte_count=8 * chunks,
        source_digest=digest(name.encode()),
    )
