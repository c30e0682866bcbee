"""This file is where the helpers stand that a program may call, by name.

They are written in `web/client/runtime/kit/`; every one is a function, called as `kit.name(…)`, and
takes steps linear in what it is given.
"""

from __future__ import annotations

_ARRAYS = """base64 bytes floats words longs texts strings list push selection joined exact
    decimal"""
_COLUMNS = "column textcolumn put puttext wholes doubles flags utf8"
_COUNTING = "times integers unit sqrt"
_EXACTLY = """fresh carried poured raised squared oddity spellsum spelllimbs
    spelltotal"""
_GROUPS = "filled bigs names named seats seated weight"
_KEYS = "keys next key permutation permute"
_LIBM = "sin cos tan atan exp log logten topower"
_LIKE = "pattern matches"
_RANDOM = "alea"
_RANKING = "ranking enter worst scores places bin"
_MOMENTS = """today bigday months year month quarter decade century day doy isodow dow isoyear week
    startyear startquarter startmonth startweek startdecade startcentury startisoyear monthslater"""
_NUMBERS = """integer big double bits widen narrow numbers long near ratio abs trunc floor ceil root
    half even rounded cutoff whole"""
_SEALING = "sealer seal"
_SIMILAR = "levenshtein winkler"
_SPELLING = """digits spellscaled spellflag spelldouble spelldate spellmoment readscaled isdouble
    readdouble readflag readday readclock"""
_STREAMS = "stream uniform normal resample shuffle ascend"
_SUMS = "adder add added products addproduct multiplied"
_TEXTS = """text compare lower upper strip lstrip rstrip trim ltrim rtrim points grown replace
    behind between position starts ends piece"""

_ALL = (_ARRAYS, _COLUMNS, _COUNTING, _EXACTLY, _GROUPS, _KEYS, _LIBM, _LIKE, _MOMENTS, _NUMBERS,
        _RANDOM, _RANKING, _SEALING, _SIMILAR, _SPELLING, _STREAMS, _SUMS, _TEXTS)  # fmt: skip

KIT_FUNCTIONS = frozenset(" ".join(_ALL).split())
#: Those that make an array a program may write to.
ALLOCATIONS = frozenset({"bigs", "bytes", "filled", "floats", "integers", "longs", "texts"})
#: Those that give a number a loop may count to: a finite one, fixed before the loop begins.
BOUNDS = frozenset({"times"})
