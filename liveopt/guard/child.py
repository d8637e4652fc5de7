"""Becomes a program that ends with its guard: `python -I -S child.py PARENT PROGRAM ARGUMENT...`.

A program of its own, since what the kernel is told here must be told between fork and exec.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, words: list[str]) -> None:
    """Does not return. A guard that died before the kernel was told is noticed by its number."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the keys
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(words[0], words)  # noqa: S606  the words come from the guard's own spec


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
