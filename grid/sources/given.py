"""This file is where a type that an upload gives for a column is read: "decimal(10,2)", "date"."""

from __future__ import annotations

import re

from msgspec import Struct

from grid.items import LogicalType

#: Digits of the widest decimal (Arrow's decimal128).
PRECISION_MAX = 38
_DECIMAL = re.compile(r"decimal\(\s*([0-9]{1,2})\s*,\s*([0-9]{1,2})\s*\)", re.IGNORECASE)


class GivenType(Struct, frozen=True):
    """A logical type; of decimals, their digits in all and behind the point."""

    type: LogicalType
    precision: int = 0
    scale: int = 0

    def __str__(self) -> str:
        size = f"({self.precision},{self.scale})" if self.precision else ""
        return f"{self.type.value}{size}"


def given_type(text: str) -> GivenType:
    """The type that the text names; raises ValueError, saying which there are."""
    found = _DECIMAL.fullmatch(text.strip())
    if found:
        precision, scale = int(found[1]), int(found[2])
        if not 1 <= precision <= PRECISION_MAX or scale > precision:
            raise ValueError(f"decimal(p,s) has p from 1 to {PRECISION_MAX}, and s up to p")
        return GivenType(LogicalType.DECIMAL, precision, scale)
    plain = [type.value for type in LogicalType if type is not LogicalType.DECIMAL]
    if text not in plain:
        raise ValueError(f"{text!r} is none of {', '.join(plain)}, decimal(p,s)")
    return GivenType(LogicalType(text))
