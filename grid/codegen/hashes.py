"""This file is where the rounds of MD5, SHA-1 and SHA-256 become lines of a program.

A message is one block of sixteen 32-bit words, called w0 to w15 here, and every name is assigned
once but for the words of the state. Whole numbers of JavaScript are cut to 32 bits by `| 0`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

#: Every name of a round: words of the state, of the message, and of the hash.
NAMES = re.compile(r"\b(?:[a-h]|[hwxy][0-9]+)\b")
#: RFC 1321, section 3.4: how far each of the four steps of a round turns its word.
MD5_TURNS = ((7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21))
#: Which word a step takes: multiplied by the one, moved by the other.
MD5_WORDS = ((1, 0), (5, 1), (3, 5), (7, 0))
MD5_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
#: FIPS 180-4, sections 4.2.1 and 5.3.1.
SHA1_CONSTANTS = (0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6)
SHA1_START = (*MD5_START, 0xC3D2E1F0)


def md5() -> Iterator[str]:
    """RFC 1321, section 3.4: the state after the block is in h0 to h3."""
    state = ["a", "b", "c", "d"]
    yield from _start(state, MD5_START)
    for step in range(64):
        a, b, c, d = state
        part = step // 16
        mixed = (
            f"({d} ^ ({b} & ({c} ^ {d})))",
            f"({c} ^ ({d} & ({b} ^ {c})))",
            f"({b} ^ {c} ^ {d})",
            f"({c} ^ ({b} | ({d} ^ -1)))",
        )[part]
        factor, moved = MD5_WORDS[part]
        word = (factor * step + moved) % 16
        constant = _signed(int(abs(math.sin(step + 1)) * 2**32))
        yield f"{a} = ({a} + {mixed} + w{word} + {constant}) | 0;"
        yield f"{a} = ({_left(a, MD5_TURNS[part][step % 4])} + {b}) | 0;"
        state = [d, a, b, c]
    yield from _end(state, MD5_START)


def sha1() -> Iterator[str]:
    """FIPS 180-4, section 6.1.2: the state after the block is in h0 to h4."""
    for word in range(16, 80):
        mixed = " ^ ".join(f"w{word - back}" for back in (3, 8, 14, 16))
        yield f"const x{word} = {mixed};"
        yield f"const w{word} = {_left(f'x{word}', 1)};"
    state = ["a", "b", "c", "d", "e"]
    yield from _start(state, SHA1_START)
    for step in range(80):
        a, b, c, d, e = state
        part = step // 20
        mixed = (
            f"({d} ^ ({b} & ({c} ^ {d})))",
            f"({b} ^ {c} ^ {d})",
            f"(({b} & {c}) | ({d} & ({b} | {c})))",
            f"({b} ^ {c} ^ {d})",
        )[part]
        constant = _signed(SHA1_CONSTANTS[part])
        yield f"{e} = ({_left(a, 5)} + {mixed} + {e} + w{step} + {constant}) | 0;"
        yield f"{b} = {_left(b, 30)};"
        state = [e, a, b, c, d]
    yield from _end(state, SHA1_START)


def sha256() -> Iterator[str]:
    """FIPS 180-4, section 6.2.2: the state after the block is in h0 to h7."""
    for word in range(16, 64):
        low, high = f"w{word - 15}", f"w{word - 2}"
        yield f"const x{word} = {_right(low, 7)} ^ {_right(low, 18)} ^ ({low} >>> 3);"
        yield f"const y{word} = {_right(high, 17)} ^ {_right(high, 19)} ^ ({high} >>> 10);"
        yield f"const w{word} = (w{word - 16} + x{word} + w{word - 7} + y{word}) | 0;"
    state = ["a", "b", "c", "d", "e", "f", "g", "h"]
    primes = _primes(64)
    start = [_fraction(prime, _square_root) for prime in primes[:8]]
    yield from _start(state, start)
    for step in range(64):
        a, b, c, d, e, f, g, h = state
        turned = f"{_right(e, 6)} ^ {_right(e, 11)} ^ {_right(e, 25)}"
        chosen = f"({g} ^ ({e} & ({f} ^ {g})))"
        constant = _signed(_fraction(primes[step], _cube_root))
        yield f"{h} = ({h} + ({turned}) + {chosen} + w{step} + {constant}) | 0;"
        yield f"{d} = ({d} + {h}) | 0;"
        both = f"(({a} & {b}) | ({c} & ({a} | {b})))"
        spread = f"{_right(a, 2)} ^ {_right(a, 13)} ^ {_right(a, 22)}"
        yield f"{h} = ({h} + ({spread}) + {both}) | 0;"
        state = [h, a, b, c, d, e, f, g]
    yield from _end(state, start)


def lane(lines: Iterable[str], letter: str) -> Iterator[str]:
    """The same lines with a letter behind each name, to stand among those of other messages."""
    return (NAMES.sub(lambda found: f"{found[0]}{letter}", line) for line in lines)


def _start(state: Sequence[str], values: Sequence[int]) -> Iterator[str]:
    yield from (
        f"let {name} = {_signed(value)};" for name, value in zip(state, values, strict=True)
    )


def _end(state: Sequence[str], values: Sequence[int]) -> Iterator[str]:
    for place, (name, value) in enumerate(zip(state, values, strict=True)):
        yield f"const h{place} = ({name} + {_signed(value)}) | 0;"


def _left(word: str, bits: int) -> str:
    return f"(({word} << {bits}) | ({word} >>> {32 - bits}))"


def _right(word: str, bits: int) -> str:
    return _left(word, 32 - bits)


def _signed(value: int) -> int:
    return value - 2**32 if value >= 2**31 else value


def _primes(count: int) -> list[int]:
    """The first so many."""
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _fraction(prime: int, root: Callable[[int], int]) -> int:
    """The first 32 bits of a root's fraction (FIPS 180-4, sections 4.2.2 and 5.3.3)."""
    return root(prime) % 2**32


def _square_root(value: int) -> int:
    """In units of 2^-32, rounded down."""
    return math.isqrt(value << 64)


def _cube_root(value: int) -> int:
    """In units of 2^-32, rounded down."""
    scaled, low, high = value << 96, 0, value << 32
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= scaled else (low, middle - 1)
    return low
