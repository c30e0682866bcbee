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
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import Connection, wait
from pathlib import Path

import hypothesis
import pytest
from mutants.mutant import Mutant
from mutants.targets import Stage, files_of, module_of, out_of_reach, paths_for

#: A bug that makes tests this much slower than no bug has been noticed.
SLOWER_MAX = 8
#: Below this a busy machine could be taken for a bug.
SECONDS_MIN = 30
#: No stage may take longer without a bug: its planted bugs would take hours.
BASELINE_SECONDS_MAX = 600
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
    #: Modules that the child had imported when it was done; only without a bug.
    modules: tuple[tuple[str, str], ...] = ()


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
                code, failed, modules = self.answer.recv()
                self._end()
                survived = code == pytest.ExitCode.OK
                verdict = Verdict.SURVIVED if survived else Verdict.KILLED
                return Outcome(verdict, failed or f"pytest's exit {code}", seconds, modules)
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
        self.targets = {module_of(file) for file in files_of(tree)}
        self.seconds_max: dict[tuple[str, ...], float] = {}
        self._fork = multiprocessing.get_context("fork")
        os.chdir(tree)
        sys.path[:0] = [str(tree), str(tree / "tests")]

    def baseline(self, stage: Stage) -> Outcome:
        """The stage without any bug: how long it may take with one, and what can be imported."""
        outcome = self._alone(stage)
        if outcome.verdict is Verdict.SURVIVED:
            self.seconds_max[stage.paths] = max(SECONDS_MIN, SLOWER_MAX * outcome.seconds)
            self._import_ahead(outcome.modules)
        return outcome

    def log(self, slot: int) -> str:
        """What the last child in a slot printed."""
        return (self.scratch / f"slot{slot}.log").read_text(encoding="utf-8", errors="replace")

    def start(self, mutant: Mutant | None, stage: Stage, slot: int) -> Trial:
        answer, their_end = self._fork.Pipe(duplex=False)
        process = self._fork.Process(
            target=_child, args=(mutant, stage, self, slot, their_end), daemon=True
        )
        process.start()
        their_end.close()
        seconds_max = self.seconds_max.get(stage.paths, BASELINE_SECONDS_MAX)
        return Trial(mutant, stage, process, answer, time.monotonic(), seconds_max)

    def _alone(self, stage: Stage) -> Outcome:
        trial = self.start(None, stage, 0)
        return next(outcome for _, outcome in finished([trial]))

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
    """A pytest plugin: plain tests first, few examples, no memory of earlier failures."""

    def __init__(self, stage: Stage) -> None:
        self.examples, self.but = stage.examples, stage.but
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
        items.sort(key=lambda item: hasattr(getattr(item, "obj", None), "hypothesis"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def _child(
    mutant: Mutant | None, stage: Stage, trials: Trials, slot: int, answer: Connection
) -> None:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    log = os.open(trials.scratch / f"slot{slot}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    tempfile.tempdir = str(trials.scratch)
    if mutant is not None:
        assert module_of(mutant.key.file) not in sys.modules, "imported too early"
        sys.meta_path.insert(0, _Planted(mutant, trials.tree))
    watch = _Watch(stage)
    module = None if mutant is None else module_of(mutant.key.file)
    paths = paths_for(trials.tree, stage, module)
    code = paths and pytest.main(
        [
            *paths, "-x", "-q", "--no-header", "--tb=short", "--assert=plain",
            "-p", "no:cacheprovider", "-o", "addopts=", f"--basetemp={trials.scratch}/slot{slot}",
            f"--rootdir={trials.tree}", f"--hypothesis-seed={trials.seed}",
        ],
        plugins=[watch],
    )  # fmt: skip
    modules = () if mutant is not None else tuple(_imported())
    answer.send((int(code or 0), watch.failed, modules))
    sys.stdout.flush()
    os._exit(0)


def _imported() -> Iterator[tuple[str, str]]:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name == getattr(module, "__name__", None):
            yield name, file
