"""This file is where a job's output is rows again, with the values that its columns mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from rich.table import Table

#: Rows that are shown of a longer output.
SHOWN_ROWS = 20

_MEANT: Mapping[str, Callable[[Any], Any]] = {
    "int64": int,
    "double": float,
    "boolean": bool,
    "text": str,
    "decimal": Decimal,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
}


class Output:
    """The rows of a finished job, in order; each a tuple in the order of `columns`."""

    def __init__(self, said: Mapping[str, Any], columns: list[dict[str, Any]]) -> None:
        self.schema = columns
        self.columns: list[str] = list(said["columns"])
        meant = [_MEANT[one["type"]] for one in columns]
        self.rows: list[tuple[Any, ...]] = [
            tuple(
                None if value is None else mean(value)
                for value, mean in zip(row, meant, strict=True)
            )
            for row in said["rows"]
        ]

    @property
    def value(self) -> Any:
        """The first value of the first row: what a job with one answer has answered."""
        if not self.rows:
            raise LookupError("the output has no rows")
        return self.rows[0][0]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __getitem__(self, place: int) -> tuple[Any, ...]:
        return self.rows[place]

    def dicts(self) -> list[dict[str, Any]]:
        """Each row as a mapping, name → value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def to_arrow(self) -> pa.Table:
        """The output as an Arrow table."""
        arrays = [
            pa.array([row[place] for row in self.rows], _arrow_type(one))
            for place, one in enumerate(self.schema)
        ]
        return pa.Table.from_arrays(arrays, names=self.columns)

    def to_pandas(self) -> Any:
        """The output as a pandas frame; needs pandas (grid-compute[pandas])."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """The output as a polars frame; needs polars (grid-compute[polars])."""
        import polars

        return polars.from_arrow(self.to_arrow())

    def __rich__(self) -> Table:
        shown = Table(*self.columns, box=None)
        for row in self.rows[:SHOWN_ROWS]:
            shown.add_row(*("" if value is None else str(value) for value in row))
        if len(self.rows) > SHOWN_ROWS:
            shown.caption = f"the first {SHOWN_ROWS} of {len(self.rows):,} rows"
        return shown

    def __repr__(self) -> str:
        return f"<Output of {len(self.rows):,} rows: {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        cells = "".join(f"<th>{_safe(name)}</th>" for name in self.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{_safe(value)}</td>" for value in row) + "</tr>"
            for row in self.rows[:SHOWN_ROWS]
        )
        left = len(self.rows) - SHOWN_ROWS
        more = f"<caption>and {left:,} more rows</caption>" if left > 0 else ""
        return f"<table>{more}<thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>"


def _safe(value: Any) -> str:
    from html import escape

    return "" if value is None else escape(str(value))


def _arrow_type(column: Mapping[str, Any]) -> pa.DataType:
    if column["type"] == "decimal":
        return pa.decimal128(column["precision"], column["scale"])
    return {
        "int64": pa.int64(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "text": pa.string(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
    }[column["type"]]
