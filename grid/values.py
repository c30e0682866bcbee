"""This file is where dates, timestamps and decimals are read from text, and spelled as text.

In memory they are whole numbers: days, microseconds, multiples of 10^-scale. Years go from 1 to
9999, in the proleptic Gregorian calendar, which is that of Python's `datetime`. A program has
readers of its own (`web/client/runtime/kit/`), which share nothing with these.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

#: Days from 1970-01-01 to 0001-01-01 and to 9999-12-31: what four digits of a year can spell.
DAY_MIN, DAY_MAX = -719_162, 2_932_896
DAY_MICROSECONDS = 86_400_000_000
TIMESTAMP_MIN = DAY_MIN * DAY_MICROSECONDS
TIMESTAMP_MAX = (DAY_MAX + 1) * DAY_MICROSECONDS - 1
EPOCH = date(1970, 1, 1)
MOMENT_ZERO = datetime(1970, 1, 1)  # noqa: DTZ001 - a timestamp has no time zone
MICROSECOND = timedelta(microseconds=1)
#: What DuckDB passes over around a number and a date.
BLANKS = " \t\n\v\f\r"
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[ T]([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]+))?)?Z?)?"
)
_NUMBER = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]+))?")
_WORD = re.compile(r"([+-]?)(inf|infinity|nan)", re.IGNORECASE)
#: Digits of an exponent that still may matter: beyond, the number is 0 or too large for any type.
EXPONENT_DIGITS_MAX = 6
TRUTH = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}


def read_timestamp(text: str) -> int | None:
    """Microseconds since 1970 of `YYYY-MM-DD[ HH:MM[:SS[.ffffff]]]`; None for any other text.

    A T may stand for the blank and a Z behind the time; digits beyond microseconds are cut off.
    """
    found = _MOMENT.fullmatch(text.strip(BLANKS))
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    fraction = int((found[7] or "")[:6].ljust(6, "0"))
    try:
        at = datetime(year, month, day, hour, minute, second, fraction)  # noqa: DTZ001
    except ValueError:
        return None
    return (at - MOMENT_ZERO) // MICROSECOND


def read_date(text: str) -> int | None:
    """Days since 1970 of a date, or of the date of a timestamp; None for any other text."""
    found = read_timestamp(text)
    return None if found is None else found // DAY_MICROSECONDS


def read_scaled(text: str, scale: int) -> int | None:
    """The number that the text spells times 10^scale, halves away from zero; None if it is none."""
    found = _NUMBER.fullmatch(text.strip(BLANKS))
    if found is None:
        return None
    sign, ahead, behind, only, exponent = found.groups()
    fraction = only or behind or ""
    digits = ((ahead or "") + fraction).lstrip("0")
    if not digits:
        return 0
    power = _exponent(exponent or "0") - len(fraction) + scale
    if len(digits) + power > EXPONENT_DIGITS_MAX * 100:
        power = EXPONENT_DIGITS_MAX * 100
    if len(digits) + power < 0:
        return 0
    value = int(digits)
    value = value * 10**power if power >= 0 else (2 * value // 10**-power + 1) // 2
    assert isinstance(value, int)
    return -value if sign == "-" else value


def _exponent(text: str) -> int:
    cut = text.lstrip("+-").lstrip("0")[: EXPONENT_DIGITS_MAX + 1] or "0"
    return -int(cut) if text.startswith("-") else int(cut)


def read_double(text: str) -> float | None:
    """The nearest double to the number that the text spells; None if it is none."""
    word = text.strip(BLANKS)
    if _NUMBER.fullmatch(word) or _WORD.fullmatch(word):
        return float(word) + 0.0
    return None


def spell_date(days: int) -> str:
    """YYYY-MM-DD."""
    return (EPOCH + timedelta(days=days)).isoformat()


def spell_timestamp(microseconds: int) -> str:
    """YYYY-MM-DD HH:MM:SS, and the fraction without zeros at its end."""
    at = MOMENT_ZERO + microseconds * MICROSECOND
    shown = at.isoformat(" ")
    return shown.rstrip("0") if at.microsecond else shown


def spell_decimal(value: int, precision: int, scale: int) -> str:
    """The multiple of 10^-scale with all its digits; none ahead of the point where none fits."""
    if not scale:
        return str(value)
    whole, rest = divmod(abs(value), 10**scale)
    ahead = "" if precision == scale else str(whole)
    return f"{'-' if value < 0 else ''}{ahead}.{rest:0{scale}}"
