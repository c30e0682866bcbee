"""This file is where one core takes part: asks, computes and reports until it is told to leave."""

from __future__ import annotations

import base64
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from grid.engines import Computation, EngineError
from grid.volunteer.backoff import pause_s
from grid.volunteer.cache import BlobCache
from grid.volunteer.client import Client, Failure, Unwelcome
from grid.volunteer.holding import Holding
from grid.volunteer.messages import Assignment, Lease, Report, WorkAnswer
from grid.volunteer.wishes import Wishes

T = TypeVar("T")

#: Told what happens: one line for people, and how many answers the server has taken since.
Tell = Callable[[str, int], None]

#: Times an input is asked for before its work unit is given back: half a minute of patience.
BLOB_ATTEMPTS = 6

#: Why a server gives no work, for people.
REASONS = {
    "no_work": "no job has any now",
    "needs_others": "what is left needs answers of other volunteers",
    "trusted_only": "what is left is for trusted hosts",
    "too_many_leases": "this host holds as many work units as it may",
    "reserved": "this host is reserved for a job that has none now",
    "not_capable": "what is left needs more threads, memory or features than this host has",
    "not_wished": "what is left is of owners, topics or job types that you did not choose",
    "leaving_soon": "what is left may take longer than this host stays",
    "over_quota": "too many of this host's results were wrong or never came; try again later",
    "banned": "this volunteer is banned",
}


