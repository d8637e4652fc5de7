"""One search in a process of its own: begun, listened to, and gone when whoever began it is."""

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from liveopt.guard import child
from liveopt.web.orders import Order

NICE: Final = 10
LINES_MAX: Final = 20


class NotStarted(Exception):
    """There is no process; the message says why."""


async def search(order: Order, state: Path, begun: Callable[[Process], None]) -> tuple[int, str]:
    """Its exit code, and what it said last."""
    lines: deque[bytes] = deque(maxlen=LINES_MAX)
    try:
        process = await _start(order, state)
    except OSError as error:
        raise NotStarted(f"the process could not be started: {error.strerror}") from error
    try:
        begun(process)
        assert process.stderr is not None
        while line := await process.stderr.readline():
            lines.append(line)
        code = await process.wait()
    except ValueError:
        return 1, "the process wrote a line without end"
    finally:
        await _bury(process)
    said = lines[-1].decode(errors="replace").strip() if lines else f"exit code {code}"
    return code, said.removeprefix("liveopt: ")


async def _start(order: Order, state: Path) -> Process:
    words = [sys.executable, "-m", "liveopt", *order.words()]
    nice = shutil.which("nice")
    before = [nice, "-n", str(NICE)] if nice else []
    launcher = [sys.executable, "-I", "-S", str(Path(child.__file__)), str(os.getpid())]
    return await asyncio.create_subprocess_exec(
        *launcher, *before, *words, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE,
        env=_environment(state), process_group=0,
    )  # fmt: skip


def _environment(state: Path) -> dict[str, str]:
    return os.environ | {"LIVEOPT__JOURNAL__FOLDER": str(state.resolve())}


async def _bury(process: Process) -> None:
    """Killed with all that it started, and gone before the loop is."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
