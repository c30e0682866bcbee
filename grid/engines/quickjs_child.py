"""This file is where a child answers by QuickJS: one realm, locked before any program."""

from __future__ import annotations

import base64
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from quickjs import Context

from grid.engines.frames import FAILED, OUTPUT, READY, put, take

#: Of the 8 MiB that Linux gives the first thread. What is nested deeper gets an error.
STACK_BYTES_MAX = 4 << 20

#: How the runtime says that the realm had no more room.
OUT_OF_MEMORY = "!" + base64.b64encode(b"InternalError: out of memory").decode()

Ask = Callable[[str, str], str]


def realm(runtime: str, bytes_max: int) -> Ask:
    """The one function of a new realm in which `runtime` has run.

    It may allocate `bytes_max`, typed arrays included; a program gets an error beyond that.
    """
    context = Context()
    context.set_memory_limit(bytes_max)
    context.set_max_stack_size(STACK_BYTES_MAX)
    ask: Ask = context.eval(runtime)
    return ask


def shut() -> None:
    """From here on this process can open no file and no connection, whatever it runs."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def serve(ask: Ask, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer questions until nobody asks any more."""
    put(sink, READY, b"")
    while (header := take(source)) is not None:
        shut()  # not before: until it is ready, whoever started this process limits it as well
        blobs = source.read(sum(json.loads(header)["lengths"]))
        said = ask(header.decode(), base64.b64encode(blobs).decode())
        if said == OUT_OF_MEMORY:
            os.abort()  # as V8 does: it is no fault that the program would show everywhere
        put(sink, OUTPUT if said[0] == "=" else FAILED, base64.b64decode(said[1:]))


def main() -> None:
    """Speak in frames over the first two descriptors."""
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    runtime = Path(sys.argv[1]).read_text("utf-8")
    serve(realm(runtime, int(sys.argv[2])), sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()
