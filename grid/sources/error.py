"""This file is where a source says what is wrong with what it was given."""

from __future__ import annotations


class SourceError(ValueError):
    """Data that cannot become a data set; `field` is a JSON pointer to what must change.

    "/body" is the data itself; anything else is an option, such as "/types/price".
    """

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"{field}: {message}")


class TooLarge(SourceError):
    """More bytes than the server takes."""


def pointer(*names: str) -> str:
    """The JSON pointer (RFC 6901) with these reference tokens."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
