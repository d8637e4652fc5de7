"""The guard as a whole: lock, latch, gate, door, then the processes it keeps."""

import asyncio
import os
import secrets
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from liveopt.guard.clock import WALL, Wall
from liveopt.guard.control import NAME as CONTROL
from liveopt.guard.control import Control
from liveopt.guard.door import Check, Door
from liveopt.guard.gate import (
    BY_NAME,
    DISK_FULL,
    JOURNAL_BROKEN,
    MODES,
    OPEN,
    UNSAID,
    Gate,
    Mode,
)
from liveopt.guard.gate import NAME as GATE
from liveopt.guard.halt import Halt, Stopped, Unseen, Waits
from liveopt.guard.keeper import Keeper
from liveopt.guard.latch import HALT_FILE, Change, Latch
from liveopt.guard.latch import NAME as LATCH
from liveopt.guard.link import FromEngine, LinkDown
from liveopt.guard.lock import Lock
from liveopt.guard.resumes import NAME as RESUMES
from liveopt.guard.resumes import Resumes
from liveopt.guard.spec import INTERRUPTED, Spec

log = structlog.get_logger()

OUTSIDE: Final = {
    UNSAID: ("caller", "the gate was shut from outside"),
    DISK_FULL: ("journal", "the disk is full: nothing more can be journalled"),
    JOURNAL_BROKEN: ("journal", "the journals can no longer be written; the log says why"),
}
"""Who shut the gate beside this process, and what that means."""
ASIDE: Final = f"{HALT_FILE}.ending"
"""Where a HALT file is while a resume looks whether it is the one that it ends."""
STATUS_AGE_S_MAX: Final = 2.0
"""An engine whose last word is older does not let anybody resume."""


