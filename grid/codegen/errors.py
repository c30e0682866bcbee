"""This file is where the refusals of the language stand."""

from __future__ import annotations


class SpecError(Exception):
    """A spec that cannot be computed; names the field, and the place in an expression.

    `pointer` is a JSON pointer into the spec ("/where"), `position` a 0-based character offset
    into the text found there, or None.
    """

    def __init__(self, pointer: str, message: str, position: int | None = None) -> None:
        self.pointer, self.message, self.position = pointer, message, position
        super().__init__(f"{pointer}: {message}")


class ProgramRefused(Exception):
    """A program that the static checker does not pass: a fault of the job type, not of the spec."""
