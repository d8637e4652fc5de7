"""The slow lane: bars go in, targets of users' strategies come out; nothing in it can stall us.

One worker process steps all variants of the lane. `offer` only puts a bar into a bounded mailbox.
A variant that errs three times within a minute, or on three bars in a row, is out; one that hangs
or kills the worker is out at once, and a new worker takes the others to where they were.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import structlog
from msgspec import structs

from liveopt.core.events import Bar
from liveopt.slow import words
from liveopt.slow.mind import Sides
from liveopt.slow.process import Process
from liveopt.slow.roll import MINUTE_S, Roll, Seat
from liveopt.slow.words import BadFrame, Doing, Loaded, Why
from liveopt.walk.variant import Variant

log = structlog.get_logger()

LATE_WORDS_S: Final = 1.0
"""How long the words of a dead worker that are still in the link are waited for."""
IDLE_S: Final = 5.0
"""A worker with an order that does nothing for so long is not coming back."""
DEATHS_MAX: Final = 3
"""Ends of the worker within a minute that are nobody's fault, after which the lane gives up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the lane gives its strategies, and how long it waits for them."""

    budget_ms: float = 50.0
    """Time on the processor for one variant and bar."""
    patience: float = 4.0
    """Time on the clock for the same, in budgets, for one may sleep or wait for the disk."""
    grace_s: float = 0.8
    """A variant that so long after this has not let itself be interrupted ends with the worker."""
    load_s: float = 10.0
    start_s: float = 30.0
    memory_bytes: int = 1 << 30
    """What all strategies together may allocate."""
    mailbox_bars: int = 64
    """Bars that wait for the worker; more are not taken."""
    history_bars: int = 2_000
    """Bars of a symbol that a variant is warmed with when it joins, or after a restart."""
    variants_max: int = 256
    events_max: int = 10_000
    """Answers that wait to be read; with more, the worker waits."""
    strikes: int = 3

    @property
    def patience_s(self) -> float:
        """After which a variant is interrupted."""
        return self.patience * self.budget_ms / 1e3

    @property
    def hang_s(self) -> float:
        """After which it is killed."""
        return self.patience_s + self.grace_s


class Answer(msgspec.Struct, frozen=True):
    """What a variant wants after a bar: 1 long, -1 short, 0 flat."""

    variant: str
    bar_at_ns: int
    number: int
    """What `offer` called the bar."""
    target: int
    took_ms: float


class Failed(msgspec.Struct, frozen=True):
    """A variant has not answered; with `stopped` it never will again."""

    variant: str
    why: Why
    text: str
    stopped: bool


class Lagging(msgspec.Struct, frozen=True):
    """The worker is behind by a full mailbox: these bars were never shown to its variants."""

    symbol: str
    bars: int
    from_ns: int
    to_ns: int


Event = Answer | Failed | Lagging