class Guard:
    """Runs one service in one state folder, whose lock it is given."""

    def __init__(self, spec: Spec, lock: Lock, wall: Wall = WALL) -> None:
        self._spec, self._wall, self._folder = spec, wall, spec.folder
        limits = spec.limits
        self.latch = Latch(self._folder / LATCH)
        self.latch.open()
        with suppress(FileNotFoundError):  # of a guard that was killed amid a resume
            (self._folder / ASIDE).rename(self._folder / HALT_FILE)
        self._file = self._halt_file()
        """The HALT file and the stop from outside that were taken in last."""
        self.gate = Gate.create(self._folder / GATE, self._mode_at_start())
        self._outside = self.gate.outside
        self.keeper = Keeper(spec, self.gate, lock.fd, partial(self._halt_soon, by="engine"))
        self.halt = Halt(
            gate=self.gate,
            latch=self.latch,
            wall=wall,
            nudge=self.keeper.nudge,
            alive=self.keeper.alive,
            kill=self.keeper.kill,
            remove_halt_file=self._remove_halt_file,
            unseen=self._unseen,
            waits=Waits(limits.latch_s, limits.answer_s),
        )
        self.door = Door(
            halt=self.halt,
            checks=self.checks,
            status=self.status,
            ask=self._ask,
            token=secrets.token_urlsafe(32),
            resumes=Resumes(self._folder / RESUMES),
            port=spec.port,
            port_fallback=spec.port_fallback,
        )
        self._stops: asyncio.Queue[Callable[[], Awaitable[Stopped]]] = asyncio.Queue(1)

    def _mode_at_start(self) -> int:
        """As the disk says; a HALT file that was put there while nothing ran is latched now."""
        found = self.latch.read()
        if not found.halted:
            return OPEN
        if not self.latch.read(with_file=False).halted:
            self.latch.set(Change(found.reason, found.by, self._wall(), found.mode))
        log.warning("halted: no entries until `liveopt resume`", reason=found.reason, by=found.by)
        return BY_NAME[found.mode]

    async def run(self) -> int:
        """Until the service is over; the exit code."""
        self.halt.warm()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self._signalled)
        for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, INTERRUPTED)):
            loop.add_signal_handler(number, self.keeper.end, code)
        port = await self.door.open()
        control = self._folder / CONTROL
        Control(port, self.door.token, os.getpid()).write(control)
        log.info("the guard listens", port=port, state=str(self._folder))
        try:
            async with asyncio.TaskGroup() as group:
                helpers = [
                    group.create_task(self._poll(), name="poll"),
                    group.create_task(self._stop_one_by_one(), name="stops"),
                ]
                code = await self.keeper.run()
                for helper in helpers:
                    helper.cancel()
        finally:
            control.unlink(missing_ok=True)
            await self.door.close()
        return code

    # Doors other than HTTP

    def _halt_soon(
        self, reason: str, by: str, mode: Mode = "halt", *, guessed: bool = False
    ) -> None:
        """Shut now; latched as soon as the loop turns."""
        number = self.halt.shut(mode, [])
        stop = partial(self.halt.stop, mode, reason, by, number, guessed=guessed)
        with suppress(asyncio.QueueFull):  # one waits already, and says the same
            self._stops.put_nowait(stop)

    def _signalled(self) -> None:
        """A person, or a caller that has shut the gate and perhaps written why."""
        if not self._look():
            self._halt_soon("signal SIGUSR1", "signal", guessed=True)

    async def _stop_one_by_one(self) -> None:
        while True:
            stop = await self._stops.get()
            said = await stop()
            log.warning("halted", **msgspec.to_builtins(said))

    async def _poll(self) -> None:
        while True:
            self._look()  # first: who came while this began is heard before the engine starts
            await asyncio.sleep(self._spec.limits.poll_s)

    def _look(self) -> bool:
        """The HALT file, and a gate that an engine in trouble or a caller has shut.

        In a halt they are taken in as well: whoever resumes the halt before must not end them.
        """
        outside, file = self.gate.outside, self._halt_file()
        if self._shut_beside(outside) or self.gate.wanted > self.gate.own:
            self._outside, self._file = outside, file
            by, reason = OUTSIDE.get(self.gate.why, OUTSIDE[UNSAID])
            self._halt_soon(reason, by, MODES[self.gate.wanted], guessed=by == "caller")
        elif file is not None and (file != self._file or self.gate.own == OPEN):
            self._file = file
            reason = f"a file {HALT_FILE} is in {self._folder}"
            self._halt_soon(reason, HALT_FILE, guessed=True)
        else:
            return False
        return True

    def _unseen(self) -> bool:
        """Whether there is a stop that `_look` would take in."""
        file = self._halt_file()
        return self._shut_beside(self.gate.outside) or (file is not None and file != self._file)

    def _shut_beside(self, outside: tuple[int, int]) -> bool:
        return outside[1] != OPEN and outside != self._outside

    def _halt_file(self) -> tuple[int, int] | None:
        """Which one is there: another, or one that was touched again, is another stop."""
        try:
            return _which(self._folder / HALT_FILE)
        except OSError:
            return None

    def _remove_halt_file(self) -> None:
        """Only the one that was taken in: one that came since the resume looked is put back.

        Renamed first, so that what is looked at is what goes, and a file that is put meanwhile
        stays. `_file` may change in the other thread, but never without a stop, which ends the
        resume. Killed amid this, the latch is not cleared yet, and the next start puts it back.
        """
        file, aside = self._folder / HALT_FILE, self._folder / ASIDE
        try:
            file.rename(aside)
        except FileNotFoundError:
            return
        try:
            is_seen = _which(aside) == self._file
            if is_seen:
                aside.unlink()
        except OSError:
            aside.rename(file)
            raise
        if not is_seen:
            aside.rename(file)  # over one that came meanwhile: nobody has seen either
            raise Unseen

    # What the door tells

    async def _ask(self, command: Any) -> FromEngine:
        if self.keeper.link is None:
            raise LinkDown("no engine runs")
        return await self.keeper.link.ask(command, self._spec.limits.command_s)

    def _said(self) -> tuple[dict[str, Any], float | None]:
        """The engine's last status and its age in seconds."""
        link = self.keeper.link
        if link is None or link.status_at_s is None:
            return {}, None
        return link.status, asyncio.get_running_loop().time() - link.status_at_s

    def checks(self) -> list[Check]:
        """What must be right before entries are let through again."""
        beat_s, (status, age_s) = self.keeper.beat_age_s, self._said()
        alive = self.keeper.alive()
        fresh = beat_s is not None and beat_s <= self._spec.limits.heartbeat_s
        told = age_s is not None and age_s <= STATUS_AGE_S_MAX
        return [
            Check("engine alive", alive, f"it has {'a' if alive else 'no'} process"),
            Check("heartbeat fresh", fresh, f"last {_ago(beat_s)}"),
            Check("status fresh", told, f"last {_ago(age_s)}"),
            Check("journal ok", status.get("journal_ok") is True, "the engine's `journal_ok`"),
        ]

    def status(self) -> dict[str, Any]:
        """The guard's own facts, and the engine's last words with their age: it may hang."""
        latch, heard = self.latch.read(), self.gate.heard
        status, age_s = self._said()
        return {
            "pid": os.getpid(),
            "port": self.door.port,
            "halted": self.gate.wanted != OPEN,
            "mode": MODES.get(self.gate.wanted),
            "number": self.gate.number,
            "latch": msgspec.to_builtins(latch),
            "engine": {
                "pid": self.keeper.pid,
                "starts": self.keeper.starts,
                "last_exit": self.keeper.last_exit,
                "beat_age_ms": _ms(self.keeper.beat_age_s),
                "acknowledged": heard.number,
                "seq": heard.seq,
                "variants_stopped": heard.variants_stopped,
                "positions_open": heard.positions_open,
            },
            "web": self.keeper.web.status(),
            "checks": [msgspec.to_builtins(check) for check in self.checks()],
            "status": status,
            "status_age_ms": _ms(age_s),
        }


def _which(file: Path) -> tuple[int, int]:
    found = os.lstat(file)
    return found.st_ino, found.st_mtime_ns


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 1)


def _ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s ago"
