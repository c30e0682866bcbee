"""This file is where an assignment gets its words: what to fetch, and under which lease.

What all assignments of a job, or of a work unit, share is encoded once and kept as bytes.
"""

from __future__ import annotations

import msgspec
import structlog
from msgspec import UNSET, Raw, Struct, UnsetType

from grid import leases
from grid.db import hosts, leaves, published, queries, quizzing, secrets
from grid.db.inputs import chunk_blobs
from grid.db.rows import JobFacts
from grid.db.store import Store
from grid.db.work import Assigned
from grid.identifiers import Kind
from grid.items import ChunkColumn, DataSet, Job, Json, PointRange
from grid.plugins.contract import INLINE_BYTES_MAX
from grid.plugins.inputs import Inputs, over_points
from grid.plugins.loader import PluginError
from grid.plugins.points import point_range
from grid.secrets import NONE, Secrets, with_literals
from web import blob_links
from web.cache import Cache
from web.messages import Assignment

log = structlog.get_logger("grid.web")

#: Work units whose inputs are read at a time: they go out in order.
READ_AHEAD = 128


class _Head(Struct, frozen=True, kw_only=True):
    """What all work units of a job share."""

    job: Raw
    program: Raw
    columns: Raw
    params: Raw
    limits: Raw
    #: Whether the log names the program by now, or never will: it is a private job's.
    settled: bool
    made_at: int


def _raw(value: Json) -> Raw:
    return Raw(msgspec.json.encode(value))


