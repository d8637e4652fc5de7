"""The emergency stop itself: a straight line of acts, none of which can keep the next from it.

Shut the gate (a store into memory), write the latch, wake the engine, wait for its acknowledgement.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Protocol

import msgspec

from liveopt.guard.attempt import attempt, attempt_async
from liveopt.guard.clock import Wall
from liveopt.guard.gate import BY_NAME, HALT, MODES, OPEN, Heard, Mode
from liveopt.guard.latch import Change, State

POLL_S: Final = 0.0005
MEANWHILE: Final = "a stop came meanwhile and holds"


class Gate(Protocol):
    """What a stop needs of the gate."""

    @property
    def wanted(self) -> int: ...

    @property
    def number(self) -> int: ...

    @property
    def heard(self) -> Heard: ...

    def shut(self, mode: int) -> int: ...

    def open_again(self) -> int: ...


class Unseen(Exception):
    """A HALT file that nobody has taken in yet: it is where it was, and no resume ends it."""


class Latch(Protocol):
    """What a stop needs of the latch."""

    def set(self, change: Change) -> State: ...

    def clear(self, change: Change) -> State: ...

    def read(self) -> State: ...


class Stopped(msgspec.Struct, kw_only=True):
    """The answer to a stop: nothing is said that was not seen."""

    latched: bool
    """On disk: the service comes up halted after every restart."""
    mode: Mode
    """In force now; a weaker stop does not replace a stronger."""
    number: int | None
    """Of the gate's change that the engine acknowledges."""
    halt: int | None = None
    """Of this halt in the latch: what a resume names; null if it is not there."""
    seq: int | None
    """The input from which on no entry was made; null if nobody acknowledged."""
    took_ms: float
    variants_stopped: int | None
    positions_open: int | None
    not_acknowledged: list[str]
    errors: list[str]

    @property
    def complete(self) -> bool:
        """Everything that was asked for has happened."""
        return self.latched and not self.not_acknowledged and not self.errors

    @classmethod
    def nothing(cls, mode: Mode) -> "Stopped":
        """Before the first act."""
        return cls(
            latched=False,
            mode=mode,
            number=None,
            seq=None,
            took_ms=0.0,
            variants_stopped=None,
            positions_open=None,
            not_acknowledged=["engine"],
            errors=[],
        )


class Resumed(msgspec.Struct, kw_only=True):
    """The answer to a resume that was not refused."""

    resumed: bool = False
    number: int | None = None
    seq: int | None = None
    """The input from which on entries are made again."""
    halt: int | None = None
    """Which halt stands, where another one was named."""
    took_ms: float = 0.0
    not_acknowledged: list[str] = []
    errors: list[str] = []


@dataclass(frozen=True, slots=True)
class Waits:
    """How long for what."""

    latch_s: float = 1.0
    answer_s: float = 1.0


