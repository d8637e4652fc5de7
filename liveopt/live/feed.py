"""The live feed: connections kept alive and renewed, holes filled, one mailbox of events."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import structlog
from msgspec import structs

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import FeedEvent, FeedState, Hole, Refused, Tick
from liveopt.kucoin.budget import connects
from liveopt.kucoin.intake import Channel, Intake, Levels, Tape, Tops
from liveopt.kucoin.rest import Denied, Rest
from liveopt.kucoin.session import Denied as DeniedTopic
from liveopt.kucoin.topics import TOPICS_PER_LINE, Topic
from liveopt.kucoin.wire import Frame
from liveopt.live import backfill, probe
from liveopt.live.audit import Audit
from liveopt.live.clock import Clock
from liveopt.live.keeper import Keeper, Wiring
from liveopt.live.line import Line
from liveopt.live.mailbox import EVENTS_MAX, Mailbox
from liveopt.live.record import Recorder, RecordingStopped

log = structlog.get_logger()

BEAT_S: Final = 0.1
SAY_NS: Final = SECOND_NS
"""Refused frames are told together, so often."""
AUDIT_S: Final = 5.0
PROBES_MAX: Final = 16
BAD_TIMES: Final = 3
"""A connection is not replaced for bad frames more often than every 8 s."""
JUMP_NS: Final = SECOND_NS
SAMPLE: Final = 200
"""Characters of a refused frame that the log shows."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the feed behaves; the settings say the same in an operator's units."""

    settle_ns: int = 1_000_000
    """How long a tick waits for one that should come before it."""
    band: float = 0.2
    rotate_s: tuple[float, float] = (22.5 * 3600, 23.5 * 3600)
    audit: bool = True
    events_max: int = EVENTS_MAX
    known: tuple[Tick, ...] = ()
    """The last tick of each symbol that an earlier feed handed on: this one goes on after it."""


@dataclass(frozen=True, slots=True)
class Wires:
    """What the feed needs of the world: the exchange's REST twice, a clock, luck."""

    rest: Rest
    """For what the feed waits for: tokens, histories, books, probes."""
    background: Rest
    """For what can wait: comparisons."""
    clock: Clock
    rng: np.random.Generator


@dataclass(slots=True)
class Counts:
    """What happened since the start."""

    frames: int = 0
    ticks: int = 0
    bad: int = 0
    unknown: int = 0
    holes: int = 0
    reconnects: int = 0