class SlowLane:
    """Runs as long as `run`; `get` brings what happens."""

    def __init__(self, files: Sequence[Path], limits: Limits | None = None) -> None:
        """Strategy files, which are read in the worker alone."""
        self.limits = limits or Limits()
        self.loaded: dict[str, Loaded] = {}
        """The strategies by name: knobs, choices and the file's hash, for the journal."""
        self.refused: dict[str, str] = {}
        """Files that were not taken, and why."""
        self.restarts = 0
        self._files = [path.resolve() for path in files]
        if len({path.stem for path in files}) < len(files):
            raise ValueError("two strategy files of one name; rename one")
        self._roll = Roll(self.limits.variants_max, self.limits.strikes)
        self._symbols: set[str] = set()
        self._past: dict[str, deque[Bar]] = {}
        self._errands: deque[words.Order] = deque()
        self._bars = 0
        self._missed: dict[str, Lagging] = {}
        self._meddler: Seat | None = None
        self._wake = asyncio.Event()
        self._ready = asyncio.Event()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(self.limits.events_max)
        self._worker: Process | None = None
        self._asked: words.Order | None = None
        self._serial = 0
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._deaths: deque[float] = deque(maxlen=DEATHS_MAX)
        self._closing = asyncio.Event()
        self._ended = False

    # What the service asks for; none of these waits.

    def start(self, group: asyncio.TaskGroup) -> None:
        """Run in this group."""
        group.create_task(self.run(), name="slow lane")

    def warm(self, symbol: str, bars: Sequence[Bar]) -> None:
        """Recent signal bars, oldest first; before any variant or bar of this symbol."""
        assert symbol not in self._symbols, "a symbol is warmed before it is used"
        self._symbols.add(symbol)
        recent = tuple(bars)[-self.limits.history_bars :]
        self._errands.append(words.History(symbol, recent))
        self._wake.set()

    def add(self, variant: Variant, sides: Sides) -> None:
        """A variant takes part from the next bar on; if it cannot, `Failed` says so."""
        seat = self._roll.add(variant, sides)
        self._errands.append(words.Join(seat.place, variant, sides, told=True))
        self._wake.set()

    def drop(self, variant: str) -> None:
        """A variant is no longer asked."""
        for seat in self._roll:
            if seat.variant.id == variant:
                self._dismiss(seat)

    def offer(self, symbol: str, bar: Bar, number: int) -> bool:
        """A signal bar has closed. False: the worker is too far behind, the bar is not taken."""
        if self._closing.is_set() or self._ended:
            return False
        if self._bars >= self.limits.mailbox_bars:
            before = self._missed.get(symbol, Lagging(symbol, 0, bar.at_ns, bar.at_ns))
            self._missed[symbol] = Lagging(symbol, before.bars + 1, before.from_ns, bar.at_ns)
            return False
        self._bars += 1
        self._symbols.add(symbol)
        self._errands.append(words.Feed(symbol, bar, number))
        self._wake.set()
        return True

    @property
    def behind(self) -> int:
        """Bars that are not answered yet."""
        return self._bars

    def variants(self) -> list[str]:
        """Who takes part."""
        return [seat.variant.id for seat in self._roll]

    def close(self) -> None:
        """No more; `run` ends when the worker has gone."""
        self._closing.set()

    # What the service waits for.

    async def ready(self) -> None:
        """Waits until every file has been loaded or refused."""
        await self._ready.wait()

    async def get(self) -> list[Event]:
        """All that has happened since the last time; empty only when the lane has ended."""
        if self._ended and self._events.empty():
            return []
        found = [await self._events.get()]
        while not self._events.empty():
            found.append(self._events.get_nowait())
        return [event for event in found if event is not None]

    async def ping(self, timeout_s: float) -> str:
        """Nothing when the worker has answered in time, otherwise who is in the way."""
        worker = self._worker
        if worker is None:
            return "" if self._ended or not self.variants() else "the slow lane is restarting"
        serial, answered = self._expect()
        worker.send(words.Ping(serial))
        try:
            async with asyncio.timeout(timeout_s):
                await answered
        except TimeoutError:
            doing = worker.doing()
            seat = self._roll.at(doing.who) if doing.phase == words.STEPPING else None
            return "the slow lane" if seat is None else f"variant {seat.variant.id}"
        finally:
            self._waiting.pop(serial, None)
        return ""

    # One life of the worker after the other.

    async def run(self) -> None:
        """Until `close`, or until the worker has died too often for no fault of a variant."""
        try:
            while await self._life():
                self.restarts += 1
        finally:
            self._ended = True
            self._ready.set()
            if self._events.empty():
                self._events.put_nowait(None)

    async def _life(self) -> bool:
        """Whether there shall be another one."""
        limits = self.limits
        start = words.Start(
            link_fd=-1,
            board_fd=-1,
            budget_s=limits.budget_ms / 1e3,
            patience_s=limits.patience_s,
            memory_bytes=limits.memory_bytes,
            history_bars=limits.history_bars,
            strikes=limits.strikes,
        )
        try:
            worker = await Process.begin(start)
        except OSError as error:
            return await self._nobodys_fault(f"no worker could be started: {error}")
        try:
            self._worker = worker
            hung = await self._live(worker)
            doing = worker.doing()
        finally:
            self._worker = None
            worker.kill()
            how = await worker.bury()
        if self._closing.is_set():
            return False
        return await self._blame(doing, hung, how)

    async def _live(self, worker: Process) -> bool:
        """To the end of a worker's life, with the last word it said; whether it hung."""
        async with asyncio.TaskGroup() as group:
            prints = group.create_task(worker.drain_prints())
            listens = group.create_task(self._listen(worker))
            watches = group.create_task(self._watch(worker))
            dies = group.create_task(worker.dead())
            talks = group.create_task(self._talk(worker))
            closes = group.create_task(self._closing.wait())
            tasks: list[asyncio.Task[object]] = [listens, watches, dies, talks, closes]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            worker.kill()
            await asyncio.wait([listens, prints], timeout=LATE_WORDS_S)
            for task in (*tasks, prints):
                task.cancel()
        return watches in done

    async def _blame(self, doing: Doing, hung: bool, how: str) -> bool:
        meddler, self._meddler = self._meddler, None
        if meddler is not None:
            text = "it wrote into the worker's link, where only the worker writes"
            await self._fail(meddler, "died", text, stopped=True)
            return True
        if doing.phase == words.STEPPING and (seat := self._roll.at(doing.who)) is not None:
            if hung:
                text = f"it could not be interrupted for {self.limits.hang_s:g} s"
                await self._fail(seat, "too_slow", text, stopped=True)
            else:
                await self._fail(seat, "died", f"it ended the worker: {how}", stopped=True)
            return True
        if doing.phase == words.LOADING:
            late = f"it did not load within {self.limits.load_s:g} s"
            self._refuse(doing.who, late if hung else f"it ended with {how}")
            return True
        return await self._nobodys_fault(how)

    async def _nobodys_fault(self, how: str) -> bool:
        log.warning("slow lane: worker ended", how=how)
        now = asyncio.get_running_loop().time()
        self._deaths.append(now)
        if len(self._deaths) < DEATHS_MAX or now - self._deaths[0] > MINUTE_S:
            return True
        for seat in self._roll:
            await self._fail(seat, "died", f"the slow lane has given up: {how}", stopped=True)
        return False

    # The parts of a life.

    async def _talk(self, worker: Process) -> None:
        """Bring a new worker to where the last one was, then what has come since, in its order."""
        await self._restore(worker)
        while True:
            while not self._errands:
                self._wake.clear()
                await self._wake.wait()
            await self._tell_missed()
            order = self._errands[0]
            if not isinstance(order, words.Join) or self._roll.at(order.place) is not None:
                await self._ask(worker, order)
            self._errands.popleft()
            self._done(order)

    async def _restore(self, worker: Process) -> None:
        for number, path in enumerate(self._files):
            if path.name not in self.refused:
                known = self.loaded.get(path.stem)
                await self._ask(
                    worker, words.Load(number, str(path), known.sha256 if known else "")
                )
        self._ready.set()
        for symbol, bars in self._past.items():
            await self._ask(worker, words.History(symbol, tuple(bars)))
        for seat in self._roll:
            if seat.joined:
                order = words.Join(seat.place, seat.variant, seat.sides, told=False)
                await self._ask(worker, order)

    async def _ask(self, worker: Process, order: words.Order) -> None:
        """One order, to its end; the watch sees to it that there is one."""
        serial, done = self._expect()
        self._asked = order
        try:
            worker.send(structs.replace(order, serial=serial))
            await done
        finally:
            self._asked = None
            self._waiting.pop(serial, None)

    def _expect(self) -> tuple[int, asyncio.Future[None]]:
        self._serial += 1
        found = self._waiting[self._serial] = asyncio.get_running_loop().create_future()
        return self._serial, found

    def _done(self, order: words.Order) -> None:
        match order:
            case words.Feed():
                self._bars -= 1
                self._roll.next_bar()
                self._kept(order.symbol).append(order.bar)
            case words.History():
                self._kept(order.symbol).extend(order.bars)
            case words.Join() if (seat := self._roll.at(order.place)) is not None:
                seat.joined = True
            case words.Leave():
                self._roll.forget(order.place)
            case _:
                pass

    def _kept(self, symbol: str) -> deque[Bar]:
        return self._past.setdefault(symbol, deque(maxlen=self.limits.history_bars))

    async def _tell_missed(self) -> None:
        while self._missed:
            _, lagging = self._missed.popitem()
            await self._events.put(lagging)

    async def _listen(self, worker: Process) -> None:
        try:
            async for word in worker.words():
                await self._hear(word)
        except BadFrame as error:
            self._meddler = self._roll.being_asked(self._asked)
            if self._meddler is None:
                log.warning("slow lane: the worker talks nonsense", what=str(error))

    async def _hear(self, word: words.Word) -> None:
        match word:
            case words.Said():
                await self._answered(word)
            case words.Fault():
                await self._faulted(word)
            case words.Loaded():
                self.loaded[word.name] = word
            case words.Unloadable():
                self._refuse(word.number, word.why)
            case words.Done() | words.Pong():
                waiting = self._waiting.get(word.serial)
                if waiting is not None and not waiting.done():
                    waiting.set_result(None)

    async def _answered(self, said: words.Said) -> None:
        asked = self._asked
        if not isinstance(asked, words.Feed):
            return
        if (seat := self._roll.news(said.place, asked)) is not None:
            seat.row = 0
            bar = asked.bar.at_ns
            name = seat.variant.id
            await self._events.put(Answer(name, bar, asked.number, said.target, said.took_ms))

    async def _faulted(self, fault: words.Fault) -> None:
        if (seat := self._roll.news(fault.place, self._asked)) is None:
            return
        out = self._roll.strike(seat, asyncio.get_running_loop().time()) or fault.why == "refused"
        await self._fail(seat, fault.why, fault.text, stopped=out)

    async def _fail(self, seat: Seat, why: Why, text: str, *, stopped: bool) -> None:
        """An event, and no line in the log: who reads it says so, once."""
        if stopped:
            self._dismiss(seat)
        await self._events.put(Failed(seat.variant.id, why, text, stopped))

    def _refuse(self, number: int, why: str) -> None:
        """At the start whoever waits for `ready` says it; a file that is changed later, the log."""
        name = self._files[number].name
        self.refused[name] = why
        if self._ready.is_set():
            log.warning("slow lane: strategy refused", file=name, why=why)

    def _dismiss(self, seat: Seat) -> None:
        """It is not asked again; the worker hears of it before the next bar."""
        seat.stopped = True
        self._errands.insert(1, words.Leave(seat.place))
        self._wake.set()

    async def _watch(self, worker: Process) -> None:
        """Ends when the worker hangs."""
        loop = asyncio.get_running_loop()
        last, since = (worker.doing(), self._serial), loop.time()
        while True:
            await asyncio.sleep(0.1 * self.limits.hang_s)
            now = worker.doing(), self._serial
            if now != last:
                last, since = now, loop.time()
            elif loop.time() - since > self._longest(now[0].phase):
                return

    def _longest(self, phase: int) -> float:
        """Seconds that the worker may stay with one thing."""
        limits = self.limits
        if phase == words.IDLE:
            ours = self._asked is None or self._events.full()
            return float("inf") if ours else IDLE_S
        times = {words.STARTING: limits.start_s, words.LOADING: limits.load_s}
        return times.get(phase, limits.hang_s)