@dataclass(slots=True)
class Halt:
    """Every door leads here: HTTP, signal, file, the guard's own triggers."""

    gate: Gate
    latch: Latch
    wall: Wall
    nudge: Callable[[int], None]
    """Wakes the engine; may fail, the gate is what counts."""
    alive: Callable[[], bool]
    """Whether an engine runs that could acknowledge."""
    kill: Callable[[], None]
    """Ends the engine at once: what is left if the gate itself fails."""
    remove_halt_file: Callable[[], None]
    """In the writer's thread; Unseen if it is not the one that was taken in."""
    unseen: Callable[[], bool] = lambda: False
    """Whether a stop has come past this process and is not taken in yet: a file, a gate shut."""
    waits: Waits = field(default_factory=Waits)
    writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "latch"))
    """One thread: what is written to the latch is written in order."""
    _came: int = 0
    """The gate's number of the newest stop, and of the newest that was handed to the writer."""
    _handed: int = 0
    _stops: int = 0
    """How many were handed over: what a stop that shut the gate long before changes now."""
    _newest: Future[State] | None = None

    def warm(self) -> None:
        """Start the writer's thread while there is memory for it."""
        self.writer.submit(int).result()

    def shut(self, mode: Mode, errors: list[str]) -> int | None:
        """The first act, alone: nothing is awaited. A gate that cannot be shut costs the engine."""
        number = attempt("shut the gate", lambda: self.gate.shut(BY_NAME[mode]), errors)
        if number is None:
            attempt("kill the engine", self.kill, errors)
        else:
            self._came = max(self._came, number)
        return number

    async def stop(
        self, mode: Mode, reason: str, by: str, number: int | None = None, *, guessed: bool = False
    ) -> Stopped:
        """Valid in every state; repeated, it changes nothing and is acknowledged anew.

        `number` is what `shut` gave if the caller has shut the gate already; with `guessed` reason
        and by give way to what whoever did it has written into the latch.
        """
        loop = asyncio.get_running_loop()
        began, said = loop.time(), Stopped.nothing(mode)
        if not attempt("read the gate", partial(self._stands, number, mode), said.errors):
            number = self.shut(mode, said.errors)
        said.number = number
        said.mode = mode = self._mode(mode, said.errors)  # of two stops at once, the stronger
        at_ns = attempt("read the clock", self.wall, said.errors) or 0
        change = Change(reason, by, at_ns, mode, guessed)
        self._handed = max(self._handed, number or 0)
        self._stops += 1  # from the look at the gate to the writer nothing is waited for
        written = await attempt_async("write the latch", lambda: self._set(change), said.errors)
        said.latched = written is not None
        said.halt = None if written is None else written.number
        if number is not None:
            attempt("wake the engine", partial(self.nudge, number), [])
            until_s = began + self.waits.answer_s
            heard, said.not_acknowledged = await self._acknowledged(number, until_s, said.errors)
            if heard is not None:
                said.seq = heard.seq
                said.variants_stopped = heard.variants_stopped
                said.positions_open = heard.positions_open
        said.took_ms = (loop.time() - began) * 1e3
        return said

    def stands(self) -> bool:
        """Whether anything is halted."""
        return self.gate.wanted != OPEN or self.latch.read().halted

    def other(self, named: int | None) -> tuple[str, int] | None:
        """None if no halt stands but the one that is named; else why not, and which does.

        Where none is named a stop holds that nobody has taken in yet.
        """
        writing = self._newest is not None and not self._newest.done()
        if self.unseen() or (named is not None and (self._came > self._handed or writing)):
            return "a stop has just come: look again which halt stands", 0
        if named is None:
            return None
        found = self.latch.read()
        if found.number == named or not self.stands():
            return None
        why = f"halt {found.number} stands, not {named}: by {found.by}, {found.reason}"
        return why, found.number

    async def resume(self, reason: str, by: str, named: int | None = None) -> Resumed:
        """Open again, unless a stop arrives meanwhile: then that one holds.

        Where a halt is named, by the latch's number, no other is ended.
        """
        loop = asyncio.get_running_loop()
        began, said = loop.time(), Resumed()
        before, other = self._changes(), self.other(named)
        if other is not None:
            said.errors, said.halt = [other[0]], other[1] or None
            return said
        stood = self.latch.read()
        change = Change(reason, by, self.wall(), ends=stood.number if named is None else named)
        why_not = await self._cleared(change, stood)
        # A stop may have shut the gate before this began, and be written behind the clear: it
        # finds its gate standing and moves nothing but the count of those handed over. One that
        # comes after this line finds the gate open and shuts it anew.
        if why_not is None and self._changes() != before:
            why_not = MEANWHILE
            self._halted_again(replace(change, reason=MEANWHILE))
        if why_not is None:
            said.resumed = True
            said.number = number = self.gate.open_again()
            attempt("wake the engine", partial(self.nudge, number), [])
            until_s = loop.time() + self.waits.answer_s
            heard, said.not_acknowledged = await self._acknowledged(number, until_s, said.errors)
            said.seq = heard.seq if heard else None
        else:
            said.errors.append(why_not)
        said.took_ms = (loop.time() - began) * 1e3
        return said

    def _changes(self) -> tuple[int, int]:
        """Another when a stop has come: its first act moves the gate, its second the count."""
        return self.gate.number, self._stops

    async def _cleared(self, change: Change, stood: State) -> str | None:
        """None once the disk says open; else why not, and then the disk is told to say halted."""
        try:
            async with asyncio.timeout(self.waits.latch_s):
                clear = self._later(self._end, change)
                found = await asyncio.shield(asyncio.wrap_future(clear))
        except Unseen:
            return MEANWHILE  # nothing was cleared
        except (OSError, TimeoutError) as error:
            words = (stood.reason, stood.by) if stood.halted else ("a resume failed", change.by)
            self._halted_again(replace(change, reason=words[0], by=words[1]))
            return f"the latch could not be cleared: {error!r}"
        return MEANWHILE if found.halted else None

    def _end(self, change: Change) -> State:
        """In the writer's thread, for a disk may hang; the file first, as it halts by itself."""
        self.remove_halt_file()
        return self.latch.clear(change)

    def _halted_again(self, change: Change) -> None:
        """Behind a clear that may yet happen: as the gate stands, lest a flatten becomes a halt."""
        mode = self._mode("halt", [])
        self._later(self.latch.set, replace(change, mode=mode, guessed=True, ends=None))

    async def _set(self, change: Change) -> State:
        """On disk in time; a disk that hangs costs its wait, not the stop."""
        async with asyncio.timeout(self.waits.latch_s):
            return await asyncio.shield(asyncio.wrap_future(self._later(self.latch.set, change)))

    def _later(self, write: Callable[[Change], State], change: Change) -> Future[State]:
        self._newest = self.writer.submit(write, change)
        return self._newest

    async def _acknowledged(
        self, number: int, until_s: float, errors: list[str]
    ) -> tuple[Heard | None, list[str]]:
        """What the engine said of this change or a later one; and who has said nothing."""
        if not attempt("ask for the engine", self.alive, errors):
            return None, ["engine (not running)"]
        loop = asyncio.get_running_loop()
        while True:
            late = loop.time() >= until_s
            heard = attempt("read the acknowledgement", lambda: self.gate.heard, errors)
            if heard is None:
                return None, ["engine"]
            missing = _missing(heard, number)
            if late or not missing:
                return (None if heard.number < number else heard), missing
            await asyncio.sleep(POLL_S)

    def _stands(self, number: int | None, mode: Mode) -> bool:
        """Nobody has touched the gate since it was shut like this."""
        return self.gate.number == number and self.gate.wanted >= BY_NAME[mode]

    def _mode(self, asked: Mode, errors: list[str]) -> Mode:
        wanted = attempt("read the gate", lambda: self.gate.wanted, errors) or HALT
        strong = max(wanted, BY_NAME[asked])
        return MODES[strong]


def _missing(heard: Heard, number: int) -> list[str]:
    if heard.number < number:
        return ["engine"]
    if heard.slow_waiting:
        return [f"slow lane ({heard.slow_waiting} workers)"]
    return []
