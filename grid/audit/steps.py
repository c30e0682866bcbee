"""This file is where one job is audited, step by step, from its log entries to its output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from msgspec import Struct

from grid import canonical
from grid.audit import layout, output, rerun
from grid.audit.bundle import Bundle
from grid.audit.data import Inputs
from grid.audit.faults import Broken, Unchecked
from grid.audit.findings import Finding, Mark
from grid.audit.jobs import AuditedJob
from grid.audit.ledger import Ledger
from grid.engines.known import make
from grid.plugins.registry import Registry
from grid.states import JobState

#: What work units are computed again in.
ENGINE = "deno"


#: Job, work units computed again, of how many.
Told = Callable[[str, int, int], None]


class Wanted(Struct, frozen=True, kw_only=True):
    """What an auditor asks for."""

    #: Share of each job's work units to compute again; 0 for none.
    share: float
    #: Root hash of the checkpoint that draws them.
    root: bytes
    #: Told how many of how many were computed again.
    told: Told = lambda _job, _done, _of: None


def audited(
    bundle: Bundle, ledger: Ledger, registry: Registry, wanted: Wanted
) -> Iterator[Finding]:
    """Everything that can be said of one job; ends where nothing more can follow."""
    steps = _Steps(ledger.job)
    with steps.step("job") as one:
        job = AuditedJob(bundle, ledger, registry)
        job.check_facts()
        if job.view["sealed"]:
            raise Unchecked("its seal is shut: nothing of its verdicts is public yet")
        one.said = "shown as it was logged when it was submitted"
    yield steps.last
    if steps.last.mark is not Mark.HOLDS:
        return
    with steps.step("verdicts") as one:
        _verdicts(job)
        one.said = (
            f"{ledger.verdicts:,} verdicts on {ledger.votes:,} answers follow from what was "
            f"logged, and so do belief and credit; {ledger.rechecks:,} were checked by the "
            f"server again, {ledger.retracted:,} taken back"
        )
    yield steps.last
    inputs = Inputs(job)
    with steps.step("data") as one:
        inputs.check()
        one.said = f"{inputs.bytes:,} bytes of input have the digests that were logged"
    yield steps.last
    with steps.step("program") as one:
        _program(job)
        one.said = "what this version generates from the spec, to the byte"
    yield steps.last
    with steps.step("output") as one:
        one.said = _output(job, inputs)
    yield steps.last
    if wanted.share:
        with steps.step("rerun") as one:
            one.said = _rerun(job, inputs, wanted)
        yield steps.last


class _Said:
    said = ""


class _Steps:
    """Steps whose end becomes a finding each."""

    def __init__(self, job: str) -> None:
        self._job = job
        self.last = Finding(check="", mark=Mark.UNCHECKED, said="", job=job)

    @contextmanager
    def step(self, check: str) -> Iterator[_Said]:
        said, mark = _Said(), Mark.HOLDS
        try:
            yield said
        except Broken as error:
            said.said, mark = str(error), Mark.FAILS
        except Unchecked as error:
            said.said, mark = str(error), Mark.UNCHECKED
        except Exception as error:  # strangers' bytes led a job type, or us, where none should come
            said.said = f"cannot be read as what it should be: {type(error).__name__}: {error}"
            mark = Mark.FAILS
        self.last = Finding(check=check, mark=mark, said=said.said[:2000], job=self._job)


def _verdicts(job: AuditedJob) -> None:
    if layout.MANIFEST in job.bundle:
        stopped = job.bundle.json(layout.MANIFEST)["made_from"]["stopped_by"]
        job.ledger.stopped = stopped is not None
    job.ledger.close()


def _program(job: AuditedJob) -> None:
    data = job.bundle.whole(layout.PROGRAM)
    found = canonical.digest(data)
    if found != job.ledger.program:
        raise Broken(
            f"the program is not the one logged: its SHA-256 is {found}, not {job.ledger.program}"
        )
    checked = job.checked
    if checked.program.encode() != data:
        raise Broken("the program is not what this version generates from the spec")
    if checked.params != job.view["params"]:
        raise Broken("the program's parameters are not what follows from the spec")
    if [column.name for column in checked.reads] != job.view["reads"]:
        raise Broken("the program reads other columns than the spec needs")


def _output(job: AuditedJob, inputs: Inputs) -> str:
    if job.ledger.state is not JobState.COMPLETED:
        return f"none: the job has {job.ledger.state}"
    facts = output.manifest(job)
    rows = output.check(job, inputs, facts)
    output.check_csv(job, facts)
    return f"{rows:,} rows, the merge of the canonical answers of {len(job.ledger.units):,} units"


def _rerun(job: AuditedJob, inputs: Inputs, wanted: Wanted) -> str:
    decided = [n for n, one in job.ledger.units.items() if n >= 0 and one.canonical is not None]
    count = rerun.share_of(len(decided), wanted.share)
    ordinals = rerun.chosen(wanted.root, job.ledger.job, decided, count)
    with closing(make(ENGINE)) as engine:
        done = rerun.redo(
            job, inputs, ordinals, engine, lambda n: wanted.told(job.ledger.job, n, count)
        )
    return (
        f"{done.work_units:,} of {len(decided):,} work units computed again, all answers the same: "
        f"{done.bytes:,} bytes in {done.seconds:.1f} s"
    )
