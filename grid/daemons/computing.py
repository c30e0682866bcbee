"""This file is where the server computes a work unit itself: in an engine's child, never here.

The program runs in our own engine. On the first work units of each job that the server computes,
and on a sample that the job's seed draws, it is doubted: by the job type's Python, and by a second
engine where the operator chose one. Where the job type can check an answer for less than it costs
to compute, answers that came in are checked first.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
import structlog
from msgspec import Struct

from grid import canonical
from grid.comparators import Answer
from grid.db import queries, secrets, trusting
from grid.db.inputs import chunk_blobs
from grid.db.rows import JobFacts
from grid.db.store import Store
from grid.db.trusting import Computed, TrustedWork
from grid.engines import Computation, Engine, EngineError, EngineLost, ProgramFailed
from grid.engines.known import make
from grid.engines.reference import Question, Reference
from grid.items import Column, DataSet
from grid.plugins.contract import JobType
from grid.plugins.inputs import Inputs, inputs_of
from grid.secrets import Secrets, whole, with_literals
from grid.validator.toss import toss

log = structlog.get_logger("grid.daemons")

#: The engine of every trusted run.
FIRST = "deno"

#: Trusted runs of each job that its reference checks in any case: most mistakes show at once.
REFERENCE_FIRST = 2
#: Share of the others that it checks; the reference is some 25 times slower.
REFERENCE_SHARE = 0.02


class _Given(Struct, frozen=True, kw_only=True):
    """A work unit with all that computing it needs."""

    work: TrustedWork
    facts: JobFacts
    dataset: DataSet | None
    job_type: JobType
    program: str
    inputs: Inputs
    #: Arrow bytes: `chunks[chunk][column]`.
    chunks: tuple[tuple[bytes, ...], ...]
    #: Outputs that hosts gave, where the job type can check them.
    answers: tuple[str, ...]
    #: What the job's spec keeps secret.
    secrets: Secrets
    #: Whether the reference shall check the program.
    doubted: bool


class _Found(Struct, frozen=True, kw_only=True):
    output: str | None = None
    program_ms: int | None = None
    enough: bool = False
    suspect: str = ""


class Machine:
    """Computes work units one after another; its children start when there is work."""

    def __init__(self) -> None:
        #: By their names; each starts when it is first needed.
        self._engines: dict[str, Engine] = {}
        self._reference: Reference | None = None
        self._closed = False

    def __call__(self, store: Store, work: TrustedWork) -> Computed:
        """How the run of one work unit ended; raises EngineLost only when this was closed."""
        began = time.monotonic()
        message = None
        found = _Found()
        try:
            given = _given(store, work)
            began = time.monotonic()
            found = _judged(given, self._checked(store, given))
        except EngineError as error:
            if self._closed:
                raise EngineLost("closed") from error
            message = str(error)
        except Exception as error:  # of the disk, or of a plugin: this run has no answer
            log.exception("a work unit could not be computed here", job=work.job_id)
            message = f"{type(error).__name__}: {error}"
        return Computed(
            result_id=work.result_id,
            output=found.output,
            message=message,
            elapsed_ms=round((time.monotonic() - began) * 1000),
            program_ms=found.program_ms,
            enough=found.enough,
            suspect=found.suspect,
        )

    def close(self) -> None:
        """End the children, also while they compute; from any thread."""
        self._closed = True
        for engine in list(self._engines.values()):
            engine.close()
        if self._reference is not None:
            self._reference.close()

    def _checked(self, store: Store, given: _Given) -> _Found:
        wrong = []
        for output in given.answers:
            said = self._verified(store, given, output)
            if said is True:
                return _Found(output=output)
            if said is False:
                wrong.append(output)
        running, began = FIRST in self._engines, time.monotonic()
        output = self._computed(store, given, FIRST)
        program_ms = round((time.monotonic() - began) * 1000) if running else None
        if output in wrong:
            return _suspect(given, "the program's answer does not pass the job type's own check")
        found = _Found(output=output, program_ms=program_ms)
        if not given.doubted:
            return found
        found = self._seconded(store, given, found)
        return found if found.suspect else self._compared(store, given, found)

    def _computed(self, store: Store, given: _Given, engine: str) -> str:
        if engine not in self._engines and not self._closed:
            self._engines[engine] = make(engine)
        if engine not in self._engines or self._closed:
            raise EngineLost("closed")
        by_name = {column.name: column for column in _columns(given)}
        job = Computation(
            program=given.program,
            columns=tuple(by_name[name] for name in given.facts.reads),
            chunks=given.chunks,
            rows=given.inputs.chunk_rows,
            points=given.inputs.points,
            first_rows=given.inputs.first_rows,
            params=with_literals(given.facts.params, given.secrets),
            time_limit_s=store.settings.compute_time_limit_s,
            output_bytes_max=given.job_type.output_bytes_max,
        )
        return self._engines[engine].compute(job).decode()

    def _seconded(self, store: Store, given: _Given, found: _Found) -> _Found:
        """What a second engine answers to the same program, where there is one."""
        second = store.settings.second_engine
        if not second:
            return found
        try:
            other = self._computed(store, given, second)
        except ProgramFailed as error:
            log.warning("a second engine failed", job=given.work.job_id, error=str(error))
            return _suspect(given, f"its program fails in a second engine, {second}")
        except EngineError as error:  # too slow, or out of memory: it says nothing
            if self._closed:
                raise
            log.warning("no answer of a second engine", job=given.work.job_id, error=str(error))
            return found
        if given.job_type.compare.agrees(_answer(0, found.output or ""), _answer(1, other)):
            return found
        return _suspect(given, f"its program answers otherwise in a second engine, {second}")

    def _verified(self, store: Store, given: _Given, output: str) -> bool | None:
        """What the job type says of an answer; None also when it fails over it."""
        try:
            said = self._ask(store, given, output)
        except EngineError as error:
            if self._closed:
                raise
            log.warning("a check failed", job=given.work.job_id, error=str(error))
            return None
        return said if isinstance(said, bool) else None

    def _compared(self, store: Store, given: _Given, found: _Found) -> _Found:
        try:
            expected = canonical.dumps(self._ask(store, given, None)).decode()
        except ProgramFailed as error:
            log.warning("the reference failed", job=given.work.job_id, error=str(error))
            return _suspect(given, "its reference fails on a work unit that its program computes")
        except EngineError as error:  # too slow, or out of memory: it says nothing
            if self._closed:
                raise
            log.warning("no answer of the reference", job=given.work.job_id, error=str(error))
            return found
        if given.job_type.compare.agrees(_answer(0, found.output or ""), _answer(1, expected)):
            return found
        return _suspect(given, "its program and its reference differ")

    def _ask(self, store: Store, given: _Given, output: str | None) -> object:
        if self._reference is None and not self._closed:
            self._reference = Reference()
        job = given.facts.job
        folder = store.job_types.folder_of(job.job_type_digest)
        if self._reference is None or self._closed or folder is None:
            raise EngineLost("the job type's folder is gone")
        question = Question(
            folder=str(folder),
            digest=job.job_type_digest,
            spec=whole(job.spec, given.secrets),
            columns=_columns(given),
            reads=given.facts.reads,
            rows=given.inputs.rows,
            points=given.inputs.points,
            first_rows=given.inputs.first_rows,
            lengths=tuple(len(blob) for row in given.chunks for blob in row),
            output=output,
        )
        limit_s = store.settings.reference_time_limit_s
        return self._reference.ask(question, given.chunks, limit_s)


def _judged(given: _Given, found: _Found) -> _Found:
    """With a word on whether the output ends the job; raises ProgramFailed for one that says that
    nothing was solved."""
    if found.output is None:
        return found
    spec, value = given.facts.job.spec, canonical.loads(found.output.encode())
    if given.job_type.unsolved(spec, value):
        raise ProgramFailed("the program does not solve it in the server's own engine either")
    enough = given.job_type.stops_early and given.job_type.enough(spec, value)
    return msgspec.structs.replace(found, enough=enough)


def _suspect(given: _Given, because: str) -> _Found:
    """The public reason names no work unit, for the seal is shut; the operator's log does."""
    job, work = given.facts.job, given.work
    log.error("a job type is suspect", job=job.id, work_unit=work.ordinal, because=because)
    said = f"{job.job_type} {job.version} is suspect: {because}"
    advice = "the server's log names the work unit; mend the job type and submit the job again"
    return _Found(suspect=f"{said}; {advice}, or resume it when the fault was elsewhere")


