"""This file is where measurements are kept, so that a table may be made in goes."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from grid import trust
from grid.simulation.accuracy import floor, ours, people, rivals
from grid.simulation.accuracy.cells import Cell, Job, sweep
from grid.simulation.accuracy.measured import Measured, together
from grid.validator import checks, credibility, extras, modes, ruling, step
from grid.validator.snapshot import Budget

#: What a measurement follows from: whole modules, and of others what the crowd is judged by.
FOLLOWED = (
    *(trust, modes, credibility, step, floor, ours, people, rivals),
    *(checks.colluded, checks.is_habit, ruling.kind, Budget),
)
NUMBERS = (
    (
        checks,
        ("LIES_FORGIVEN_MAX", "COMPARED_PER_LIE_MIN", "PROBES_MAX", "AGREEMENT2", "CONFIRMATION2"),
    ),
    (extras, ("TRAPS", "PROBATION_COPIES", "DECOY_SHARE")),
)


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measurement."""

    job: Job
    measured: Measured
    seconds: float
    #: `rules()` when it was made.
    rules: str


class Book:
    """All measurements made under today's rules."""

    def __init__(self, path: Path) -> None:
        self._path, self._rules = path, rules()
        self._lines: dict[Job, Line] = {}
        if path.exists():
            for text in path.read_bytes().splitlines():
                line = msgspec.json.decode(text, type=Line)
                if line.rules == self._rules:
                    self._lines[line.job] = line

    def add(self, job: Job, measured: Measured, seconds: float) -> None:
        """Keep one more."""
        line = Line(job=job, measured=measured, seconds=round(seconds, 1), rules=self._rules)
        self._lines[job] = line
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")

    def has(self, job: Job) -> bool:
        """Whether a measurement was made."""
        return job in self._lines

    def worst_rate(self, cell: Cell) -> float | None:
        """The swept rate with most wrong answers that nothing warns of; among equals the one that
        costs most copies. None before the sweep.
        """
        jobs = list(sweep(cell))
        if not all(map(self.has, jobs)):
            return None

        def harm(job: Job) -> tuple[int, int]:
            measured = self._lines[job].measured
            return measured.unlabelled, measured.copies

        return max(jobs, key=harm).rate

    def of(self, cell: Cell) -> tuple[float | None, list[Measured]]:
        """A cell's worst rate, and what its seeds gave there."""
        rate = self.worst_rate(cell)
        found = [
            line.measured
            for job, line in self._lines.items()
            if job.cell == cell and job.rate == rate and job.seed > 0
        ]
        return rate, found

    def seconds(self) -> float:
        """What all of it took, on one core."""
        return sum(line.seconds for line in self._lines.values())

    def sums(self, cell: Cell) -> Measured | None:
        """A cell's seeds added up."""
        _, found = self.of(cell)
        return together(found) if found else None


def rules() -> str:
    """A digest of everything that measurements follow from; comments and docstrings aside."""
    texts = [ast.dump(tree) for one in FOLLOWED for tree in _bare(inspect.getsource(one))]
    texts += [f"{name} = {getattr(module, name)!r}" for module, names in NUMBERS for name in names]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _bare(source: str) -> Iterator[ast.AST]:
    for part in ast.walk(ast.parse(source)):
        if isinstance(part, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = part.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                first.value.value = ""
        if isinstance(part, ast.Module):
            yield part
