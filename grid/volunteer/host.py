"""This file is where one core takes part: asks, computes and reports until it is told to leave."""

from __future__ import annotations

import base64
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from grid.engines import Computation, EngineError
from grid.volunteer.backoff import pause_s
from grid.volunteer.cache import BlobCache
from grid.volunteer.client import Client, Failure, Unwelcome
from grid.volunteer.events import Event, Said, Tell
from grid.volunteer.holding import Holding
from grid.volunteer.messages import Assignment, Lease, Report, Reported, WorkAnswer
from grid.volunteer.wishes import Wishes
from grid.volunteer.witness import Unproven

T = TypeVar("T")

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


class Ended(msgspec.Struct, frozen=True):
    """How a computation ended, in the fields of its report."""

    outcome: str
    output: str | None = None
    output_digest: str | None = None
    message: str | None = None
    elapsed_ms: int | None = None


class Leaving:
    """How a host is asked to leave: to take no more, or to drop everything; any thread may."""

    def __init__(self) -> None:
        #: Set with `now`, too.
        self.soon = threading.Event()
        self.now = threading.Event()

    def at_once(self) -> None:
        """Whatever is being computed is given back."""
        self.now.set()
        self.soon.set()


class Host:
    """The loop of one core. `compute` turns a computation into output bytes or an EngineError."""

    def __init__(
        self,
        client: Client,
        compute: Callable[[Computation], bytes],
        cache: BlobCache,
        leaving: Leaving,
        tell: Tell,
        wishes: Callable[[], Wishes | float] = Wishes,
        holding: Holding | None = None,
        cores: int = 1,
    ) -> None:
        """`holding` and `leaving` are shared by all cores of a host.

        `wishes` gives what it chooses now, or for how many seconds it must rest.
        """
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
        """Takes part until it is to leave, or, with `once`, until the server has no work.

        What it computes then comes to its end, unless it is to leave at once; whatever else is held
        is given back. Raises Unwelcome.
        """
        try:
            while not self._leaving.soon.is_set():
                wishes = self._wishes()
                if not isinstance(wishes, Wishes):
                    self._rest(wishes)
                    continue
                try:
                    answer = self._ask(wishes)
                    for assignment in answer.assignments:
                        self._perform(assignment)
                except Failure as failure:
                    self._pause_after(failure)
                    continue
                self._failures = 0
                if not answer.assignments:
                    pause_s = answer.retry_after_s if answer.retry_after_s > 0 else 1
                    words = f"waiting for work: {_in_words(answer)}"
                    self._say(Event.WAITING, words, reason=answer.why_no_work, again_in_s=pause_s)
                    if once:
                        return
                    self._leaving.soon.wait(pause_s)
        finally:
            self._leave()

    def _say(self, event: Event, text: str = "", **further: Any) -> None:
        self._tell(Said(event=event, text=text, **further))

    def _rest(self, pause_s: float) -> None:
        """Hand in what is finished, hold nothing, and wait until its hours begin."""
        self._leave()
        self._say(Event.RESTING, "resting until its hours begin", again_in_s=round(pause_s))
        self._leaving.soon.wait(pause_s)

    def _ask(self, wishes: Wishes) -> WorkAnswer:
        token = self._client.identity().token
        further = {**wishes.fields(time.time()), "slots": self._cores, "wait": True}
        with self._holding.asking() as told:
            if told is not None:
                further["holding"] = told
            answer = self._client.work(list(self._reports.values()), (), 1, token, further)
            self._heard(answer.reports)
            with self._lock:
                self._leases |= {one.result_id: one.lease for one in answer.assignments}
                held = frozenset({*self._leases, *self._reports})
            self._holding.keep(id(self), held)
        return answer

    def _heard(self, reported: Iterable[Reported]) -> None:
        """What became of reports; they are sent no more."""
        for said in reported:
            report = self._reports.pop(said.result_id, None)
            if report is not None:
                self._say(
                    Event.REPORTED,
                    "" if said.accepted else f"a report was refused: {said.reason}",
                    result=said.result_id,
                    outcome=report.outcome,
                    accepted=said.accepted,
                    reason=said.reason,
                )

    def _perform(self, assignment: Assignment) -> None:
        if self._leaving.soon.is_set():
            return
        job = assignment.job
        self._say(
            Event.COMPUTING,
            f"computing for {job.name} ({job.job_type})",
            job=job.id,
            job_name=job.name,
            job_type=job.job_type,
            result=assignment.result_id,
        )
        try:
            with self._renewing():
                ended = self._ended(assignment)
        except Failure:
            self._finish(assignment, Ended("released"))
            raise
        # After the last renewal was heard of: the report goes out under the newest lease.
        if ended is not None:
            self._finish(assignment, ended)

    def _ended(self, assignment: Assignment) -> Ended | None:
        """How its computation ended; None when it was broken off. Raises Failure."""
        try:
            computation = self._computation(assignment)
        except Unproven as error:
            self._say(Event.TROUBLE, f"not computed for {assignment.job.name}: {error}")
            return Ended("released")
        started = time.monotonic()
        try:
            output = self._compute(computation)
        except EngineError as error:
            if self._leaving.now.is_set():
                return None
            return Ended("error", message=str(error), elapsed_ms=_since_ms(started))
        elapsed_ms = _since_ms(started)
        if len(output) <= assignment.limits.inline_bytes_max:
            spelled = base64.b64encode(output).decode()
            return Ended("success", output=spelled, elapsed_ms=elapsed_ms)
        try:
            digest = self._put(assignment, output)
        except Failure as failure:  # not raised: what else is held may still be heard
            self._say(Event.TROUBLE, f"an output was not taken: {failure}")
            return Ended("released")
        return Ended("success", output_digest=digest, elapsed_ms=elapsed_ms)

    def _computation(self, assignment: Assignment) -> Computation:
        program = assignment.program
        self._patiently(lambda: self._client.witness.check(program, assignment.job.id))
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
                if self._leaving.now.wait(wait_s):
                    raise

    def _finish(self, assignment: Assignment, ended: Ended) -> None:
        """Keep a report under the newest lease; nothing to report when that was taken back."""
        number = assignment.result_id
        with self._lock:
            lease = self._leases.pop(number, None)
        if lease is None:
            return
        if ended.outcome != "released":
            self._say(
                Event.COMPUTED,
                "" if ended.message is None else f"the program failed: {ended.message}",
                result=number,
                outcome=ended.outcome,
                elapsed_ms=ended.elapsed_ms,
            )
        report = Report(result_id=number, lease=lease, **msgspec.structs.asdict(ended))
        self._reports.setdefault(number, self._client.signed(report))

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
        self._say(
            Event.TROUBLE, f"{failure}; trying again in {wait_s:.0f} s", again_in_s=round(wait_s, 1)
        )
        self._leaving.soon.wait(wait_s)

    def _leave(self) -> None:
        """Give back what is held and hand in what is finished, if the server listens."""
        released = [
            Report(outcome="released", **msgspec.structs.asdict(lease)) for lease in self._held()
        ]
        reports = [*self._reports.values(), *released]
        if reports:
            try:
                answer = self._client.work(reports, (), 0, self._client.identity().token)
            except (Failure, Unwelcome) as failure:
                self._say(Event.TROUBLE, f"could not say goodbye: {failure}")
            else:
                self._heard(answer.reports)
                with self._lock:
                    self._leases.clear()
                self._holding.keep(id(self), frozenset())


def _since_ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _in_words(answer: WorkAnswer) -> str:
    """Why there is no work; a reason that a newer server may have is shown as it is."""
    reason = answer.why_no_work or "no_work"
    words = REASONS.get(reason, reason.replace("_", " "))
    return f"{words}: {answer.ban_reason}" if answer.ban_reason else words
