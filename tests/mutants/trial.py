"""This file is where a planted bug meets the tests, in a process forked for it alone.

The parent has imported everything that no planted bug can reach: pytest, Hypothesis, the libraries,
and the part of grid that stands above the rules on its page. A child imports the file with the bug
and all that depends on it, and leaves at the first test that fails. Nothing is written to the tree.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.abc
import importlib.util
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from multiprocessing.connection import Connection, wait
from pathlib import Path

import hypothesis
import pytest
from mutants.mutant import Mutant
from mutants.passes import Pass, Passes, Tracer
from mutants.targets import Stage, files_of, module_of, out_of_reach, paths_for

#: A bug that makes tests this much slower than no bug has been noticed.
SLOWER_MAX = 8
#: Below this a busy machine could be taken for a bug.
SECONDS_MIN = 30
#: No stage may take longer without a bug: its planted bugs would take hours.
BASELINE_SECONDS_MAX = 600
#: Where the tests without a bug leave their log and their files.
BASELINE_SLOT = 9
#: A bug may fill the memory; the tests themselves need a tenth of this.
MEMORY_BYTES_MAX = 4 * 2**30


class Verdict(StrEnum):
    KILLED = "killed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"


@dataclass(frozen=True)
class Outcome:
    """What the tests of one stage said."""

    verdict: Verdict
    #: The first test that failed, or how the process ended.
    by: str
    seconds: float
    #: Modules that the child had imported when it was done, with their files, and what its tests
    #: passed through; only without a bug.
    modules: tuple[tuple[str, str], ...] = ()
    passes: Passes = field(default_factory=Passes)


@dataclass
class Trial:
    """A child at work."""

    mutant: Mutant | None
    stage: Stage
    process: multiprocessing.process.BaseProcess
    answer: Connection
    started: float
    seconds_max: float

    def outcome(self) -> Outcome | None:
        """What came of it; None while it is still at work."""
        seconds = time.monotonic() - self.started
        if self.answer.poll():
            with contextlib.suppress(EOFError):
                code, failed, modules, passes = self.answer.recv()
                self._end()
                survived = code == pytest.ExitCode.OK
                verdict = Verdict.SURVIVED if survived else Verdict.KILLED
                by = failed or f"pytest's exit {code}"
                return Outcome(verdict, by, seconds, modules, passes)
            self._end()
            return Outcome(Verdict.KILLED, f"the process died: {self.process.exitcode}", seconds)
        if seconds > self.seconds_max:
            self._end()
            return Outcome(Verdict.TIMED_OUT, f"after {seconds:.0f} s", seconds)
        return None

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        self.process.join()
        self.answer.close()


class Trials:
    """Forks children in a copy of the tree, at most as many at once as there are slots."""

    def __init__(self, tree: Path, scratch: Path, seed: int) -> None:
        self.tree, self.scratch, self.seed = tree, scratch, seed
        self.files = files_of(tree)
        self.targets = {module_of(file) for file in self.files}
        #: By the name of a stage that was tried without any bug.
        self.passes: dict[str, Passes] = {}
        self._fork = multiprocessing.get_context("fork")
        os.chdir(tree)
        sys.path[:0] = [str(tree), str(tree / "tests")]

    def baseline(self, stage: Stage) -> Outcome:
        """The stage without any bug: what its tests pass through, and what can be imported."""
        trial = self.start(None, stage, slot=BASELINE_SLOT)
        outcome = next(outcome for _, outcome in finished([trial]))
        if outcome.verdict is Verdict.SURVIVED:
            self.passes[stage.name] = outcome.passes
            self._import_ahead(outcome.modules)
        return outcome

    def log(self, slot: int) -> str:
        """What the last child in a slot printed."""
        return (self.scratch / f"slot{slot}.log").read_text(encoding="utf-8", errors="replace")

    def start(self, mutant: Mutant | None, stage: Stage, slot: int) -> Trial:
        """A child that tries a bug on the tests that reach it, or no bug on all tests."""
        tests = None
        seconds_max: float = BASELINE_SECONDS_MAX
        if mutant is not None:
            tests = self.passes[stage.name].through(mutant.key.file, mutant.lines)
            seconds = sum(one.seconds for one in tests)
            seconds_max = max(SECONDS_MIN, SLOWER_MAX * seconds)
        answer, their_end = self._fork.Pipe(duplex=False)
        process = self._fork.Process(
            target=_child, args=(mutant, stage, tests, self, slot, their_end), daemon=True
        )
        process.start()
        their_end.close()
        return Trial(mutant, stage, process, answer, time.monotonic(), seconds_max)

    def _import_ahead(self, modules: Sequence[tuple[str, str]]) -> None:
        inside = {
            name: Path(file) for name, file in modules if Path(file).is_relative_to(self.tree)
        }
        grid = {name: file for name, file in inside.items() if name.split(".")[0] == "grid"}
        theirs = [name for name, _ in modules if name not in inside]
        for name in [*theirs, *out_of_reach(grid, self.targets)]:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        gc.freeze()


def finished(trials: Sequence[Trial]) -> Iterator[tuple[Trial, Outcome]]:
    """The first of these trials to end, and any that ended by then."""
    while True:
        wait([one.answer for one in trials], timeout=1)
        ended = [(one, outcome) for one in trials if (outcome := one.outcome()) is not None]
        if ended:
            yield from ended
            return


class _Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a text instead of its file."""

    def __init__(self, mutant: Mutant, tree: Path) -> None:
        self.name = module_of(mutant.key.file)
        self.path = tree / mutant.key.file
        self.source = mutant.source

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        if name != self.name:
            return None
        package = [str(self.path.parent)] if self.path.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            name, self.path, loader=self, submodule_search_locations=package
        )

    def exec_module(self, module: object) -> None:
        exec(compile(self.source, str(self.path), "exec"), vars(module))


