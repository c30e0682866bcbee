"""This file is where a column's type is found from all of its values, each seen once.

A type that no row contradicts yet stays possible. So types do not depend on the order of rows,
and nothing is read again because a late row contradicts an early guess.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from grid import chunks
from grid.items import Column, LogicalType
from grid.sources import spelling
from grid.sources.error import SourceError, pointer
from grid.sources.given import GivenType

#: Characters of a bad value that an error repeats.
EXCERPT_CHARS = 60

_INFERRED = (LogicalType.INT64, LogicalType.BOOLEAN, LogicalType.DOUBLE, LogicalType.TEXT)


class ColumnScan:
    """What is known of one column while its values pass, as text, in any number of batches.

    Inferred: int64 when every value is a whole number of 64 bits; boolean when every value is
    true or false; double when every value is a number and no whole number among them is beyond
    ±2⁵³, where digits would be lost; text otherwise, and where every value is NULL. Decimals,
    dates and timestamps are given, never inferred. A given type is kept, or contradicted by a
    SourceError.
    """

    def __init__(self, name: str, given: GivenType | None = None) -> None:
        self.name, self.given = name, given
        self._possible = {given.type} if given else set(_INFERRED)
        self._rows = self._nulls = 0
        self._low: int | None = None
        self._high: int | None = None
        self._distinct: set[str] | None = set() if LogicalType.TEXT in self._possible else None
        self._dictionary: pa.StringArray | None = None

    def observe(self, texts: pa.StringArray) -> None:
        """Take the next values into account. Raises SourceError("/types/…"), naming the row."""
        known = texts.drop_null()
        if len(known):
            if self.given:
                self._observe_given(texts, self.given)
            else:
                self._observe_inferred(known)
            self._collect(known)
        self._rows += len(texts)
        self._nulls += texts.null_count

    def column(self) -> Column:
        """The column, its types fixed by everything observed."""
        given = self.given
        if given is None:
            possible = [type for type in _INFERRED if type in self._possible]
            given = GivenType(LogicalType.TEXT if self._nulls == self._rows else possible[0])
        distinct = None if self._distinct is None else frozenset(self._distinct)
        facts = chunks.Facts(
            nullable=self._nulls > 0, low=self._low, high=self._high, distinct=distinct
        )
        return chunks.narrow(
            self.name, given.type, facts, precision=given.precision, scale=given.scale
        )

    def values(self, texts: pa.StringArray, column: Column) -> pa.Array:
        """Texts that were observed, as values of `column()`."""
        if self._dictionary is None and self._distinct is not None:
            self._dictionary = chunks.dictionary(self._distinct)
        type = GivenType(column.type, column.precision, column.scale)
        return chunks.cast(spelling.parse(texts, type), column, self._dictionary)

    def _observe_given(self, texts: pa.StringArray, given: GivenType) -> None:
        try:
            self._widen(spelling.parse(texts, given))
        except ValueError as error:
            row, text = self._first_misfit(texts, given)
            raise SourceError(
                pointer("types", self.name),
                f"row {row + 1}, column {self.name!r}: {text[:EXCERPT_CHARS]!r} is {error}",
            ) from error

    def _observe_inferred(self, known: pa.StringArray) -> None:
        whole = self._fits(known, LogicalType.INT64)
        if not whole:
            self._possible.discard(LogicalType.INT64)
        if LogicalType.DOUBLE in self._possible and not (
            (whole or self._fits(known, LogicalType.DOUBLE)) and spelling.exact_as_double(known)
        ):
            self._possible.discard(LogicalType.DOUBLE)
        if LogicalType.BOOLEAN in self._possible and not spelling.is_truth_value(known):
            self._possible.discard(LogicalType.BOOLEAN)

    def _fits(self, known: pa.StringArray, type: LogicalType) -> bool:
        if type not in self._possible:
            return False
        try:
            self._widen(spelling.parse(known, GivenType(type)))
        except ValueError:
            return False
        return True

    def _widen(self, values: pa.Array) -> None:
        """Let the bounds of whole numbers include these."""
        if not (pa.types.is_int64(values.type) or pa.types.is_decimal(values.type)):
            return
        bounds = {name: int(bound) for name, bound in pc.min_max(values).as_py().items()}
        self._low = min(bounds["min"], bounds["min"] if self._low is None else self._low)
        self._high = max(bounds["max"], bounds["max"] if self._high is None else self._high)

    def _collect(self, known: pa.StringArray) -> None:
        """Keep the distinct texts as long as they could be a dictionary."""
        if self._distinct is None or LogicalType.TEXT not in self._possible:
            return
        fresh = pc.unique(known)
        if len(fresh) <= chunks.DICTIONARY_CODES_MAX:
            self._distinct.update(fresh.to_pylist())
        if len(fresh) > chunks.DICTIONARY_CODES_MAX or not chunks.dictionary_fits(self._distinct):
            self._distinct = None

    def _first_misfit(self, texts: pa.StringArray, type: GivenType) -> tuple[int, str]:
        for place in range(len(texts)):
            try:
                spelling.parse(texts.slice(place, 1), type)
            except ValueError:
                return self._rows + place, texts[place].as_py()
        raise AssertionError("every value fits alone, but not together")
