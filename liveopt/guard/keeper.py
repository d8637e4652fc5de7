"""Keeps the engine running: starts it, kills it when it hangs, starts it again, or gives up."""

import asyncio
import json
import random
import signal
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog

from liveopt.guard.gate import Gate
from liveopt.guard.link import VARIABLE, GuardEnd, LinkDown, pair
from liveopt.guard.process import bury, start, tell
from liveopt.guard.spec import GAVE_UP, Spec
from liveopt.guard.web import WebKeeper

log = structlog.get_logger()

STACK_S: Final = 1.0
"""For a hanging engine to write where it hangs."""
NOT_STARTED: Final = 71
"""What counts as the exit code of a process that could not be started."""
ORDERLY: Final = frozenset({0, 128 + signal.SIGTERM, -signal.SIGTERM, -signal.SIGKILL, NOT_STARTED})
"""How an engine ends that was asked to, or did not listen."""


class Keeper:
    """One engine at a time; beside it the simulated exchange and the web process, if wanted."""

    def __init__(self, spec: Spec, gate: Gate, lock_fd: int, halt: Callable[[str], None]) -> None:
        self._spec, self._gate, self._lock_fd, self._halt = spec, gate, lock_fd, halt
        self._rng = random.Random(spec.seed)  # noqa: S311  jitter, no secret
        self._ending = asyncio.Event()
        self._asked_code = 0
        self._engine: Process | None = None
        self._sim: Process | None = None
        self._said: dict[str, Any] = {}
        self._beats = 0
        self._beat_at_s = 0.0
        self.link: GuardEnd | None = None
        self.web = WebKeeper(spec)
        self.starts = 0
        self.last_exit: int | None = None
        self.gave_up = ""
        """Why, for whoever reads the end of it."""

    # What others ask

    @property
    def pid(self) -> int | None:
        """The engine's; None while none runs."""
        running = self._engine is not None and self._engine.returncode is None
        return self._engine.pid if self._engine is not None and running else None

    @property
    def beat_age_s(self) -> float | None:
        """How long ago the engine was seen alive; None until its first heartbeat."""
        if self.pid is None or not self._beats:
            return None
        return asyncio.get_running_loop().time() - self._beat_at_s

    def alive(self) -> bool:
        """Whether an engine runs."""
        return self.pid is not None

    def nudge(self, number: int) -> None:
        """Wake the engine: the gate has moved."""
        if self.link is None:
            raise LinkDown("no engine runs")
        self.link.nudge(number)

    def kill(self) -> None:
        """End the engine at once."""
        tell(self._engine, signal.SIGKILL)

    def end(self, code: int = 0) -> None:
        """Politely, and with that code if it goes in order; the second time at once."""
        if self._ending.is_set():
            self.kill()
        else:
            self._asked_code = code
            self._ending.set()
            self.web.end()

    # Its life

    async def run(self) -> int:
        """Until the service is over: the code that the guard ends with."""
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(self._ending.wait(), name="ending")
            group.create_task(self.web.run(), name="web")
            try:
                return await self._lives(group, ending)
            finally:
                ending.cancel()
                self.web.end()
                for process in (self._engine, self._sim):
                    await bury(process)

    async def _lives(self, group: asyncio.TaskGroup, ending: "asyncio.Task[Any]") -> int:
        loop, limits = asyncio.get_running_loop(), self._spec.limits
        deaths: deque[float] = deque(maxlen=limits.restarts + 1)
        while True:
            try:
                code = await self._life(group, ending)
            except OSError as error:  # no descriptors, no memory, no such program
                log.warning("a process could not be started", error=str(error))
                code = NOT_STARTED
            self.last_exit = code
            if ending.done():
                return self._asked_code if code in ORDERLY else _shell_code(code)
            if code in self._spec.final:
                return code
            deaths.append(loop.time())
            if len(deaths) > limits.restarts and deaths[-1] - deaths[0] <= limits.restarts_in_s:
                log.error("the engine died too often", code=code, deaths=len(deaths))
                self.gave_up = self._farewell(code, len(deaths))
                return GAVE_UP
            pause_s = min(limits.backoff_s_max, limits.backoff_s * 2 ** (len(deaths) - 1))
            log.warning("the engine died and is started again", code=code, deaths=len(deaths))
            await asyncio.wait([ending], timeout=pause_s * self._rng.uniform(0.5, 1.0))

    def _farewell(self, code: int, deaths: int) -> str:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return (
            f"gave up: the engine ended {deaths} times within"
            f" {self._spec.limits.restarts_in_s:g} s, at last with {how}. Why is in the log"
            f" above (stderr); the journals are in {self._spec.folder.resolve()}."
            " `liveopt doctor` says what is in the way; the same command goes on where the run was."
        )

    async def _life(self, group: asyncio.TaskGroup, ending: "asyncio.Task[Any]") -> int:
        """One engine from its start to its end: its exit code, negative for a signal."""
        code = await self._simulator(group, ending)
        if code is not None:
            return code
        engine, link = await self._start()
        tasks = [
            group.create_task(engine.wait(), name="engine"),
            group.create_task(link.run(), name="link"),
            group.create_task(self._watch(), name="watch"),
        ]
        if self._sim is not None:
            tasks.append(group.create_task(self._sim.wait(), name="sim"))
        ended, linked = tasks[:2]
        try:
            await asyncio.wait([*tasks, ending], return_when=asyncio.FIRST_COMPLETED)
            if not ended.done() and (ending.done() or linked.done()):
                await self._ask_to_end(engine, ended)
            self.kill()
            await ended
        finally:
            link.close()
            self.link = None
            for task in tasks:
                task.cancel()
        assert engine.returncode is not None
        return engine.returncode

    async def _start(self) -> tuple[Process, GuardEnd]:
        ours, theirs = pair()
        self._gate.forget_engine()
        self._beats, self._beat_at_s = 0, asyncio.get_running_loop().time()
        try:
            self._engine = await start(
                filled(self._spec.engine, self._said),
                pass_fds=(theirs.fileno(), self._lock_fd),
                env={VARIABLE: str(theirs.fileno()), "PYTHONFAULTHANDLER": "1"},
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.starts += 1
        self.link = GuardEnd(ours, self._halt)
        return self._engine, self.link

    async def _ask_to_end(self, engine: Process, ended: "asyncio.Task[Any]") -> None:
        tell(engine, signal.SIGTERM)
        await asyncio.wait([ended], timeout=self._spec.limits.polite_s)

    async def _watch(self) -> None:
        """Returns when the engine hangs, after it had a chance to write where."""
        loop, limits = asyncio.get_running_loop(), self._spec.limits
        while True:
            await asyncio.sleep(limits.poll_s)
            if self._gate.beats != self._beats:
                self._beats, self._beat_at_s = self._gate.beats, loop.time()
            silent_s = loop.time() - self._beat_at_s
            if silent_s > (limits.heartbeat_s if self._beats else limits.starting_s):
                break
        log.error("the engine hangs and is killed", silent_s=round(silent_s, 1))
        tell(self._engine, signal.SIGABRT)
        await asyncio.sleep(STACK_S)

    async def _simulator(self, group: asyncio.TaskGroup, ending: "asyncio.Task[Any]") -> int | None:
        """None once it listens, or if there is none to start; its exit code if it does not."""
        if self._spec.sim is None or (self._sim is not None and self._sim.returncode is None):
            return None
        self._sim = sim = await start(self._spec.sim, stdout=PIPE)
        assert sim.stdout is not None
        first = group.create_task(sim.stdout.readline(), name="sim's first line")
        waits = [first, ending]
        await asyncio.wait(
            waits, timeout=self._spec.limits.starting_s, return_when=asyncio.FIRST_COMPLETED
        )
        said = _facts(first.result()) if first.done() else None
        if said is not None:
            self._said = said
            group.create_task(_drain(sim.stdout), name="sim's other lines")
            return None
        first.cancel()
        tell(sim, signal.SIGKILL)
        return await sim.wait()


def filled(words: Sequence[str], said: Mapping[str, Any]) -> list[str]:
    """The command line with `{name}` replaced by what the simulator said it is."""
    out = list(words)
    for name, value in said.items():
        if isinstance(value, str):
            out = [word.replace(f"{{{name}}}", value) for word in out]
    return out


def _facts(line: bytes) -> dict[str, Any] | None:
    """What the simulator said of itself; None if that is no JSON object."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _shell_code(code: int) -> int:
    """As a shell says it: a signal is 128 and its number."""
    return code if code >= 0 else 128 - code


async def _drain(stream: asyncio.StreamReader) -> None:
    """A pipe that nobody reads would stop the writer."""
    while await stream.read(65_536):
        pass
