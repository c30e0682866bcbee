"""This file is where rows that fail are counted: by a program, by the reference, and in an output.

An output has `"failed": null`, or how many rows failed and where the first one did:
`{"rows": n, "chunk": c, "row": r, "site": s}`: chunk and row counted from 0 in the work unit, the
site from 1 in `failing.sites`. A job whose expressions cannot fail has nothing of all this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from grid.codegen.failing import Site, sites
from grid.codegen.tree import Expr
from grid.items import Json

if TYPE_CHECKING:
    from grid.codegen.javascript import Rows

FIELD = "failed"


class RowsFailed(Exception):
    """A job that cannot go on, because a row of its data has no answer; names the row."""


class Counting(Struct, frozen=True):
    """What a program needs to count failures; three times nothing where none can be."""

    #: Lines before the first chunk, and of each row.
    before: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    #: The output's pair for them, with a comma behind it.
    pair: str = ""


def counting(
    rows: Rows, *guarded: tuple[Expr | None, str], at: tuple[str, str] = ("j", "i")
) -> Counting:
    """Counts the rows in which an expression fails where its guard is 1 (`Rows.fault`); `at` are
    the names of the chunk's number and the row's.

    Whether the output speaks of failures follows from the expressions alone; the columns' physical
    types may prove that there are none.
    """
    if not any(sites(expr) for expr, _ in guarded):
        return Counting()
    flag, site = rows.fault(*guarded)
    if flag == "0":
        return Counting(pair=f"{FIELD}: null, ")
    return Counting(
        before=tuple(f"let {name} = 0;" for name in ("failed", "badchunk", "badrow", "badsite")),
        rows=(
            f"if ({flag}) {{",
            "if (failed === 0) {",
            f"badchunk = {at[0]};",
            f"badrow = {at[1]};",
            f"badsite = {site};",
            "}",
            "failed += 1;",
            "}",
        ),
        pair=f"{FIELD}: failed === 0 ? null : "
        "{rows: failed, chunk: badchunk, row: badrow, site: badsite}, ",
    )


def together(*several: Counting) -> Counting:
    """What a program needs whose rows fail in several places, each with its own lines of a row."""
    busy = [one for one in several if one.before]
    spoken = [one for one in several if one.pair]
    return (busy or spoken or [Counting()])[0]


def counted(faults: Sequence[Mapping[int, int]]) -> Json:
    """The same from the reference's faults, chunk by chunk."""
    total = sum(map(len, faults))
    if not total:
        return None
    chunk = next(number for number, rows in enumerate(faults) if rows)
    row = min(faults[chunk])
    return {"rows": total, "chunk": chunk, "row": row, "site": faults[chunk][row]}


def check(output: Json, rows: Sequence[int]) -> None:
    """Raise ValueError unless such failures could be counted in chunks of so many rows."""
    found = output.get(FIELD)
    if found is None:
        return
    chunk, row = found["chunk"], found["row"]
    if not (chunk < len(rows) and row < rows[chunk]):
        raise ValueError(f"/{FIELD}: no such row")
    if found["rows"] > rows[chunk] - row + sum(rows[chunk + 1 :]):
        raise ValueError(f"/{FIELD}: more rows than there are")


def _row_of_chunk(chunk: int, row: int) -> str:
    return f"chunk {chunk}, row {row + 1} of it"


def forgiven(
    output: Json,
    places: Sequence[Site],
    first_chunk: int,
    spec: Json,
    named: Callable[[int, int], str] = _row_of_chunk,
) -> int:
    """How many rows of a part failed; raises RowsFailed unless the spec counts them as NULL.

    `named` says what to call a row of a chunk of the job, both counted from 0.
    """
    found = output.get(FIELD)
    if found is None:
        return 0
    if found["site"] > len(places):
        raise RowsFailed(f"a failure at place {found['site']} of {len(places)}")
    if spec.get("on_error") != "null":
        site = places[found["site"] - 1]
        at = "" if site.at.position is None else f", character {site.at.position + 1}"
        raise RowsFailed(
            f"{named(first_chunk + found['chunk'], found['row'])}: {site.why} "
            f'({site.at.pointer}{at}); "on_error": "null" would count such rows and go on'
        )
    count: int = found["rows"]
    return count
