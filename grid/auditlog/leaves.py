"""This file is where entries are packed into the log's leaves, many into one, and unpacked again.

A leaf is canonical JSON of at most 65,535 bytes: tables of entries of one kind, in which a fact
that all entries share stands once, and every other one as a column. docs/log.md describes it for
readers in other languages.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from grid.auditlog.tiles import LEAF_BYTES_MAX

Facts = Mapping[str, Any]
Entry = tuple[str, Facts]
Dumps = Callable[[Any], bytes]

#: Of the form described here.
VERSION = 1
#: Entries of one leaf, and facts of all its rows: no honest leaf of 64 kB has as many, and a
#: forged one costs its reader little.
ENTRIES_MAX, FACTS_MAX = 4096, 1_000_000
#: Texts of hex digits as long as this are spelled in Base64.
HEX_CHARS_MIN = 16
#: Facts of a row in a list → the facts of the list's owner that it mostly repeats.
ABOVE = {"work_unit": ("work_unit",), "output": ("canonical",), "like": ("canonical",)}
#: What is kept of the facts of an entry that is too long.
KEPT = ("grid", "job", "minute", "schema", "work_unit")
#: What reading another form than this runs into.
WRONG = (
    AttributeError, ValueError, KeyError, TypeError, IndexError, RecursionError, StopIteration,
)  # fmt: skip
_ABSENT = object()
_HEX = frozenset("0123456789abcdef")


class BadLeaf(ValueError):
    """Bytes that are no leaf of this log."""


def packed(entries: Sequence[Entry], dumps: Dumps) -> Iterator[tuple[int, bytes]]:
    """Entries as leaves, each with how many entries it holds, in their order.

    An entry that no leaf can hold stands there by the digest of its facts, under `too_long`.
    """
    if not entries:
        return
    if len(entries) <= ENTRIES_MAX:
        leaf = dumps(_leaf(entries))
        if len(leaf) <= LEAF_BYTES_MAX:
            yield len(entries), leaf
            return
    if len(entries) == 1:
        yield 1, dumps(_leaf([_shortened(*entries[0], dumps)]))
        return
    half = len(entries) // 2
    yield from packed(entries[:half], dumps)
    yield from packed(entries[half:], dumps)


def unpacked(leaf: bytes) -> list[Entry]:
    """The entries of a leaf, in their order. Raises BadLeaf."""
    try:
        value = json.loads(leaf)
        if value["leaf"] != VERSION:
            raise BadLeaf(f"a leaf of version {value['leaf']}; this is version {VERSION}")
        return _Reading().entries(value)
    except BadLeaf:
        raise
    except WRONG as error:
        raise BadLeaf(f"not a leaf of this log: {type(error).__name__} {error}") from error


def _shortened(kind: str, facts: Facts, dumps: Dumps) -> Entry:
    said = dumps(dict(facts))
    kept = {name: facts[name] for name in KEPT if name in facts}
    digest = hashlib.sha256(said).hexdigest()
    return kind, {**kept, "too_long": {"bytes": len(said), "digest": digest}}


def _leaf(entries: Sequence[Entry]) -> dict[str, Any]:
    places: dict[tuple[str, ...], int] = {}
    groups: list[list[Facts]] = []
    order = []
    for kind, facts in entries:
        shape = (kind, *sorted(facts))
        place = places.setdefault(shape, len(groups))
        if place == len(groups):
            groups.append([])
        groups[place].append(facts)
        order.append(place)
    tables = [
        {"count": len(rows), "kind": shape[0], **_table(rows)}
        for shape, rows in zip(places, groups, strict=True)
    ]
    whole: dict[str, Any] = {"leaf": VERSION, "tables": tables}
    return whole if len(tables) == 1 else {**whole, "order": order}


def _table(rows: Sequence[Facts], owners: Sequence[Facts] = ()) -> dict[str, Any]:
    """What all rows share, and a column for each other fact; `owners` are the rows that these
    stand in lists of."""
    names = dict.fromkeys(name for row in rows for name in row)
    same, each = {}, {}
    for name in names:
        values = [row.get(name, _ABSENT) for row in rows]
        first = values[0]
        if first is not _ABSENT and all(_alike(one, first) for one in values):
            same[name] = first
        else:
            each[name] = _column(name, values, rows, owners)
    return {"each": each, "same": same}


def _column(
    name: str, values: Sequence[Any], rows: Sequence[Facts], owners: Sequence[Facts]
) -> Any:
    """Values in the shortest of the ways that are read back, or nearly so."""
    there = [place for place, one in enumerate(values) if one is not _ABSENT]
    if len(there) < len(values):
        some = [values[place] for place in there]
        return {"at": there, "some": _column(name, some, [{}] * len(some), ())}
    if all(isinstance(one, list) for one in values):
        flat = [row for one in values for row in one]
        if flat and all(isinstance(row, dict) for row in flat):
            owners = [rows[place] for place, one in enumerate(values) for _ in one]
            return {"counts": _counts([len(one) for one in values]), **_table(flat, owners)}
    above = _above(name, values, owners)
    if above is not None:
        return above
    spelled = [repr(one) for one in values]
    distinct = dict(zip(spelled, values, strict=True))
    if len(distinct) * 2 <= len(values):
        numbers = {one: place for place, one in enumerate(distinct)}
        if not all(isinstance(one, int) for one in values):
            return {
                "of": _plain(list(distinct.values())),
                "pick": [numbers[one] for one in spelled],
            }
    return _plain(values)


def _above(name: str, values: Sequence[Any], owners: Sequence[Facts]) -> Any:
    """Mostly what their owners say of themselves, and the exceptions; None when it is not so."""
    if not owners:
        return None
    for fact in ABOVE.get(name, ()):
        other = [
            place
            for place, (one, owner) in enumerate(zip(values, owners, strict=True))
            if not _alike(owner.get(fact, _ABSENT), one)
        ]
        if len(other) * 2 <= len(values):
            some = _plain([values[place] for place in other]) if other else []
            return {"at": other, "some": some, "up": fact}
    return None


def _plain(values: Sequence[Any]) -> Any:
    first = values[0]
    if isinstance(first, str) and len(first) >= HEX_CHARS_MIN and len(first) % 2 == 0:
        length = len(first)
        if all(
            isinstance(one, str) and len(one) == length and _HEX.issuperset(one) for one in values
        ):
            raw = bytes.fromhex("".join(values))
            return {"bytes": length // 2, "hex": base64.b64encode(raw).decode()}
    return list(values)


def _counts(counts: Sequence[int]) -> Any:
    return counts[0] if len(set(counts)) == 1 else list(counts)


class _Reading:
    """One leaf's columns as rows; a forged leaf gets no more memory than an honest one."""

    def __init__(self) -> None:
        self._facts_left = FACTS_MAX

    def entries(self, leaf: Mapping[str, Any]) -> list[Entry]:
        tables = [
            [(_kind(table["kind"]), row) for row in self._rows(table, table["count"])]
            for table in leaf["tables"]
        ]
        if "order" not in leaf:
            (only,) = tables
            return only
        order = self._values(leaf["order"], sum(map(len, tables)))
        rows = [iter(one) for one in tables]
        return [next(rows[_place(place)]) for place in order]

    def _rows(
        self, table: Mapping[str, Any], count: int, owners: Sequence[Facts] = ()
    ) -> list[Facts]:
        self._spend(_place(count) * (1 + len(table["same"]) + len(table["each"])))
        rows: list[dict[str, Any]] = [dict(table["same"]) for _ in range(count)]
        # Lists last: their rows may repeat what stands in the other columns.
        for name, column in sorted(table["each"].items(), key=lambda one: _is_lists(one[1])):
            if _is_lists(column):
                values = self._lists(column, rows)
            else:
                values = self._values(column, count, owners)
            for row, value in zip(rows, values, strict=True):
                if value is not _ABSENT:
                    row[name] = value
        return list(rows)

    def _lists(self, column: Mapping[str, Any], rows: Sequence[Facts]) -> list[Any]:
        said = column["counts"]
        counts = [said] * len(rows) if isinstance(said, int) else said
        self._spend(sum(map(_place, counts)))
        owners = [row for row, one in zip(rows, counts, strict=True) for _ in range(one)]
        inner = iter(self._rows(column, len(owners), owners))
        return [[next(inner) for _ in range(one)] for one in counts]

    def _some(self, column: Any, count: int) -> list[Any]:
        """The values of facts that only some rows have: these may be lists of rows too."""
        if _is_lists(column):
            return self._lists(column, [{}] * count)
        return self._values(column, count)

    def _spend(self, facts: int) -> None:
        self._facts_left -= facts
        if self._facts_left < 0:
            raise BadLeaf(f"a leaf of more than {FACTS_MAX} facts")

    def _values(self, column: Any, count: int, owners: Sequence[Facts] = ()) -> list[Any]:
        """The `count` values of a column."""
        if isinstance(column, list):
            found = column
        elif "pick" in column:
            known = column["of"]
            of = known if isinstance(known, list) else _from_hex(known)
            found = [of[_place(one)] for one in column["pick"]]
        elif "hex" in column:
            found = _from_hex(column)
        else:
            at = column["at"]
            found = [one[column["up"]] for one in owners] if "up" in column else [_ABSENT] * count
            for place, value in zip(at, self._some(column["some"], len(at)), strict=True):
                found[_place(place)] = value
        if len(found) != count:
            raise BadLeaf(f"a column of {len(found)} values where {count} are wanted")
        return found


def _from_hex(column: Mapping[str, Any]) -> list[str]:
    size = column["bytes"]
    try:
        text = base64.b64decode(column["hex"], validate=True).hex()
    except binascii.Error as error:
        raise BadLeaf("a column that is not Base64") from error
    if not isinstance(size, int) or size < 1 or len(text) % (2 * size):
        raise BadLeaf(f"a column that is not of {size} bytes each")
    return [text[at : at + 2 * size] for at in range(0, len(text), 2 * size)]


def _place(number: Any) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise BadLeaf(f"{number!r} is no place")
    return number


def _is_lists(column: Any) -> bool:
    return isinstance(column, dict) and "counts" in column


def _kind(text: Any) -> str:
    if not isinstance(text, str):
        raise BadLeaf(f"{text!r} is no kind")
    return text


def _alike(one: Any, other: Any) -> bool:
    """Equal, and of the same types: 1 and true are two things."""
    if isinstance(one, list | dict):
        return repr(one) == repr(other)
    return type(one) is type(other) and bool(one == other)
