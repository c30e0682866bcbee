"""This file is where a child is bound to its parent's life, before its program takes over.

It runs as a script of its own, with nothing but the standard library:
`python -I -S leash.py PARENT COMMAND…`. Linux kills the child as soon as the thread that started it
is gone (prctl(2), PR_SET_PDEATHSIG), and what execve(2) puts in its place as well. So not even a
parent that is killed without a word leaves an endless program behind.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

#: From linux/prctl.h.
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become COMMAND, unless the process PARENT is gone already."""
    parent, *command = sys.argv[1:]
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit("the kernel refuses PR_SET_PDEATHSIG")
    if os.getppid() == int(parent):
        os.execve(command[0], command, os.environ)  # noqa: S606 — no shell is what is wanted


if __name__ == "__main__":
    main()
