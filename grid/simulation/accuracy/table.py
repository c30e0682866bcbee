"""This file is where measurements become the published table."""

from __future__ import annotations

from collections.abc import Iterator

from grid.simulation.accuracy.book import Book, rules
from grid.simulation.accuracy.cells import (
    SHARES,
    WORK_UNITS,
    Cell,
    Scheme,
    cells,
    model,
    specials,
    target,
)
from grid.simulation.accuracy.measured import Measured
from grid.simulation.accuracy.people import Behaviour, Crowd

HEAD = (
    "| scheme | saboteurs | behaviour | lies | wrong / total | error | 95 % upper | copies "
    "| trusted runs | server's share | below target | seeds | target |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def table(book: Book) -> Iterator[str]:
    """The tables in Markdown, line by line; cells that were not measured are said to be missing."""
    every = cells()
    missing = [cell for cell in every if book.sums(cell) is None]
    yield f"Rules `{rules()}`; {WORK_UNITS:,} work units a seed; {book.seconds() / 3600:.1f} hours"
    yield f"on one core. {len(every) - len(missing)} of {len(every)} cells are measured."
    for crowd in reversed(Crowd):
        yield ""
        yield f"### {crowd.capitalize()}"
        yield ""
        yield HEAD
        for scheme in Scheme:
            for share in reversed(SHARES):
                for behaviour in Behaviour:
                    cell = Cell(scheme=scheme, crowd=crowd, behaviour=behaviour, share=share)
                    line = _line(book, cell)
                    if line is not None:
                        yield line
    yield ""
    yield "### Special"
    yield ""
    yield HEAD.replace("| scheme |", "| what | crowd |", 1).replace("|---|", "|---|---|", 1)
    for cell in specials():
        line = _line(book, cell)
        if line is not None:
            yield f"| {cell.special} {line.replace(f'| {cell.scheme} |', f'| {cell.crowd} |', 1)}"


def verdicts(book: Book) -> Iterator[str]:
    """Each cell with a target: reached, or what is missed."""
    for cell in cells():
        missed = misses(book, cell)
        if missed is not None:
            said = "MISSED: " + ", ".join(missed) if missed else "reached"
            what = f"{cell.special or cell.scheme:9} {cell.crowd:9} {cell.share:4.0%}"
            yield f"{what} {cell.behaviour:11} {said}"


def misses(book: Book, cell: Cell) -> list[str] | None:
    """What a cell misses of what was aimed at; None where nothing was, or nothing is measured.

    Readers do better than colluders when more of their lies pass than colluders' upper bound.
    """
    measured, aim, held_to = book.sums(cell), target(cell), model(cell)
    if measured is None or aim is None:
        return None
    missed = aim.misses(measured)
    if held_to is None:
        return missed
    colluders = book.sums(held_to)
    if colluders is None:
        return None
    better = measured.error > colluders.error_upper
    return [*missed, "better than colluders"] if better else missed


def _line(book: Book, cell: Cell) -> str | None:
    rate, seeds = book.of(cell)
    measured = book.sums(cell)
    if measured is None or rate is None:
        return None
    missed = misses(book, cell)
    said = "–" if missed is None else "missed: " + ", ".join(missed) if missed else "reached"
    return "| " + " | ".join([*_told(cell, rate, measured), str(len(seeds)), said]) + " |"


def _told(cell: Cell, rate: float, measured: Measured) -> list[str]:
    units = measured.work_units
    return [
        str(cell.scheme),
        f"{cell.share:.0%}",
        str(cell.behaviour),
        f"{rate:g}",
        f"{measured.unlabelled} / {units}",
        f"{measured.error:.1e}",
        f"{measured.error_upper:.1e}",
        f"{measured.copies / units:.2f}",
        f"{measured.trusted / units:.4f}",
        f"{measured.trusted / measured.copies:.1%}",
        f"{measured.below / units:.2%}"
        + (f", {measured.below_wrong} wrong" if measured.below_wrong else ""),
    ]
