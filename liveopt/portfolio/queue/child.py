"""A job's process: begun, listened to, ended in time with all that it started."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from liveopt.portfolio.queue import processes

LINE_MAX: Final = 1 << 20
"""Bytes: what is longer is neither progress nor a result."""
PART: Final = 64 << 10
"""Bytes that are heard at once."""
ASK_S: Final = 2.0
"""Between asking a process to end and ending it."""
DRAIN_S: Final = 5.0


class Progress(msgspec.Struct, frozen=True):
    """A line of standard output: `{"step": "race", "share": 0.4, "words": "Running ..."}`."""

    step: str
    share: float
    words: str = ""


class Done(msgspec.Struct, frozen=True):
    """The last line: `{"done": {...}}`, whatever the process wants in the record."""

    done: Any


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may take."""

    limit_s: float
    tail_bytes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How it went."""

    code: int
    """Below 0: the signal that ended it."""
    timed_out: bool
    stdout: str
    stderr: str
    done: Any


@dataclass(slots=True)
class Tail:
    """The last of a stream, and how much there was before."""

    most: int
    kept: bytearray = field(default_factory=bytearray)
    before: int = 0

    def add(self, part: bytes) -> None:
        """More of it."""
        self.kept += part
        over = len(self.kept) - self.most
        if over > 0:
            del self.kept[:over]
            self.before += over

    def text(self) -> str:
        """As it stands in a record."""
        said = self.kept.decode(errors="replace")
        return f"({self.before} bytes before) {said}" if self.before else said


class Ears:
    """Standard output by lines: progress is told, all else is kept."""

    def __init__(self, tail: Tail, told: Callable[[Progress], None]) -> None:
        """Nothing heard yet."""
        self.done: Any = None
        self._tail = tail
        self._told = told
        self._line = bytearray()

    def hear(self, part: bytes) -> None:
        """Some bytes, cut anywhere."""
        *lines, rest = part.split(b"\n")
        for line in lines:
            self._end(self._line + line)
            self._line.clear()
        self._line += rest
        if len(self._line) > LINE_MAX:
            self._tail.add(bytes(self._line))
            self._line.clear()

    def end(self) -> None:
        """What had no line end."""
        if self._line:
            self._end(self._line)

    def _end(self, line: bytearray) -> None:
        if line.startswith(b"{"):
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                found = msgspec.json.decode(line, type=dict[str, Any])
                if "done" in found:
                    self.done = found["done"]
                    return
                if {"step", "share"} <= found.keys():
                    self._told(msgspec.convert(found, Progress))
                    return
        self._tail.add(bytes(line) + b"\n")


async def run(
    command: Sequence[str], token: str, limits: Limits, told: Callable[[Progress], None]
) -> Ended:
    """To its end. Cancelled, it ends the process with all that it started before it returns."""
    out, err = Tail(limits.tail_bytes), Tail(limits.tail_bytes)
    ears = Ears(out, told)
    async with contextlib.AsyncExitStack() as stack:
        # Pipes of our own: whatever a stray grandchild holds open, the child's end is heard.
        from_out, to_out = await _pipe(stack)
        from_err, to_err = await _pipe(stack)
        try:
            child = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=to_out,
                stderr=to_err,
                env=os.environ | {processes.MARK: token},
                start_new_session=True,
            )
        finally:
            os.close(to_out)
            os.close(to_err)
        async with asyncio.TaskGroup() as tasks:
            readers = (
                tasks.create_task(_read(from_out, ears.hear)),
                tasks.create_task(_read(from_err, err.add)),
            )
            timed_out = await _wait(child, token, limits.limit_s)
            _, late = await asyncio.wait(readers, timeout=DRAIN_S)
            for reader in late:
                reader.cancel()
        ears.end()
        code = child.returncode
    assert code is not None
    return Ended(code, timed_out, out.text(), err.text(), ears.done)


async def _wait(child: asyncio.subprocess.Process, token: str, limit_s: float) -> bool:
    """Until it has ended, or been ended: then True."""
    try:
        async with asyncio.timeout(limit_s):
            await child.wait()
    except TimeoutError:
        await _ask(child)
        return True
    except asyncio.CancelledError:
        await _ask(child)
        raise
    else:
        return False
    finally:
        if child.returncode is None:
            _group(child, signal.SIGKILL)
        processes.end(token)
        await child.wait()


async def _ask(child: asyncio.subprocess.Process) -> None:
    """Time to clear up; who does not take it is ended."""
    _group(child, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ASK_S):
            await child.wait()


def _group(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


async def _pipe(stack: contextlib.AsyncExitStack) -> tuple[asyncio.StreamReader, int]:
    """A reader, and the end that is given away."""
    ours, theirs = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", 0)
    )
    stack.callback(transport.close)
    return reader, theirs


async def _read(reader: asyncio.StreamReader, hear: Callable[[bytes], None]) -> None:
    while part := await reader.read(PART):
        hear(part)
