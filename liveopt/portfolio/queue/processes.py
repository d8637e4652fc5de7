"""Processes of this machine: who a claim's owner is, whether it lives, and ending what it left."""

import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import Final

import msgspec

PROC: Final = Path("/proc")
MARK: Final = "LIVEOPT_CLAIM"
"""In the environment of every process of a job, with the token of its claim."""
ROUNDS: Final = 20
"""A process that is starting another while it is looked for is found in the next round."""


class Owner(msgspec.Struct, frozen=True):
    """A worker's process, so that nobody else with its number is taken for it."""

    host: str
    boot: str
    """Of the machine, which is another one after a restart."""
    space: str
    """Of process numbers: containers of one machine have their own."""
    pid: int
    born: int
    """In ticks since the machine's start."""


def me() -> Owner:
    """This process."""
    return Owner(socket.gethostname(), _boot(), _space(), os.getpid(), _born(os.getpid()) or 0)


def is_here(owner: Owner) -> bool:
    """Its number means something in this process's machine, boot and container."""
    return (owner.host, owner.boot, owner.space) == (socket.gethostname(), _boot(), _space())


def lives(owner: Owner) -> bool:
    """Of one that is here: the very same process still runs."""
    return _born(owner.pid) == owner.born


def end(token: str) -> int:
    """Kills every process of a job, whatever groups and parents they have; how many there were."""
    killed: set[int] = set()
    for _ in range(ROUNDS):
        found = _marked(token)
        if not found:
            break
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= found
    return len(killed)


def _marked(token: str) -> set[int]:
    """Dead ones that nobody has buried have no environment any more."""
    mark, found = f"{MARK}={token}".encode(), set()
    for pid in _pids():
        with contextlib.suppress(OSError):
            if mark in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                found.add(pid)
    return found - {os.getpid()}


def _pids() -> list[int]:
    try:
        return [int(path.name) for path in PROC.iterdir() if path.name.isdecimal()]
    except FileNotFoundError:  # not Linux: the group of the child is all that is ended
        return []


def _born(pid: int) -> int | None:
    """None where there is no such process, or only its remains."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def _boot() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def _space() -> str:
    try:
        return str((PROC / "self/ns/pid").readlink())
    except OSError:
        return ""
