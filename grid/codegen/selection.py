"""This file is where the rows that a program selected are spelled: compact, and in one way only.

`{"count": n, "deltas": base64}` lists the selected rows when at most one in 16 is: for each, the
rows skipped since the one before, as LEB128 (seven bits a byte, low first, all but the last byte
with the high bit). Else `{"count": n, "bitmap": base64}` has one bit a row, low bit first. At one
row in 16 a list of gaps takes at most two bytes for each, which is the size of the bitmap.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence

from grid.items import Json

SPARSE = 16


def spell(hits: Sequence[bool]) -> Json:
    """The selection of the rows whose element is True."""
    selected = [row for row, hit in enumerate(hits) if hit]
    if len(selected) * SPARSE > len(hits):
        packed = bytearray((len(hits) + 7) // 8)
        for row in selected:
            packed[row >> 3] |= 1 << (row & 7)
        return {"count": len(selected), "bitmap": base64.b64encode(packed).decode()}
    gaps = bytearray()
    for before, row in zip([-1, *selected], selected, strict=False):
        gap = row - before - 1
        while gap > 127:
            gaps.append(gap & 127 | 128)
            gap >>= 7
        gaps.append(gap)
    return {"count": len(selected), "deltas": base64.b64encode(gaps).decode()}


def read(selection: Mapping[str, Json], rows: int) -> bytes | list[int]:
    """The bitmap, or the selected rows ascending.

    Raises ValueError for any spelling but the one of `spell` for a chunk of so many rows.
    """
    count = selection["count"]
    form = "deltas" if count * SPARSE <= rows else "bitmap"
    if set(selection) != {"count", form}:
        raise ValueError("the other form is due for so many rows")
    raw = decoded(selection[form])
    found = _listed(raw, rows) if form == "deltas" else _drawn(raw, rows)
    selected = len(found) if isinstance(found, list) else int.from_bytes(found).bit_count()
    if selected != count:
        raise ValueError(f"{selected} rows are selected, not {count}")
    return found


def _listed(gaps: bytes, rows: int) -> list[int]:
    found: list[int] = []
    gap = shift = 0
    row = -1
    for byte in gaps:
        gap |= (byte & 127) << shift
        if byte & 128:
            shift += 7
            if shift > 28:
                raise ValueError("a gap is too long")
            continue
        if shift and not byte:
            raise ValueError("a gap is spelled with a needless byte")
        row += gap + 1
        if row >= rows:
            raise ValueError("a row past the end is selected")
        found.append(row)
        gap = shift = 0
    if shift:
        raise ValueError("the last gap is cut off")
    return found


def _drawn(packed: bytes, rows: int) -> bytes:
    if len(packed) != (rows + 7) // 8:
        raise ValueError("the bitmap is not of the chunk's length")
    if int.from_bytes(packed, "little") >> rows:
        raise ValueError("a row past the end is selected")
    return packed


def decoded(spelled: str) -> bytes:
    """The bytes of base64; raises ValueError for any other spelling of them."""
    try:
        raw = base64.b64decode(spelled, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"not base64: {error}") from None
    if base64.b64encode(raw).decode() != spelled:
        raise ValueError("not the one spelling in base64")
    return raw
