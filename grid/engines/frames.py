"""This file is where it is agreed how a child's frames look: a kind, a length, so many bytes."""

from __future__ import annotations

import struct
from typing import BinaryIO

#: The kinds of frame that a child sends.
READY, OUTPUT, FAILED = range(3)

#: What stands before the bytes: the kind (1 byte), the length (4 bytes, big end first).
HEAD = struct.Struct(">BI")
#: What stands before a question to a child: the length of its header.
LENGTH = struct.Struct(">I")


def put(sink: BinaryIO, kind: int, data: bytes) -> None:
    """Send one frame, from the child's side."""
    sink.write(HEAD.pack(kind, len(data)) + data)
    sink.flush()


def take(source: BinaryIO) -> bytes | None:
    """The header of the next question; None when nobody asks any more."""
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    return source.read(length)
