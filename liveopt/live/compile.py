"""Compiles what a run will step before it begins, in several processes at once."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from liveopt.engine.cpu import compiled
from liveopt.engine.emit_numba import source
from liveopt.engine.kernels import is_compiled, load_kernel, text_of
from liveopt.engine.program import Program
from liveopt.promotion import compiled as gate

log = structlog.get_logger()

COMPILE_S: Final = 120.0
LOADER: Final = "import sys; from liveopt.live.compile import load; load(sys.stdin.read())"


def load(text: str) -> None:
    """Compile a kernel's text, which leaves its machine code in the cache."""
    load_kernel(text)  # the signatures in it compile it


async def compile_all(programs: Sequence[Program], said: Callable[[int, int], None]) -> None:
    """Returns when every program can be loaded at once; `said` hears how many of how many are.

    A process that fails costs time only: the kernel is then compiled where it is used.
    """
    texts = [text_of("engine.rolling"), gate.text(), *(source(program) for program in programs)]
    missing = [text for text in dict.fromkeys(texts) if not is_compiled(text)]
    turns = asyncio.Semaphore(max(1, len(os.sched_getaffinity(0))))
    done = 0

    async def one(text: str) -> None:
        nonlocal done
        async with turns:
            try:
                async with asyncio.timeout(COMPILE_S):
                    await _elsewhere(text)
            except (OSError, TimeoutError) as error:
                log.warning("a step was not compiled by a process of its own", why=repr(error))
        done += 1
        said(done, len(missing))

    if missing:
        said(0, len(missing))
        async with asyncio.TaskGroup() as group:
            for text in missing:
                group.create_task(one(text))
    await asyncio.to_thread(load_kernel, texts[0])
    await asyncio.to_thread(load_kernel, texts[1])
    for program in programs:
        await asyncio.to_thread(compiled, program)


async def _elsewhere(text: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOADER, stdin=asyncio.subprocess.PIPE
    )
    try:
        await process.communicate(text.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