class Feed:
    """Subscribes to topics and hands on what the market does; outages are its own business.

    `run` lives as long as the feed; `mailbox.get` brings its events. A fault of ours, as opposed to
    an outage, ends `run` with its exception.
    """

    def __init__(
        self,
        topics: Sequence[Topic],
        wires: Wires,
        options: Options,
        recorder: Recorder | None = None,
    ) -> None:
        self.rest = wires.rest
        self.clock = wires.clock
        self._rests = (wires.rest, wires.background)
        self.mailbox = Mailbox(options.events_max)
        topics = list(dict.fromkeys(topics))
        now_ns = wires.clock.now_ns()
        self.intake = Intake(topics, options.settle_ns, options.band, now_ns)
        self.counts = Counts()
        last = {tick.symbol: tick for tick in options.known}
        for tape in self.intake.tapes():
            if (tick := last.get(tape.topic.symbol)) is not None:
                tape.sequencer.resume(tick)
        tapes = [tape.topic.symbol for tape in self.intake.tapes()]
        self.audit = Audit(wires.background, tapes if options.audit else ())
        self._options = options
        self._recorder = recorder
        self._group = asyncio.TaskGroup()
        wiring = Wiring(
            self, self.rest.bullet, connects(), self.clock, self._group, wires.rng, options.rotate_s
        )
        self.keepers = [Keeper(part, wiring) for part in _parts(topics)]
        self._keeper_of = {name: keeper for keeper in self.keepers for name in keeper.topics}
        self._ahead_ns = wires.clock.wall() - now_ns
        self._flush_due: asyncio.TimerHandle | None = None
        self._busy: set[str] = set()
        self._probing: set[str] = set()
        self._unread_ns = -SECOND_NS
        self._strange: set[str] = set()
        self._refused: Refused | None = None  # since it was last told

    async def run(self) -> None:
        """Feeds until it is cancelled."""
        try:
            await self._run()
        finally:
            if self._flush_due is not None:
                self._flush_due.cancel()
            self.mailbox.close()

    async def _run(self) -> None:
        async with self._group as group:
            for number, keeper in enumerate(self.keepers):
                group.create_task(keeper.run(), name=f"keeper {number}")
            group.create_task(self._beat(), name="beat")
            if self._options.audit:
                group.create_task(self._audit(), name="audit")

    def whole(self, symbol: str) -> bool:
        """Nothing of its trades is missing or held back: the clock may close its bars."""
        return not self.mailbox.unread and all(
            self._keeper_of[name].ready.is_set() and not channel.sequencer.withheld
            for name, channel in self.intake.channels.items()
            if isinstance(channel, Tape) and channel.topic.symbol == symbol
        )

    # What the lines bring.

    def raw(self, frame: str | bytes, now_ns: int) -> None:
        """Every frame as it came."""
        if self._recorder is not None:
            try:
                self._recorder.add(frame, self.clock.wall(), now_ns)
            except RecordingStopped as stopped:
                self._recorder = None
                log.warning("recording stopped, the feed goes on", why=str(stopped))
                self.mailbox.put([Refused(now_ns, "recording", str(stopped))])

    def pushed(self, line: Line, frame: Frame, now_ns: int) -> None:
        """A push; raises `BadFrame` if it is of no use."""
        self.counts.frames += 1
        if line.replacing:
            self._fence(frame.topic)
        if self.intake.take(frame, now_ns):
            line.quality.good()
            if self._flush_due is None:
                self._flush_soon()
        else:
            self.counts.unknown += 1

    def _fence(self, topic: str) -> None:
        """The new line of two: its ticks wait until the old one has brought all of its own."""
        channel = self.intake.channels.get(topic)
        if isinstance(channel, Tape):
            channel.sequencer.fenced = True

    def refused(self, line: Line, raw: str | bytes, topic: str, why: str, now_ns: int) -> None:
        """A frame that could not be used; one whose topic cannot be read may have been any tick."""
        self.counts.bad += 1
        for name in [topic] if topic else line.topics:
            channel = self.intake.channels.get(name)
            if isinstance(channel, Tape):
                channel.refuse(now_ns)
                self.intake.touch(channel)
        keeper = next((k for k in self.keepers if k.line is line), None)
        if line.quality.refuse(now_ns) and keeper is not None:
            self._recycle(keeper, "too many bad frames", BAD_TIMES)
        if self._refused is None:
            text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
            self._refused = Refused(now_ns, "", why, 0, text[:SAMPLE])
        self._refused = structs.replace(self._refused, count=self._refused.count + 1)
        self._flush_soon()

    @property
    def full(self) -> bool:
        """Whoever reads the events is far behind."""
        return self.mailbox.full

    async def room(self) -> None:
        """Waits for the reader."""
        await self.mailbox.room()

    # What the keepers say.

    def lost(self, keeper: Keeper, why: str) -> None:
        """A connection has ended: what comes next has to be fitted to what was."""
        log.warning("connection lost", why=why)
        self._broken(keeper, why)

    def _broken(self, keeper: Keeper, why: str) -> None:
        self._hold(keeper)
        now_ns = self.clock.now_ns()
        states: list[FeedEvent] = []
        for name in keeper.topics:
            silence = self.intake.channels[name].silence
            if silence.state != "reconnecting":
                silence.state = "reconnecting"
                age_ns = silence.age_ns(now_ns)
                states.append(FeedState(now_ns, name, "reconnecting", age_ns, why))
        self.mailbox.put(states)

    def joined(self, keeper: Keeper) -> None:
        """A connection stands."""
        self.unfenced(keeper)
        now_ns = self.clock.now_ns()
        self.counts.reconnects = sum(k.connections - 1 for k in self.keepers if k.connections)
        for name in keeper.topics:
            channel = self.intake.channels[name]
            channel.silence.restart(now_ns)
            if isinstance(channel, Tops):
                channel.known = None
            if isinstance(channel, Tape | Levels) and channel.wants:
                self._want(name)

    def unfenced(self, keeper: Keeper) -> None:
        """There is one connection again: nobody is waited for."""
        for name in keeper.topics:
            channel = self.intake.channels[name]
            if isinstance(channel, Tape):
                channel.sequencer.fenced = False
                self.intake.touch(channel)
        self._flush_soon()

    def denied(self, keeper: Keeper, denied: list[DeniedTopic]) -> None:
        """Topics that the exchange would not give."""
        now_ns = self.clock.now_ns()
        for topic, why in ((d.topic, d.why) for d in denied):
            channel = self.intake.channels.get(topic)
            if channel is None or channel.silence.since_ns > keeper.opening_ns:
                continue  # it brings data, whatever became of the ack
            log.error("topic refused", topic=topic, why=why)
            self.mailbox.put([Refused(now_ns, topic, why)])
            if not why.startswith(("500", "509", "no ack")):
                self._drop(topic)

    # Handing on.

    def _flush_soon(self) -> None:
        if self._flush_due is None:
            loop = asyncio.get_running_loop()
            wait_s = self._options.settle_ns / SECOND_NS
            self._flush_due = loop.call_later(wait_s, self._flush)

    def _flush(self) -> None:
        self._flush_due = None
        self._emit(self.intake.flush(self.clock.now_ns()))
        for name in list(self.intake.wanting):
            self._want(name)
        self.intake.wanting.clear()
        if self.intake.waiting:
            self._flush_soon()

    def _emit(self, events: Iterable[FeedEvent]) -> None:
        events = list(events)
        for event in events:
            if isinstance(event, Tick):
                self.counts.ticks += 1
                if self._options.audit:
                    self.audit.tick(event)
            elif isinstance(event, Hole):
                self.counts.holes += 1
                if self._options.audit:
                    self.audit.hole(event)
                log.warning("ticks lost", symbol=event.symbol, why=event.why)
        self.mailbox.put(events)

    # Mending.

    def _hold(self, keeper: Keeper) -> None:
        for name in keeper.topics:
            match self.intake.channels[name]:
                case Tape(sequencer=order):
                    order.hold()
                case Levels(depth=depth):
                    depth.drop()
                case _:
                    pass

    def _want(self, name: str) -> None:
        if name not in self._busy:
            self._busy.add(name)
            self._group.create_task(self._mend(name), name=f"mend {name}")

    async def _mend(self, name: str) -> None:
        channel = self.intake.channels.get(name)
        await self._keeper_of[name].ready.wait()
        try:
            if isinstance(channel, Tape):
                await backfill.join(channel, self.rest, self.clock, self._emit)
            elif isinstance(channel, Levels):
                await backfill.start_book(channel, self.rest)
        finally:
            self._busy.discard(name)
        if channel is not None:
            self.intake.touch(channel)
            self._flush_soon()

    # Watching.

    async def _beat(self) -> None:
        said_ns = self.clock.now_ns()
        while True:
            await asyncio.sleep(BEAT_S)
            now_ns = self.clock.now_ns()
            self._look_around(now_ns)
            if now_ns >= said_ns + SAY_NS:
                said_ns = now_ns
                self._say_refused()
                self._tend(now_ns)
                self._watch_clock(now_ns)

    def _look_around(self, now_ns: int) -> None:
        """Who has been silent for too long, or has something to be looked into."""
        if self.mailbox.full:
            self._unread_ns = now_ns  # then we are the silence
        heard = now_ns > self._unread_ns + SECOND_NS
        # The longest overdue first: the budget may not allow for all.
        overdue = sorted(self.intake.channels.items(), key=lambda item: item[1].silence.probe_ns)
        for name, channel in overdue:
            if heard and now_ns >= channel.silence.probe_ns and self._may_probe(name):
                self._probing.add(name)
                self._group.create_task(self._probe(name, channel), name=f"probe {name}")
            elif heard and name in self._busy and now_ns >= channel.silence.probe_ns:
                self._silent_while_held(channel)
            if isinstance(channel, Tape) and channel.owed:
                channel.insist(now_ns)
                self.intake.touch(channel)
                self._flush_soon()
        for keeper in self.keepers:
            if keeper.line is not None:
                keeper.line.quality.roll(now_ns)

    def _silent_while_held(self, channel: Channel) -> None:
        """The stream fell silent before its last cut was mended: what comes after is another."""
        if isinstance(channel, Tape):
            channel.sequencer.hold()

    def _watch_clock(self, now_ns: int) -> None:
        """The machine's clock is used for stamps only, but whoever reads them should know."""
        ahead_ns = self.clock.wall() - now_ns
        jumped_ns = ahead_ns - self._ahead_ns
        if abs(jumped_ns) > JUMP_NS:
            log.warning("the machine's clock jumped", seconds=jumped_ns / SECOND_NS)
            self._ahead_ns = ahead_ns
            for rest in self._rests:  # after a suspend the loop's clock is behind the exchange's
                rest.offset_ns = None

    def _tend(self, now_ns: int) -> None:
        if self._recorder is not None:
            with contextlib.suppress(RecordingStopped):  # said at the next frame
                self._recorder.tend(now_ns)

    def _may_probe(self, name: str) -> bool:
        ready = self._keeper_of[name].ready.is_set()
        free = name not in self._probing and name not in self._busy
        return ready and free and len(self._probing) < PROBES_MAX

    async def _probe(self, name: str, channel: Channel) -> None:
        keeper = self._keeper_of[name]
        try:
            state = await probe.look(channel, self.rest, self.clock)
        except Denied as error:
            channel.silence.quiet(self.clock.now_ns())
            if not channel.silence.usual_ns and name not in self._strange:
                self._strange.add(name)  # it never had data, and the exchange says why
                self.mailbox.put([Refused(self.clock.now_ns(), name, str(error))])
            return
        finally:
            self._probing.discard(name)
        if state is None:
            return
        self.mailbox.put([state])
        if state.state == "stale":
            self._hold(keeper)
            if self._recycle(keeper, f"{name} is stale", channel.silence.strikes + 1):
                channel.silence.strikes += 1
            else:
                self._want(name)  # not again so soon; REST has the ticks meanwhile

    def _recycle(self, keeper: Keeper, why: str, times: int) -> bool:
        """Replaces a connection that is of no use, unless that was done a moment ago."""
        replaced = keeper.recycle(why, times)
        if replaced:
            self._broken(keeper, why)
        return replaced

    def _drop(self, name: str) -> None:
        """A topic that will never come is not asked for again."""
        keeper = self._keeper_of[name]
        if name in keeper.topics:
            keeper.topics.remove(name)
        self.intake.channels.pop(name, None)

    def _say_refused(self) -> None:
        """How many frames were refused in the last second, and the first of them."""
        refused = self._refused
        if refused is not None:
            log.warning("refused", why=refused.why, count=refused.count, frame=refused.sample)
            self.mailbox.put([refused])
            self._refused = None

    async def _audit(self) -> None:
        while True:
            await asyncio.sleep(AUDIT_S)
            found = await self.audit.compare()
            for one in found:
                log.warning("a bar differs", symbol=one.symbol, ours=one.ours, theirs=one.theirs)
            self.mailbox.put(found)


def _parts(topics: Sequence[Topic]) -> list[list[str]]:
    """The topics by connection."""
    texts, size = [topic.text for topic in topics], TOPICS_PER_LINE
    return [texts[start : start + size] for start in range(0, len(texts), size)]