class Assignments:
    """Words for assignments, kept for one server process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._datasets: Cache[int, DataSet] = Cache(limit=1000)
        self._heads: Cache[int, _Head] = Cache(limit=1000)
        self._inputs: Cache[tuple[int, int, int], Raw] = Cache(limit=20_000)
        self._ranges: Cache[tuple[int, int], Inputs] = Cache(limit=20_000)
        #: Of jobs that count points: the chunks are the same for many ranges.
        self._chunks: Cache[tuple[int, tuple[int, ...]], Raw] = Cache(limit=1000)

    def dataset(self, number: int | None) -> DataSet | None:
        """The data set that a job computes on, if it does."""
        if number is None:
            return None
        kept = self._datasets.get(number)
        if kept is None:
            with self._store.read() as connection:
                found = queries.dataset(connection, number)
            assert found is not None, "data sets stay"
            kept = self._datasets.keep(number, found)
        return kept

    def rows(self, job: Job, first: int, count: int) -> tuple[int, ...]:
        """How many points this range has, and how many rows each chunk that it is given."""
        if job.point_count is not None:
            return self._counted(job, first, count).rows
        dataset = self.dataset(job.dataset_id)
        return () if dataset is None else dataset.rows_of(first, count)

    def _counted(self, job: Job, first: int, count: int) -> Inputs:
        """What the program is given for these points.

        A job type that fails over it gives no chunks: the program then fails, and so does its job.
        """
        kept = self._ranges.get((job.id, first))
        if kept is not None:
            return kept
        dataset = self.dataset(job.dataset_id)
        points = point_range(job.point_count or 0, first, count)
        try:
            job_type = self._store.job_types.loaded(job.job_type_digest).job_type
            made = over_points(points, job.spec, job_type, dataset)
        except Exception:
            log.exception("a job type failed over its chunks", job=job.id)
            made = Inputs(points=points, chunks=(), chunk_rows=(), first_rows=())
        return self._ranges.keep((job.id, first), made)

    def assignment(self, assigned: Assigned, now: int) -> Assignment:
        """What the host is told about one result."""
        lease, job = assigned.lease, assigned.job.job
        until = None if job.public else lease.deadline + blob_links.LINK_TTL_S
        kept = until is None and not job.owner_only  # a secret is not kept beyond its job
        place = (job.id, assigned.first_chunk, assigned.chunk_count)
        counted: PointRange | UnsetType = UNSET
        head = self._heads.get(job.id) if kept else None
        if head is None or (not head.settled and head.made_at < now):
            head = self._head(assigned.job, until, now)
            if kept:
                self._heads.keep(job.id, head)
        inputs: Raw | None = None
        if job.point_count is not None:
            given = self._counted(job, assigned.first_chunk, assigned.chunk_count)
            counted, inputs = given.points or UNSET, self._needed(assigned.job, given, until)
        elif assigned.quiz is not None:
            inputs = self._read_quiz(assigned.job, assigned.quiz, until)
        elif until is None:
            inputs = self._inputs.get(place)
        if inputs is None:
            inputs = self._read_inputs(assigned, until)
        ids, key = self._store.keyring.identifiers, self._store.keyring.lease_key
        return Assignment(
            result_id=ids.public(Kind.RESULT, lease.result_id),
            lease=leases.sign(key, lease),
            job=head.job,
            program=head.program,
            columns=head.columns,
            inputs=inputs,
            points=counted,
            params=head.params,
            limits=head.limits,
            deadline=lease.deadline,
            expires_in_s=lease.deadline - now,
        )

    def _link(self, digest: str, until: int | None) -> str:
        if until is None:
            return blob_links.public_link(digest)
        return blob_links.signed_link(self._store.keyring.lease_key, digest, until)

    def _head(self, facts: JobFacts, until: int | None, now: int) -> _Head:
        job = facts.job
        leaf = self._program_leaf(job)
        public_id = self._store.keyring.identifiers.public(Kind.JOB, job.id)
        dataset = self.dataset(job.dataset_id)
        by_name = {} if dataset is None else {column.name: column for column in dataset.columns}
        return _Head(
            job=_raw(
                {
                    "id": public_id,
                    "name": job.name,
                    "job_type": job.job_type,
                    "page": f"/jobs/{public_id}",
                    "owner": self._owner(job),
                    "dataset": None if dataset is None else self._named(dataset),
                }
            ),
            program=_raw(
                {
                    "digest": job.program_digest,
                    "url": self._link(job.program_digest, until),
                    "bytes": self._store.blobs.size(job.program_digest),
                    **({} if leaf is None else {"leaf": leaf}),
                }
            ),
            columns=_raw([by_name[name] for name in facts.reads]),
            params=_raw(with_literals(facts.params, self._secrets(job))),
            limits=_raw(self._limits(job)),
            settled=leaf is not None or not job.public,
            made_at=now,
        )

    def _program_leaf(self, job: Job) -> int | None:
        """The leaf of the log that names the program, once a checkpoint covers it. Of a private
        job nobody could compare the digest there, which is keyed."""
        if not job.public:
            return None
        with self._store.read() as connection:
            leaf = leaves.of_program(connection, job.id)
        newest = None if leaf is None else published.checkpoint(self._store.log)
        return leaf if newest is not None and (leaf or 0) < newest[1].size else None

    def _owner(self, job: Job) -> str:
        """The name by which volunteers choose or refuse its requester."""
        if job.account_id is None:
            return ""
        with self._store.read() as connection:
            return hosts.account_name(connection, job.account_id)

    def _named(self, dataset: DataSet) -> Json:
        public_id = self._store.keyring.identifiers.public(Kind.DATASET, dataset.id)
        return {
            "id": public_id,
            "name": dataset.name,
            "page": f"/datasets/{public_id}",
            "chunk_rows": dataset.chunk_rows,
        }

    def _secrets(self, job: Job) -> Secrets:
        """Dispatch gives such a job's work to trusted hosts of its own account only."""
        if not job.owner_only:
            return NONE
        with self._store.read() as connection:
            return secrets.of_job(connection, self._store.keyring, job.id)

    def _limits(self, job: Job) -> Json:
        try:
            job_type = self._store.job_types.loaded(job.job_type_digest).job_type
            output_bytes_max = job_type.output_bytes_max
        except PluginError:  # the job has ended
            output_bytes_max = INLINE_BYTES_MAX
        return {
            "time_limit_s": self._store.settings.compute_time_limit_s,
            "output_bytes_max": output_bytes_max,
            "inline_bytes_max": INLINE_BYTES_MAX,
        }

    def _words(self, one: ChunkColumn, until: int | None) -> Json:
        return {**msgspec.to_builtins(one), "url": self._link(one.digest, until)}

    def _read_quiz(self, facts: JobFacts, workunit_id: int, until: int | None) -> Raw:
        """The inputs of a quiz, in the words of any others."""
        dataset = self.dataset(facts.job.dataset_id)
        assert dataset is not None, "quizzes imitate chunks"
        columns = dataset.columns
        places = {column.name: place for place, column in enumerate(columns)}
        reads = {places[name]: name for name in facts.reads}
        with self._store.read() as connection:
            found = quizzing.inputs(connection, workunit_id, reads)
        return _raw([self._words(one, until) for one in found])

    def _needed(self, facts: JobFacts, given: Inputs, until: int | None) -> Raw:
        """The chunks that some points need, each with the number of its first row."""
        place = (facts.job.id, given.chunks)
        kept = None if until else self._chunks.get(place)
        if kept is not None:
            return kept
        first_rows = dict(zip(given.chunks, given.first_rows, strict=True))
        with self._store.read() as connection:
            dataset = self.dataset(facts.job.dataset_id)
            found = chunk_blobs(connection, dataset, given.chunks, facts.reads)
        words = [
            {
                **msgspec.to_builtins(one),
                "url": self._link(one.digest, until),
                "first_row": first_rows[one.chunk],
            }
            for one in found
        ]
        return _raw(words) if until else self._chunks.keep(place, _raw(words))

    def _read_inputs(self, assigned: Assigned, until: int | None) -> Raw:
        """The inputs of a work unit; those of the next ones are kept, for they are asked next."""
        facts, count = assigned.job, assigned.chunk_count
        ahead = 1 if until else READ_AHEAD
        first = assigned.first_chunk
        with self._store.read() as connection:
            dataset = self.dataset(facts.job.dataset_id)
            assert dataset is not None, "a job over chunks has a data set"
            found = queries.chunk_columns(connection, dataset, first, count * ahead, facts.reads)
        inputs: dict[int, list[Json]] = {first: []}
        for one in found:
            start = first + (one.chunk - first) // count * count
            inputs.setdefault(start, []).append(self._words(one, until))
        if until is None:
            for start, several in inputs.items():
                self._inputs.keep((facts.job.id, start, count), _raw(several))
        return _raw(inputs[first])
