"""The slow worker as its service sees it: a process with a link, a board, and an end."""

import asyncio
import contextlib
import mmap
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

import liveopt
from liveopt.slow.words import (
    LENGTH,
    STARTING,
    Board,
    Doing,
    Order,
    Start,
    Word,
    framed,
    length_of,
    word_of,
)

READ_AHEAD: Final = 16 << 10
"""Bytes: words that are taken in one go must not hold up the loop."""
TAIL: Final = 2_000
"""Bytes of what the worker printed last that are kept, to be told with its end."""
END_S: Final = 5.0
INHERITED: Final = ("PATH", "HOME")
"""All of the service's environment that the worker sees: no keys are in there."""


class Process:
    """One life of the worker. Whoever begins it ends it."""

    def __init__(self, board: mmap.mmap) -> None:
        """Use `begin`."""
        self._memory = board
        self._board = Board(memoryview(board))
        self._board.write(STARTING)
        self._printed = bytearray()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._process: asyncio.subprocess.Process

    @classmethod
    async def begin(cls, start: Start) -> "Process":
        """A new worker with a new link and a new board."""
        ours, theirs = socket.socketpair()
        board_fd = os.memfd_create("liveopt-slow-board")
        with contextlib.ExitStack() as later:
            later.callback(os.close, board_fd)
            later.callback(theirs.close)
            os.ftruncate(board_fd, Board.BYTES)
            worker = cls(mmap.mmap(board_fd, Board.BYTES))
            worker._reader, worker._writer = await asyncio.open_unix_connection(
                sock=ours, limit=READ_AHEAD
            )
            later.callback(worker._writer.close)
            given = msgspec.structs.replace(start, link_fd=theirs.fileno(), board_fd=board_fd)
            worker._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-X", "faulthandler", "-m", "liveopt.slow.worker"),
                msgspec.json.encode(given).decode(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(theirs.fileno(), board_fd),
                env=_environment(),
                start_new_session=True,
            )
            later.pop_all()
            theirs.close()
            os.close(board_fd)
        return worker

    def doing(self) -> Doing:
        """What stands on the board."""
        return self._board.read()

    def send(self, order: Order) -> None:
        """Ask for something; never waits, for no more than one order and pings are under way."""
        self._writer.write(framed(order))

    async def words(self) -> AsyncIterator[Word]:
        """What it says, to the end of its life; raises `BadFrame` for what is no word."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await self._reader.readexactly(LENGTH.size)
                yield word_of(await self._reader.readexactly(length_of(head)))

    async def drain_prints(self) -> None:
        """Reads what strategies print, so that they can go on printing; only the tail is kept."""
        assert self._process.stdout is not None
        while part := await self._process.stdout.read(READ_AHEAD):
            self._printed += part
            del self._printed[:-TAIL]

    async def dead(self) -> None:
        """Waits until the process has ended."""
        await self._process.wait()

    def kill(self) -> None:
        """End it at once, with what it has started."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def bury(self) -> str:
        """After `kill`: waits for the end and says how it was."""
        async with asyncio.timeout(END_S):
            code = await self._process.wait()
        self._writer.close()
        self._board.release()
        self._memory.close()
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        printed = self._printed.decode(errors="replace").strip().splitlines()
        return f"{how}: {printed[-1]}" if printed else how


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    root = str(Path(liveopt.__file__).parents[1])
    return kept | {"PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"}