class Host:
    """The loop of one core. `compute` turns a computation into output bytes or an EngineError."""

    def __init__(
        self,
        client: Client,
        compute: Callable[[Computation], bytes],
        cache: BlobCache,
        leaving: threading.Event,
        tell: Tell,
        wishes: Wishes = Wishes(),  # noqa: B008 (frozen)
        holding: Holding | None = None,
        cores: int = 1,
    ) -> None:
        """`holding` is shared by all cores of a host."""
        self._client, self._compute, self._cache = client, compute, cache
        self._leaving, self._tell = leaving, tell
        self._wishes, self._holding, self._cores = wishes, holding or Holding(), cores
        self._lock = threading.Lock()
        #: What we hold: result → newest lease.
        self._leases: dict[str, str] = {}
        #: Finished, and the server has not said a word about it yet; never changed once here.
        self._reports: dict[str, Report] = {}
        self._failures = 0

    def run(self, once: bool = False) -> None:
        """Takes part until `leaving` is set, or, with `once`, until the server has no work.

        Whatever is held then is given back. Raises Unwelcome.
        """
        try:
            while not self._leaving.is_set():
                try:
                    answer = self._ask()
                    for assignment in answer.assignments:
                        self._perform(assignment)
                except Failure as failure:
                    self._pause_after(failure)
                    continue
                self._failures = 0
                if not answer.assignments:
                    if once:
                        return
                    self._tell(f"waiting for work: {_in_words(answer)}", 0)
                    self._leaving.wait(answer.retry_after_s if answer.retry_after_s > 0 else 1)
        finally:
            self._leave()

    def _ask(self) -> WorkAnswer:
        token = self._client.identity().token
        further = {**self._wishes.fields(time.time()), "slots": self._cores, "wait": True}
        with self._holding.asking() as told:
            if told is not None:
                further["holding"] = told
            answer = self._client.work(list(self._reports.values()), (), 1, token, further)
            accepted = 0
            for said in answer.reports:
                report = self._reports.pop(said.result_id, None)
                accepted += report is not None and said.accepted and report.outcome == "success"
            with self._lock:
                self._leases |= {one.result_id: one.lease for one in answer.assignments}
                held = frozenset({*self._leases, *self._reports})
            self._holding.keep(id(self), held)
        if accepted:
            self._tell("", accepted)
        return answer

    def _perform(self, assignment: Assignment) -> None:
        if self._leaving.is_set():
            return
        job = assignment.job
        self._tell(f"computing for {job.name} ({job.job_type})", 0)
        with self._renewing():
            try:
                computation = self._computation(assignment)
            except Failure:
                self._finish(assignment, "released")
                raise
            started = time.monotonic()
            try:
                output = self._compute(computation)
            except EngineError as error:
                if self._leaving.is_set():
                    return
                elapsed_ms = round((time.monotonic() - started) * 1000)
                self._finish(assignment, "error", message=str(error), elapsed_ms=elapsed_ms)
                return
            elapsed_ms = round((time.monotonic() - started) * 1000)
            if len(output) <= assignment.limits.inline_bytes_max:
                spelled = base64.b64encode(output).decode()
                self._finish(assignment, "success", output=spelled, elapsed_ms=elapsed_ms)
                return
            try:
                digest = self._put(assignment, output)
            except Failure as failure:  # not raised: what else is held may still be heard
                self._tell(f"an output was not taken: {failure}", 0)
                self._finish(assignment, "released")
                return
            self._finish(assignment, "success", output_digest=digest, elapsed_ms=elapsed_ms)

    def _computation(self, assignment: Assignment) -> Computation:
        program = assignment.program
        text = self._blob(program.url, program.digest, program.bytes)
        blobs = [self._blob(one.url, one.digest, one.bytes) for one in assignment.inputs]
        step = max(len(assignment.columns), 1)
        return Computation(
            program=text.decode(),
            columns=assignment.columns,
            chunks=tuple(tuple(blobs[at : at + step]) for at in range(0, len(blobs), step)),
            rows=tuple(one.rows for one in assignment.inputs[::step]),
            points=assignment.points,
            first_rows=tuple(one.first_row for one in assignment.inputs[::step]),
            params=assignment.params,
            time_limit_s=assignment.limits.time_limit_s,
            output_bytes_max=assignment.limits.output_bytes_max,
        )

    def _blob(self, url: str, digest: str, length: int) -> bytes:
        return self._patiently(
            lambda: self._cache.get(digest, lambda: self._client.blob(url, digest, length))
        )

    def _put(self, assignment: Assignment, output: bytes) -> str:
        number = assignment.result_id

        def put() -> str:
            with self._lock:
                lease = Lease(number, self._leases.get(number, assignment.lease))
            return self._client.put_output(self._client.identity().token, lease, output)

        return self._patiently(put)

    def _patiently(self, ask: Callable[[], T]) -> T:
        """What it gives; a server that is away for a moment is asked again. Raises Failure."""
        failures = 0
        while True:
            try:
                return ask()
            except Failure as failure:
                failures += 1
                refused = failure.code is not None and failure.code < 500 and failure.code != 429
                if refused or failures == BLOB_ATTEMPTS:
                    raise
                wait_s = pause_s(failures, random.random(), failure.retry_after_s)  # noqa: S311
                if self._leaving.wait(wait_s):
                    raise

    def _finish(
        self,
        assignment: Assignment,
        outcome: str,
        output: str | None = None,
        output_digest: str | None = None,
        message: str | None = None,
        elapsed_ms: int | None = None,
    ) -> None:
        """Keep a report under the newest lease; nothing to report when that was taken back."""
        with self._lock:
            lease = self._leases.pop(assignment.result_id, None)
        if lease is not None:
            self._reports.setdefault(
                assignment.result_id,
                Report(
                    result_id=assignment.result_id,
                    lease=lease,
                    outcome=outcome,
                    output=output,
                    output_digest=output_digest,
                    message=message,
                    elapsed_ms=elapsed_ms,
                ),
            )

    @contextmanager
    def _renewing(self) -> Iterator[None]:
        done = threading.Event()
        heartbeat_s = self._client.identity().heartbeat_s
        thread = threading.Thread(target=self._renew, args=(done, heartbeat_s), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _renew(self, done: threading.Event, heartbeat_s: float) -> None:
        while not done.wait(heartbeat_s):
            held = self._held()
            if not held:
                return
            try:
                answer = self._client.work((), held, 0, self._client.identity().token)
            except (Failure, Unwelcome):
                continue
            with self._lock:
                for one in answer.renewed:
                    if one.lease is None:
                        self._leases.pop(one.result_id, None)
                    elif one.result_id in self._leases:
                        self._leases[one.result_id] = one.lease

    def _held(self) -> list[Lease]:
        with self._lock:
            return [Lease(result_id, lease) for result_id, lease in self._leases.items()]

    def _pause_after(self, failure: Failure) -> None:
        if failure.code in (400, 401, 413):
            # The server will never hear these, or not from the host it takes us for.
            self._reports.clear()
            with self._lock:
                self._leases.clear()
        with self._lock:
            held = frozenset({*self._leases, *self._reports})
        self._holding.keep(id(self), held)
        self._holding.doubt()
        self._failures += 1
        wait_s = pause_s(self._failures, random.random(), failure.retry_after_s)  # noqa: S311
        self._tell(f"{failure}; trying again in {wait_s:.0f} s", 0)
        self._leaving.wait(wait_s)

    def _leave(self) -> None:
        """Give back what is held and hand in what is finished, if the server listens."""
        released = [
            Report(outcome="released", **msgspec.structs.asdict(lease)) for lease in self._held()
        ]
        reports = [*self._reports.values(), *released]
        if reports:
            try:
                self._client.work(reports, (), 0, self._client.identity().token)
            except (Failure, Unwelcome) as failure:
                self._tell(f"could not say goodbye: {failure}", 0)


def _in_words(answer: WorkAnswer) -> str:
    """Why there is no work; a reason that a newer server may have is shown as it is."""
    reason = answer.why_no_work or "no_work"
    words = REASONS.get(reason, reason.replace("_", " "))
    return f"{words}: {answer.ban_reason}" if answer.ban_reason else words