def _given(store: Store, work: TrustedWork) -> _Given:
    with store.read() as connection:
        facts = queries.job(connection, work.job_id)
        assert facts is not None, "jobs stay"
        dataset = queries.dataset(connection, facts.job.dataset_id)
        job_type = store.job_types.loaded(facts.job.job_type_digest).job_type
        inputs = inputs_of(facts.job, job_type, dataset, work.first_chunk, work.chunk_count)
        blobs = chunk_blobs(connection, dataset, inputs.chunks, facts.reads)
        kept = trusting.answers(connection, work.workunit_id) if job_type.verifies else []
        hidden = secrets.of_job(connection, store.keyring, work.job_id)
        done = trusting.trusted_done(connection, work.job_id, REFERENCE_FIRST)
    drawn = toss(facts.job.seed, "reference", work.workunit_id) < REFERENCE_SHARE
    return _Given(
        work=work,
        facts=facts,
        dataset=dataset,
        job_type=job_type,
        program=store.blobs.get(facts.job.program_digest).decode(),
        inputs=inputs,
        chunks=_by_chunk([store.blobs.get(one.digest) for one in blobs], len(inputs.chunks)),
        answers=tuple(
            store.outputs.get(digest).decode() if text is None else text for digest, text in kept
        ),
        secrets=hidden,
        doubted=drawn or done < REFERENCE_FIRST,
    )


def _columns(given: _Given) -> tuple[Column, ...]:
    return () if given.dataset is None else given.dataset.columns


def _by_chunk(blobs: Sequence[bytes], count: int) -> tuple[tuple[bytes, ...], ...]:
    width = len(blobs) // max(count, 1)
    return tuple(tuple(blobs[at * width : (at + 1) * width]) for at in range(count))


def _answer(number: int, output: str) -> Answer:
    return Answer(id=number, digest=canonical.digest(output.encode()), output=output)
