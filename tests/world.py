"""This file is where tests get a real store on a real SQLite file, and act on it in a few words."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from grid.canonical import digest, dumps
from grid.db import commands, progress, queries
from grid.db.commands import NewDataSet, NewHost, NewJob
from grid.db.store import Store
from grid.db.work import Assigned, Renewal, WorkAnswer, WorkRequest
from grid.items import ChunkColumn, Column, DataSet, Host, Job, LogicalType, PhysicalType, Policy
from grid.leases import Lease
from grid.report import Judged, Report
from grid.settings import Settings
from grid.simulation.invariants import check
from grid.states import Outcome

JOB_TYPES = Path(__file__).parent / "jobtypes"
START = 1_800_000_000


class World:
    """A store whose clock stands still until it is moved."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.settings = Settings(data_dir=folder, job_type_folders=(str(JOB_TYPES),), **settings)
        self.time = START
        self.store = self._open()

    def _open(self) -> Store:
        return Store(self.settings, clock=lambda: self.time)

    def reopen(self) -> None:
        """Stop and start again."""
        self.store.close()
        self.store = self._open()

    def close(self) -> None:
        """Check that nothing is out of order, then stop."""
        check(self.store)
        self.store.close()

    def dataset(self, chunks: int = 3, chunk_rows: int = 2, public: bool = True) -> DataSet:
        """A table of one column; its blobs are made up."""
        column = Column(
            name="a", type=LogicalType.INT64, physical=PhysicalType.INT8, nullable=False
        )
        new = NewDataSet(
            account_id=self.account(),
            name="numbers",
            public=public,
            columns=(column,),
            row_count=chunks * chunk_rows,
            chunk_rows=chunk_rows,
            chunk_columns=[
                ChunkColumn(chunk=n, column="a", rows=chunk_rows, digest=digest(b"%d" % n), bytes=8)
                for n in range(chunks)
            ],
            byte_count=8 * chunks,
            source_digest=digest(b"source"),
        )
        return self.store.write(lambda tx: commands.add_dataset(tx, new))

    def account(self, name: str = "a requester") -> int:
        return self.store.write(lambda tx: commands.add_account(tx, name))

    def job(self, chunks: int = 3, job_type: str = "tally", **policy: object) -> Job:
        """A job over a new data set, its first work units made; policy fields by name, and
        `account`, `needs` and `topics`."""
        dataset = self.dataset(chunks)
        found = self.store.job_types.find(job_type)
        loaded = self.store.job_types.loaded(found.digest)
        own = {name: policy.pop(name) for name in ("needs", "topics") if name in policy}
        new = NewJob(
            account_id=policy.pop("account", None) or self.account(),
            job_type=job_type,
            version=found.manifest.version,
            job_type_digest=found.digest,
            spec={},
            params={"literals": []},
            reads=("a",),
            output_columns=loaded.job_type.output_columns({}, dataset.columns),
            merge_state=loaded.job_type.merge_start({}, dataset.columns),
            dataset_id=dataset.id,
            name="count them",
            metadata={},
            public=True,
            policy=Policy(**policy),
            program_digest=self.store.blobs.put(
                loaded.job_type.program({}, dataset.columns).encode()
            ),
            seal_opens_by=self.time + 10**6,
            **own,
        )
        job = self.store.write(lambda tx: commands.add_job(tx, new, self.store.keyring))
        self.make(job.id)
        return self.facts(job.id)

    def make(self, job_id: int) -> int:
        high = self.settings.unsent_workunits_max
        return self.store.write(
            lambda tx: progress.make_workunits(tx, job_id, high, self.store.context)
        )

    def facts(self, job_id: int) -> Job:
        with self.store.read() as connection:
            return queries.job(connection, job_id).job

    def host(self, account: int | None = None, trusted: bool = False, address: str = "::1") -> Host:
        new = NewHost(
            account_id=account,
            trusted=trusted,
            kind="headless",
            engine="test",
            capabilities={},
            address=address,
        )
        number, *_ = self.store.write(lambda tx: commands.add_host(tx, new))
        with self.store.read() as connection:
            return queries.host(connection, number)

    def exchange(self, host: Host, **fields: object) -> WorkAnswer:
        request = WorkRequest(host=host, **fields)
        return asyncio.run(self.store.work(request))

    def ask(self, host: Host, want: int = 1) -> tuple[Assigned, ...]:
        return self.exchange(host, want=want).assigned

    def report(
        self, host: Host, lease: Lease, rows: int = 2, outcome: Outcome = Outcome.SUCCESS
    ) -> Judged:
        """Report `{"rows": rows}`, or another outcome."""
        (judged,) = self.exchange(host, **reported(host, [(lease, rows, outcome)])).judged
        return judged

    def renew(self, host: Host, lease: Lease) -> Lease | None:
        renewal = Renewal(result_id=lease.result_id, lease=lease)
        (renewed,) = self.exchange(host, renewals=(renewal,)).renewed
        return renewed

    def compute(self, hosts: Sequence[Host], rows: int = 2) -> int:
        """Let hosts compute whatever there is, honestly; how many results."""
        done = 0
        while True:
            gone = 0
            for host in hosts:
                for assigned in self.ask(host, want=8):
                    assert self.report(host, assigned.lease, rows).accepted
                    gone += 1
            done += gone
            if not gone:
                return done


def reported(host: Host, said: Sequence[tuple[Lease, int, Outcome]]) -> dict[str, object]:
    """The parts of a WorkRequest for these reports."""
    reports, outputs = [], {}
    for lease, rows, outcome in said:
        text = dumps({"rows": rows})
        success = outcome is Outcome.SUCCESS
        reports.append(
            Report(
                result_id=lease.result_id,
                host_id=host.id,
                lease=lease,
                outcome=outcome,
                output_digest=digest(text) if success else None,
                message=None if success else "it did not work",
                salt=secrets.token_hex(16),
            )
        )
        if success:
            outputs[lease.result_id] = text.decode()
    return {"reports": tuple(reports), "outputs": outputs}


def rows(store: Store, sql_table: type) -> Iterator[object]:
    """Every row of a table."""
    from sqlalchemy import select

    from grid.db.tables import table

    with store.read() as connection:
        yield from connection.execute(select(table(sql_table))).all()
