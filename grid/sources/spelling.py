"""This file is where it is decided which texts spell a number or a truth value.

Blanks around a number are passed over. Whole numbers may have leading zeros and a sign; other
spellings (hexadecimal, grouped digits, dates) are text.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from grid.items import LogicalType

#: Whole numbers beyond ± this are not all exact as doubles (IEEE 754, binary64).
EXACT_DOUBLE_MAX = 2**53

_INTEGER = r"^[ \t]*[+-]?[0-9]+[ \t]*$"
_DOUBLE = r"^[ \t]*[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|(?i:inf|infinity|nan))[ \t]*$"
_BOOLEAN_WORD = r"^(?i:true|false)$"
_BOOLEAN = r"^(?i:true|false|0|1)$"
#: Fewer characters cannot spell a whole number that is not exact as a double.
_WIDE_CHARS_MIN = 16


def parse(texts: pa.StringArray, type: LogicalType) -> pa.Array:
    """The values that these texts spell, NULL for NULL; raises ValueError unless all do."""
    if type == LogicalType.TEXT:
        return texts
    pattern, arrow = {
        LogicalType.INT64: (_INTEGER, pa.int64()),
        LogicalType.DOUBLE: (_DOUBLE, pa.float64()),
        LogicalType.BOOLEAN: (_BOOLEAN, pa.bool_()),
    }[type]
    if not _all_match(texts, pattern):
        raise ValueError(f"not {type.value}")
    try:
        values = _cast(texts, arrow)
    except pa.ArrowInvalid as error:
        raise ValueError(f"beyond {type.value}") from error
    if type == LogicalType.DOUBLE and pc.any(pc.is_inf(values)).as_py():
        infinite = texts.filter(pc.is_inf(values))
        if not _all_match(infinite, "(?i:inf)"):
            raise ValueError("beyond double")
    return values


def is_truth_value(texts: pa.StringArray) -> bool:
    """Whether every text is one of the words true and false, in any case."""
    return _all_match(texts, _BOOLEAN_WORD)


def is_value(text: str) -> bool:
    """Whether the text could be a number or a truth value."""
    texts = pa.array([text], pa.utf8())
    return _all_match(texts, _DOUBLE) or is_truth_value(texts)


def exact_as_double(texts: pa.StringArray) -> bool:
    """Whether no text spells a whole number beyond ±2⁵³, which a double may round."""
    if (pc.max(pc.binary_length(texts)).as_py() or 0) < _WIDE_CHARS_MIN:
        return True
    whole = texts.filter(pc.match_substring_regex(texts, _INTEGER))
    wide = whole.filter(pc.greater_equal(pc.binary_length(whole), _WIDE_CHARS_MIN))
    return all(abs(int(text)) <= EXACT_DOUBLE_MAX for text in wide.to_pylist())


def _all_match(texts: pa.StringArray, pattern: str) -> bool:
    matches = pc.all(pc.match_substring_regex(texts, pattern)).as_py()
    return matches is not False


def _cast(texts: pa.StringArray, type: pa.DataType) -> pa.Array:
    try:
        return texts.cast(type)
    except pa.ArrowInvalid:
        return pc.utf8_ltrim(pc.utf8_trim(texts, " \t"), "+").cast(type)
