"""Processes of the guard: started so that they end with it, told, and buried."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from liveopt.guard import child

BURY_S: Final = 2.0
"""For the system to take away what was killed."""


async def start(
    words: Sequence[str],
    *,
    pass_fds: Sequence[int] = (),
    env: Mapping[str, str] | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> Process:
    """In a process group of its own: the keyboard's interrupt is for the guard alone."""
    launcher = [sys.executable, "-I", "-S", str(Path(child.__file__)), str(os.getpid())]
    return await asyncio.create_subprocess_exec(
        *launcher,
        *words,
        stdin=DEVNULL,
        stdout=stdout,
        stderr=stderr,
        pass_fds=tuple(pass_fds),
        env=os.environ | dict(env or {}),
        process_group=0,
    )


def tell(process: Process | None, number: signal.Signals) -> None:
    """A kill is for all that the process started as well; the rest it tells them itself."""
    if process is None or process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        if number is signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)


async def bury(process: Process | None) -> None:
    """Killed, and gone before the loop is: or its end would be news to nobody."""
    tell(process, signal.SIGKILL)
    if process is not None:
        with suppress(TimeoutError):
            async with asyncio.timeout(BURY_S):
                await process.wait()
