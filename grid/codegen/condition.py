"""This file is where a spec's condition is read, in either form: SQL, or a list of criteria."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grid.codegen import build
from grid.codegen.build import Place
from grid.codegen.parse import parse
from grid.codegen.tree import ColumnRef, Expr
from grid.items import Column, Json

#: Operators of a criterion → SQL's.
OPERATORS: Mapping[str, str] = {"==": "=", ">=": ">=", "<=": "<=", "<": "<", ">": ">"}


def condition(spec: Mapping[str, Json], columns: Sequence[Column]) -> Expr | None:
    """What `where` or `criterias` of the spec says; None when it has neither.

    The spec has passed the job type's schema. Raises SpecError.
    """
    if "where" in spec:
        return parse(spec["where"], columns)
    if "criterias" in spec:
        return _criterias(spec["criterias"], columns)
    return None


def named_column(spec: Mapping[str, Json], field: str, columns: Sequence[Column]) -> Column:
    """The column that the spec names in `field`."""
    return build.column(spec[field], columns, Place(f"/{field}")).column


def _criterias(criterias: Sequence[Mapping[str, Json]], columns: Sequence[Column]) -> Expr:
    """`[{"col": 0, "operator": "<=", "value": 9}, …]`: all of them must hold."""
    found = []
    for number, criterion in enumerate(criterias):
        pointer = f"/criterias/{number}"
        left = _column(criterion["col"], columns, Place(f"{pointer}/col"))
        place = Place(f"{pointer}/value")
        right = build.literal(criterion["value"], place)
        operator = OPERATORS.get(criterion["operator"])
        if operator is None:
            raise Place(f"{pointer}/operator").refuse(f"one of {' '.join(OPERATORS)} is needed")
        found.append((build.call(operator, [left, right], place), place))
    return found[0][0] if len(found) == 1 else build.logic("and", found, Place("/criterias"))


def _column(col: float | str, columns: Sequence[Column], place: Place) -> ColumnRef:
    """By 0-based place in the data set (JSON's 1.0 is whole), or by name."""
    if isinstance(col, str):
        return build.column(col, columns, place)
    if not 0 <= col < len(columns):
        raise place.refuse(f"the data set has columns 0 to {len(columns) - 1}")
    return ColumnRef(columns[int(col)])
