"""This file is where the verification table is measured, in as many goes as it takes.

    python -m grid.simulation.accuracy [--minutes M] [--processes N]

measures what is missing for so long, then prints the table; docs/verification.md holds it.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

from grid.simulation.accuracy import table
from grid.simulation.accuracy.book import Book
from grid.simulation.accuracy.cells import WORK_UNITS, Cell, Job, cells, sweep
from grid.simulation.accuracy.measured import Measured

DOCS = Path(__file__).parents[3] / "docs"
MEASURED, PAGE = DOCS / "verification-measured.jsonl", DOCS / "verification.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def main() -> None:
    """Measure, print, publish."""
    parser = argparse.ArgumentParser(prog="make verification-table", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="stop measuring after so long")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    book = Book(MEASURED)
    measure(book, time.monotonic() + 60 * chosen.minutes, chosen.processes)
    lines = list(table.table(book))
    print("\n".join(lines))
    print("\n".join(table.verdicts(book)))
    publish(PAGE, lines)


def measure(book: Book, until: float, processes: int) -> None:
    """Measure what the book lacks until the time is over."""
    with ProcessPoolExecutor(processes) as pool:
        running: dict[Future[tuple[Measured, float]], Job] = {}
        while time.monotonic() < until:
            wanted = (job for job in todo(book) if job not in running.values())
            while len(running) < processes and (job := next(wanted, None)) is not None:
                running[pool.submit(timed, job)] = job
            if not running:
                return
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                book.add(running.pop(done), *done.result())
        for left, job in running.items():
            if not left.cancel():
                book.add(job, *left.result())


def timed(job: Job) -> tuple[Measured, float]:
    """A measurement, and how many seconds of computing it took.

    A crowd is a million objects that all stay until it has played: looking for garbage among them
    would take as long as playing.
    """
    began = time.process_time()
    gc.disable()
    try:
        return job.measure(), time.process_time() - began
    finally:
        gc.enable()
        gc.collect()


def todo(book: Book) -> Iterator[Job]:
    """What the book lacks: every cell with one seed, then with a few, then in full."""
    every = cells()
    for seed in range(1, max(cell.seeds for cell in every) + 1):
        for cell in every:
            if seed <= cell.seeds:
                yield from _of(book, cell, seed)


def _of(book: Book, cell: Cell, seed: int) -> Iterator[Job]:
    yield from (job for job in sweep(cell) if not book.has(job))
    rate = book.worst_rate(cell)
    if rate is not None:  # else a part of the sweep is still under way
        job = Job(cell=cell, rate=rate, seed=seed, work_units=WORK_UNITS)
        if not book.has(job):
            yield job


def publish(page: Path, lines: list[str]) -> None:
    """Put the table into the page, between its marks."""
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    whole = "\n".join([*lines, ""])
    page.write_text(f"{head}{BEGIN}\n{whole}{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
