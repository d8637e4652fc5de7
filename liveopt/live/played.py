"""A recording, or a file of trades or candles, as a feed: the same events from the same intake."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import count
from math import inf
from pathlib import Path
from typing import Final

import msgspec

from liveopt.core.bars import infer_interval_ns
from liveopt.core.events import Candle, FeedEvent, Tick
from liveopt.data.candles import read_candles
from liveopt.data.tables import DataError
from liveopt.kucoin.intake import Intake, Tape, hole
from liveopt.kucoin.topics import parse
from liveopt.kucoin.wire import BadFrame, read_frame
from liveopt.live.mailbox import Mailbox
from liveopt.live.play import play_candles, play_frames, play_trades

TABLES: Final = (".csv", ".parquet", ".feather")


@dataclass(frozen=True, slots=True)
class Source:
    """What is played: which file, which symbols of it (all where none is named), how fast."""

    path: Path
    symbols: frozenset[str] = frozenset()
    speed: float = 1.0
    settle_ns: int = 1_000_000
    band: float = 0.2
    candle_pushes: bool = True
    """Whether candles of a recording are handed on: a push never says whether it is closed."""
    after: tuple[Tick, ...] = ()
    """What an earlier player handed on last, of each symbol: this one goes on behind it."""


class Played:
    """Plays to the end, then closes its mailbox.

    The time that passes between frames is the recorded one, so a recording gives the same events at
    any speed.
    """

    def __init__(self, source: Source) -> None:
        self.mailbox = Mailbox()
        self.frames = 0
        self.bad = 0
        self._others: set[str] = set()
        self._source = source
        self._after = {tick.symbol: tick for tick in source.after}

    async def run(self) -> None:
        """Returns at the end of the file; raises `BadRecording` or `DataError` for a bad one."""
        try:
            async for found in self._events():
                events = [e for e in found if self._is_new(e)] if self._after else found
                if events:
                    self.mailbox.put(events)
                if self.mailbox.full:
                    await self.mailbox.room()
        finally:
            self.mailbox.close()

    def _is_new(self, event: FeedEvent) -> bool:
        """Whether it comes after what was handed on before."""
        match event:
            case Tick(symbol=symbol) if symbol in self._after:
                last = self._after[symbol]
                return (event.at_ns, event.sequence) > (last.at_ns, last.sequence)
            case Candle(symbol=symbol) if symbol in self._after:
                return event.bar.at_ns > self._after[symbol].at_ns
            case _:
                return True

    def whole(self, _symbol: str) -> bool:
        """What is played is all there is."""
        return not self.mailbox.unread

    def others(self) -> str:
        """The symbols that were there and not wanted, in words."""
        return ", ".join(sorted(self._others)) or "none"

    def _events(self) -> AsyncGenerator[Iterable[FeedEvent]]:
        path = self._source.path
        if path.is_dir() or path.suffix not in TABLES:
            return self._frames()
        try:
            return self._trades()
        except DataError as not_trades:
            if not_trades.row is not None:
                raise
            return self._candles()

    async def _frames(self) -> AsyncGenerator[list[FeedEvent]]:
        source = self._source
        intake = Intake((), source.settle_ns, source.band, 0)
        now_ns = flushed_ns = before_ns = 0
        async for at_ns, raw in play_frames(source.path, source.speed):
            now_ns += max(0, at_ns - before_ns)  # the machine's clock may have been set back
            before_ns = at_ns
            if intake.waiting and now_ns >= flushed_ns + source.settle_ns:
                flushed_ns = now_ns
                yield intake.flush(now_ns)
            self.frames += 1
            try:
                tape = self._take(intake, raw, now_ns)
            except BadFrame:
                self.bad += 1
                continue
            if tape is not None and tape.wants:
                yield _unasked(tape, now_ns)
        last = intake.flush(now_ns + source.settle_ns)
        for tape in intake.tapes():
            last += tape.sequencer.release()
        yield last

    def _take(self, intake: Intake, raw: bytes, now_ns: int) -> Tape | None:
        """The tape that the frame was for, if it was for one."""
        frame = read_frame(raw)
        if frame.type != "message":
            return None
        if frame.topic not in intake.channels:
            topic = parse(frame.topic)
            if topic is None or (topic.kind == "candles" and not self._source.candle_pushes):
                return None
            if self._source.symbols and topic.symbol not in self._source.symbols:
                self._others.add(topic.symbol)
                return None
            intake.add(topic, now_ns)
        intake.take(frame, now_ns)
        channel = intake.channels[frame.topic]
        return channel if isinstance(channel, Tape) else None

    def _trades(self) -> AsyncGenerator[Iterable[FeedEvent]]:
        source = self._source
        numbers = count(1)
        symbol = _symbol(source)
        batches = play_trades(source.path, source.speed, symbol)

        async def numbered() -> AsyncGenerator[Iterable[FeedEvent]]:
            async for ticks in batches:
                yield [msgspec.structs.replace(tick, sequence=next(numbers)) for tick in ticks]

        return numbered()

    def _candles(self) -> AsyncGenerator[Iterable[FeedEvent]]:
        source = self._source
        interval_ns = infer_interval_ns(read_candles(source.path))
        symbol = _symbol(source)
        batches = play_candles(source.path, source.speed)

        async def candles() -> AsyncGenerator[Iterable[FeedEvent]]:
            async for bars in batches:
                yield [Candle(symbol, interval_ns, bar) for bar in bars]

        return candles()


async def first_ns(source: Source) -> int:
    """When the first tick or candle was, by the file's own time; 0 where there is none."""
    played = Played(replace(source, speed=inf))
    async with aclosing(played._events()) as batches:
        async for found in batches:
            for event in found:
                match event:
                    case Tick():
                        return event.at_ns
                    case Candle():
                        return event.bar.at_ns
                    case _:
                        pass
    return 0


def _symbol(source: Source) -> str:
    """A table has one symbol: the one that was named, else the file's name."""
    return min(source.symbols, default=source.path.stem)


def _unasked(tape: Tape, now_ns: int) -> list[FeedEvent]:
    """There is no exchange to ask: a new count is believed."""
    order, holes = tape.sequencer, list[FeedEvent]()
    if order.restarted:
        span = order.give_up("the count began anew", now_ns)
        holes += [] if span is None else [hole(tape.topic.symbol, span)]
    order.held = False
    return holes
