"""This file is where passwords are hashed and checked, by argon2id (RFC 9106)."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

#: NIST SP 800-63B-4, section 3.1.1.2, asks for 15 where a password is all there is; no rules of
#: which characters, for these make passwords worse.
PASSWORD_CHARS_MIN = 15
#: Longer than any sentence that somebody remembers; hashing takes the same time for all.
PASSWORD_CHARS_MAX = 200
#: Each check takes 64 MiB and a core for a twentieth of a second: more at a time are slower only.
AT_A_TIME = 2


#: What a page says of a password before somebody chooses one.
BOUNDS = {"chars_min": PASSWORD_CHARS_MIN, "chars_max": PASSWORD_CHARS_MAX}


class BadPassword(Exception):
    """Not to be chosen; says why."""


def check_choice(password: str, name: str) -> None:
    """Raise BadPassword for what is too short, too long, or one thing over and over."""
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise BadPassword(
            f"{PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters are wanted, "
            f"and these are {len(password)}: a sentence is easy to remember"
        )
    if name.casefold() in password.casefold() and len(password) - len(name) < PASSWORD_CHARS_MIN:
        raise BadPassword("it is little more than your name")
    for length in range(1, 6):
        if password == (password[:length] * len(password))[: len(password)]:
            raise BadPassword("it is one thing over and over")


class Passwords:
    """Hashes and checks off the event loop, a few at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turn = asyncio.Semaphore(AT_A_TIME)
        #: What is checked in the place of a hash that is not there, so that it takes as long.
        self._nobodys = self._hasher.hash("the password of somebody who is not there")

    async def hashed(self, password: str) -> str:
        """What is kept of a password: parameters, a salt of its own, and the hash."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, kept: str | None, password: str) -> bool:
        """Whether it is the password; takes as long for whoever has none."""
        async with self._turn:
            same = await asyncio.to_thread(self._verify, kept or self._nobodys, password)
        return same and kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether it was hashed with less effort than passwords are today."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (Argon2Error, InvalidHashError):
            return False
