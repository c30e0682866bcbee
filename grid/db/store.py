"""This file is where the rest of Grid meets its state: read a snapshot, write through one queue."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from grid import dispatch
from grid.auditlog.policy import BadPolicy, Policy
from grid.blobs import BlobStore
from grid.comparators import Comparator, by_digest
from grid.db import queries, session
from grid.db.keyring import Keyring, open_keyring
from grid.db.record.store import PublicRecord
from grid.db.rows import JobFacts
from grid.db.sharing import Sharing
from grid.db.snapshots import Snapshots
from grid.db.telling import Telling
from grid.db.transaction import Entropy, Transaction
from grid.db.work import Context, WorkAnswer, WorkRequest, work
from grid.db.writer import Figures, Writer
from grid.plugins.loader import PluginError
from grid.plugins.registry import Registry
from grid.plugins.selectors import Selector, selectors
from grid.publishing.cosigning import read_policy
from grid.publishing.files import LogFiles
from grid.publishing.signing import Signing
from grid.settings import Settings
from grid.states import JobState

T = TypeVar("T")

#: Jobs whose unchanging facts are kept at hand; a batch rarely touches more than a few.
JOBS_KEPT_MAX = 10_000


class StartRefused(Exception):
    """The server must not start like this; says what to do."""


def database_url(settings: Settings) -> str:
    """Where the database is: the embedded one, unless a setting names another."""
    if settings.database_url:
        _, _, where = settings.database_url.partition("://")
        return f"postgresql+psycopg://{where}"
    return f"sqlite:///{settings.data_dir.resolve() / 'grid.db'}"


def _witness_policy(settings: Settings) -> Policy:
    """Who cosigns the log; nobody where nothing is said. Raises StartRefused."""
    if settings.witness_policy is None:
        return Policy()
    try:
        return read_policy(settings.witness_policy)
    except (OSError, UnicodeError, BadPolicy) as error:
        raise StartRefused(f"GRID_WITNESS_POLICY: {settings.witness_policy}: {error}") from error


def _migrate(url: str) -> None:
    try:
        session.migrate(url)
    except OperationalError as error:
        where = make_url(url).render_as_string(hide_password=True)
        said = str(error.orig).strip().splitlines() or [""]
        raise StartRefused(f"the database does not answer: {where}: {said[0]}") from error


class Store:
    """Database, blobs, keys and job types of one data folder.

    Clock and entropy are arguments, so that one seed can stand for all chance there is.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.time,
        entropy: Entropy = secrets.token_bytes,
    ) -> None:
        self.settings = settings
        self.witness_policy = _witness_policy(settings)
        self._clock = clock
        self.keyring: Keyring = open_keyring(settings.data_dir, entropy)
        self.blobs = BlobStore(settings.data_dir / "blobs", settings.blob_url)
        #: Outputs that were too large for their reports: strangers' bytes, and so never among ours.
        self.outputs = BlobStore(settings.data_dir / "outputs", settings.blob_url)
        #: What of the log is public, and who signs it.
        self.log = LogFiles(settings.data_dir / "log")
        self.signing = Signing(settings.data_dir / "signer", settings.public_url)
        #: The same as tables that anybody may ask.
        self.record = PublicRecord(settings.data_dir)
        self.job_types = Registry(Path(folder) for folder in settings.job_type_folders)
        url = database_url(settings)
        _migrate(url)
        self._reading = session.reading_engine(url)
        self._writing = session.writing_engine(url)
        self._listeners: list[Callable[[set[int]], None]] = []
        self._jobs: dict[int, JobFacts] = {}
        self.context = Context(
            keyring=self.keyring,
            jobs=self._job_facts,
            comparator=self._comparator,
            snapshots=Snapshots(settings),
            sharing=Sharing(self._selectors(), settings.selector),
        )
        self._telling = (
            Telling(settings.database_url, self._hear) if settings.database_url else None
        )
        self._writer = Writer(self._writing, self._work, self.now, entropy, self._tell)
        self._refuse_missing_job_types()

    def now(self) -> int:
        """Seconds since 1970-01-01 UTC: the only clock there is."""
        return int(self._clock())

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one snapshot and cannot write."""
        with self._reading.connect() as connection:
            yield connection

    def write(self, command: Callable[[Transaction], T]) -> T:
        """Run a writing function in the next commit and wait for it; from any thread but an
        event loop's."""
        future: Future[T] = self._writer.submit(command)
        return future.result()

    async def awrite(self, command: Callable[[Transaction], T]) -> T:
        """The same from an event loop."""
        future: asyncio.Future[T] = self._writer.submit_async(command)
        return await future

    async def work(self, request: WorkRequest) -> WorkAnswer:
        """One host's exchange, answered after the commit that holds it."""
        future: asyncio.Future[WorkAnswer] = self._writer.submit_async(request)
        return await future

    def work_together(self, requests: Sequence[WorkRequest]) -> list[WorkAnswer]:
        """The exchanges of several hosts in one commit, in this order; as `write`."""
        return self.write(lambda transaction: self._work(transaction, requests))

    def listen(self, listener: Callable[[set[int]], None]) -> Callable[[], None]:
        """Call `listener` with the ids of jobs that changed, after each commit, and soon
        after those of other processes, in the thread that knows of it: it must be quick. Returns
        how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def writing(self) -> Figures:
        """What the writer of this process has done."""
        return self._writer.figures()

    def close(self) -> None:
        """Commit what has queued, then let go of the database."""
        self._writer.close()
        if self._telling is not None:
            self._telling.close()
        self.signing.close()
        self.record.close()
        self._reading.dispose()
        self._writing.dispose()

    def _selectors(self) -> Mapping[str, Selector]:
        found = selectors(dispatch.selectors, self.settings.selector_plugins)
        if self.settings.selector not in found:
            known = ", ".join(found)
            raise PluginError(f"{self.settings.selector}: no such selector; there are {known}")
        return found

    def _work(self, transaction: Transaction, requests: Sequence[WorkRequest]) -> list[WorkAnswer]:
        return work(transaction, requests, self.context)

    def _tell(self, touched: set[int]) -> None:
        self._hear(touched)
        if self._telling is not None:
            self._telling.tell(touched)

    def _hear(self, touched: set[int]) -> None:
        for listener in tuple(self._listeners):
            listener(touched)

    def _job_facts(self, transaction: Transaction, ids: set[int]) -> Mapping[int, JobFacts]:
        """Only the writer's thread calls this."""
        missing = ids - self._jobs.keys()
        if missing:
            if len(self._jobs) + len(missing) > JOBS_KEPT_MAX:
                self._jobs.clear()
                missing = ids
            self._jobs |= queries.jobs(transaction.connection, missing)
        return self._jobs

    def _comparator(self, facts: JobFacts) -> Comparator:
        """By digest where the code of an ended job is gone: its leftovers must come to rest."""
        try:
            return self.job_types.loaded(facts.job.job_type_digest).job_type.compare
        except PluginError:
            return by_digest

    def _refuse_missing_job_types(self) -> None:
        with self.read() as connection:
            numbers = queries.jobs_in(connection, (JobState.ACTIVE, JobState.PAUSED))
            facts = queries.jobs(connection, numbers)
        for one in facts.values():
            job = one.job
            if not self.job_types.has(job.job_type_digest):
                self.close()
                raise StartRefused(
                    f"job {job.name!r} is open and was made by {job.job_type} {job.version} "
                    f"({job.job_type_digest[:12]}…), whose folder has changed or is gone. Put that "
                    "folder back, or cancel the job with it in place before you change it."
                )
            try:  # now: an open job keeps its code even if the folder changes later
                self.job_types.loaded(job.job_type_digest)
            except PluginError:
                self.close()
                raise
