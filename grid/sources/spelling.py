"""This file is where it is decided which texts spell a number or a truth value.

Blanks around a value are passed over. Whole numbers may have leading zeros and a sign; other
spellings (hexadecimal, grouped digits) are text. Dates are YYYY-MM-DD, timestamps have HH:MM, :SS
and a fraction behind that, and may have a T for the blank and a Z at the end.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from grid.items import LogicalType
from grid.sources.given import PRECISION_MAX, GivenType
from grid.values import DAY_MAX, DAY_MIN, TIMESTAMP_MAX, TIMESTAMP_MIN

#: Whole numbers beyond ± this are not all exact as doubles (IEEE 754, binary64).
EXACT_DOUBLE_MAX = 2**53

_INTEGER = r"^[ \t]*[+-]?[0-9]+[ \t]*$"
_DOUBLE = r"^[ \t]*[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|(?i:inf|infinity|nan))[ \t]*$"
_FIXED = r"^[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[ \t]*$"
_DATE = r"^[ \t]*[0-9]{4}-[0-9]{2}-[0-9]{2}[ \t]*$"
_TIMESTAMP = (
    r"^[ \t]*[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?Z?)?[ \t]*$"
)
_BOOLEAN_WORD = r"^(?i:true|false)$"
_BOOLEAN = r"^(?i:true|false|0|1)$"
_PATTERNS = {
    LogicalType.INT64: (_INTEGER, pa.int64()),
    LogicalType.DOUBLE: (_DOUBLE, pa.float64()),
    LogicalType.BOOLEAN: (_BOOLEAN, pa.bool_()),
    LogicalType.DECIMAL: (_FIXED, None),
    LogicalType.DATE: (_DATE, None),
    LogicalType.TIMESTAMP: (_TIMESTAMP, None),
}
#: Fewer characters cannot spell a whole number that is not exact as a double.
_WIDE_CHARS_MIN = 16


def parse(texts: pa.StringArray, given: GivenType) -> pa.Array:
    """The values that these texts spell, NULL for NULL; raises ValueError unless all do.

    Decimals, dates and timestamps come out as the whole numbers that stand for them.
    """
    type = given.type
    if type == LogicalType.TEXT:
        return texts
    pattern, arrow = _PATTERNS[type]
    if not _all_match(texts, pattern):
        raise ValueError(f"not {given}")
    try:
        if type in (LogicalType.DECIMAL, LogicalType.DATE, LogicalType.TIMESTAMP):
            return _whole(pc.utf8_trim(texts, " \t"), given)
        values = _cast(texts, arrow)
    except pa.ArrowInvalid as error:
        raise ValueError(f"beyond {given}") from error
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


def _whole(texts: pa.StringArray, given: GivenType) -> pa.Array:
    """Multiples of 10^-scale, days, or microseconds (digits beyond them are cut off)."""
    if given.type == LogicalType.DECIMAL:
        scaled = pc.utf8_ltrim(texts, "+").cast(pa.decimal128(given.precision, given.scale))
        # The same 128 bits, read as a whole number.
        whole, buffers = pa.decimal128(PRECISION_MAX, 0), scaled.buffers()
        return pa.Array.from_buffers(whole, len(scaled), buffers, offset=scaled.offset)
    if given.type == LogicalType.DATE:
        found = texts.cast(pa.date32()).cast(pa.int32()).cast(pa.int64())
        low, high = DAY_MIN, DAY_MAX
    else:
        plain = pc.replace_substring_regex(texts, r"(\.[0-9]{6})[0-9]+|Z$", r"\1")
        found = pc.replace_substring(plain, "Z", "").cast(pa.timestamp("us")).cast(pa.int64())
        low, high = TIMESTAMP_MIN, TIMESTAMP_MAX
    if pc.any(pc.or_(pc.less(found, low), pc.greater(found, high))).as_py():
        raise pa.ArrowInvalid("a year before 1")
    return found


def _cast(texts: pa.StringArray, type: pa.DataType) -> pa.Array:
    try:
        return texts.cast(type)
    except pa.ArrowInvalid:
        return pc.utf8_ltrim(pc.utf8_trim(texts, " \t"), "+").cast(type)