class _Watch:
    """A pytest plugin: some tests in their order, few examples, no memory of earlier failures."""

    def __init__(self, stage: Stage, tests: Sequence[Pass] | None) -> None:
        self.examples, self.but = stage.examples, stage.but
        #: Name → its place in the order; None for every test.
        self.order = None if tests is None else {one.name: at for at, one in enumerate(tests)}
        self.failed = ""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        hypothesis.settings.register_profile(
            "planted",
            hypothesis.settings(),
            max_examples=self.examples,
            database=None,
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        )
        hypothesis.settings.load_profile("planted")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.name not in self.but]
        if self.order is not None:
            places = self.order
            items[:] = [item for item in items if item.nodeid in places]
            items.sort(key=lambda item: places[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


class _Notes:
    """A pytest plugin for tests without a bug: what each passes through, and how long it takes."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self.tests: list[Pass] = []
        self.imported: frozenset[tuple[str, int]] = frozenset()

    def pytest_collection_finish(self) -> None:
        self.imported = self.tracer.taken()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        started = time.monotonic()
        done = yield
        seconds = time.monotonic() - started
        self.tests.append(Pass(item.nodeid, seconds, self.tracer.taken()))
        return done  # type: ignore[return-value]


def _child(
    mutant: Mutant | None,
    stage: Stage,
    tests: Sequence[Pass] | None,
    trials: Trials,
    slot: int,
    answer: Connection,
) -> None:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    log = os.open(trials.scratch / f"slot{slot}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    tempfile.tempdir = str(trials.scratch)
    watch = _Watch(stage, tests)
    plugins: list[object] = [watch]
    notes = _Notes(Tracer({str(trials.tree / file): file for file in trials.files}))
    if mutant is None:
        plugins.append(notes)
        notes.tracer.start()
        paths = paths_for(trials.tree, stage)
    else:
        assert module_of(mutant.key.file) not in sys.modules, "imported too early"
        sys.meta_path.insert(0, _Planted(mutant, trials.tree))
        paths = sorted({one.name.partition("::")[0] for one in tests or ()})
    code = paths and pytest.main(
        [
            *paths, "-x", "-q", "--no-header", "--tb=short", "--assert=plain",
            "-p", "no:cacheprovider", "-o", "addopts=", f"--basetemp={trials.scratch}/slot{slot}",
            f"--rootdir={trials.tree}", f"--hypothesis-seed={trials.seed}",
        ],
        plugins=plugins,
    )  # fmt: skip
    sys.settrace(None)
    passes = Passes(notes.tests, notes.imported)
    answer.send(
        (int(code or 0), watch.failed, tuple(_imported()) if mutant is None else (), passes)
    )
    sys.stdout.flush()
    os._exit(0)


def _imported() -> Iterator[tuple[str, str]]:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name == getattr(module, "__name__", None):
            yield name, file
