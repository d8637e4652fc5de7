"""From frames to events: each push goes to the channel of its topic, each channel keeps its order.

The live feed and the player of recordings run the same intake; it knows no socket and no clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import Candle, FeedEvent, FeedState, Hole, Late, Quote, Tick
from liveopt.kucoin.depth import BookSnapshot, Depth
from liveopt.kucoin.sequence import Sequencer, Span, Verdict
from liveopt.kucoin.topics import Topic
from liveopt.kucoin.watch import Band, Silence
from liveopt.kucoin.wire import BadFrame, Delta, Frame, read_data

INSIST_NS: Final = 2 * SECOND_NS
"""How often at most a refused frame makes us ask the exchange for what it may have been."""
OVERTAKEN_NS: Final = 10 * SECOND_NS
"""A quote older than the last by less than this was overtaken; by more, a clock was set back."""


@dataclass(slots=True)
class Tape:
    """The trades of one symbol."""

    topic: Topic
    silence: Silence
    sequencer: Sequencer
    band: Band
    out: list[FeedEvent] = field(default_factory=list)
    owed: bool = False
    """A frame was refused, and the exchange's history has not been searched for its tick."""
    _insisted_ns: int = -INSIST_NS

    def take(self, frame: Frame, now_ns: int) -> None:
        """A push of this topic."""
        tick = read_data(self.topic, frame)
        assert isinstance(tick, Tick)
        _came(self, now_ns)
        if not self.band.holds(tick.price):
            raise BadFrame(f"the price {tick.price:g} is absurd beside {self.band.good:g}")
        late = self.sequencer.offer(tick, now_ns)
        if late is not None:
            self.out.append(Late(late))

    @property
    def wants(self) -> bool:
        """Nothing is handed on before the exchange's newest trades have been seen."""
        return self.sequencer.asks

    def join(self, history: Sequence[Tick], now_ns: int) -> tuple[Verdict, Span | None]:
        """The exchange's newest trades, oldest first, are fitted in."""
        verdict, span = self.sequencer.join(history, now_ns)
        if verdict != "again" and history:
            self.owed = False
            self.band.good = history[-1].price
            self.out += [Late(tick) for tick in self.sequencer.overlooked(history)]
        return verdict, span

    def refuse(self, now_ns: int) -> None:
        """A frame was refused that may have been a tick: if it was, the history has it."""
        self.owed = True
        self.insist(now_ns)

    def insist(self, now_ns: int) -> None:
        """Waits for the history if something is owed, but not too often."""
        if self.owed and now_ns >= self._insisted_ns + INSIST_NS:
            self._insisted_ns = now_ns
            self.sequencer.hold()

    def flush(self, now_ns: int) -> list[FeedEvent]:
        """What can be handed on now."""
        ready: list[FeedEvent] = [*self.out, *self.sequencer.settled(now_ns)]
        self.out.clear()
        return ready


@dataclass(slots=True)
class Tops:
    """The best bid and ask of one symbol; only the newest is handed on."""

    topic: Topic
    silence: Silence
    out: list[FeedEvent] = field(default_factory=list)
    last: Quote | None = None
    known: tuple[float, ...] | None = None
    """Best bid and ask as this connection told them, or as REST did when it was asked first."""
    whole: bool = False
    """A change of a size alone has been pushed too, so its absence says something."""
    _fresh: bool = False

    def take(self, frame: Frame, now_ns: int) -> None:
        """A push of this topic."""
        quote = read_data(self.topic, frame)
        _came(self, now_ns)
        if quote is None:
            return
        assert isinstance(quote, Quote)
        last = self.last
        if last is not None and _overtaken(quote, last):
            return
        if last is not None and (quote.bid, quote.ask) == (last.bid, last.ask):
            sizes = quote.bid_size, quote.ask_size
            self.whole = self.whole or sizes != (last.bid_size, last.ask_size)
        self.last = quote
        self.known = (quote.bid, quote.ask)
        if self.whole:
            self.known = (quote.bid, quote.bid_size, quote.ask, quote.ask_size)
        self._fresh = True

    def flush(self, _now_ns: int) -> list[FeedEvent]:
        """What can be handed on now."""
        ready = self.out
        self.out = []
        if self._fresh and self.last is not None:
            ready.append(self.last)
            self._fresh = False
        return ready


@dataclass(slots=True)
class Candles:
    """The exchange's own bars of one symbol and interval."""

    topic: Topic
    silence: Silence
    out: list[FeedEvent] = field(default_factory=list)
    last: Candle | None = None

    def take(self, frame: Frame, now_ns: int) -> None:
        """A push of this topic; a bar may be told after its end, and a quiet one with volume 0."""
        candle = read_data(self.topic, frame)
        assert isinstance(candle, Candle)
        _came(self, now_ns)
        last = self.last
        if last is None or candle.bar.at_ns > last.bar.at_ns:
            self.last = candle
        elif candle.bar.at_ns == last.bar.at_ns:
            if candle == last or candle.bar.volume < last.bar.volume:
                return  # known, or overtaken: volumes only grow
            self.last = candle
        self.out.append(candle)

    def flush(self, _now_ns: int) -> list[FeedEvent]:
        """What can be handed on now."""
        ready, self.out = self.out, []
        return ready


@dataclass(slots=True)
class Levels:
    """The whole book of one symbol, of which the top is handed on."""

    topic: Topic
    silence: Silence
    depth: Depth
    out: list[FeedEvent] = field(default_factory=list)
    _moved: bool = False

    def take(self, frame: Frame, now_ns: int) -> None:
        """A push of this topic."""
        delta = read_data(self.topic, frame)
        assert isinstance(delta, Delta)
        _came(self, now_ns)
        self._moved = self.depth.change(delta) or self._moved

    @property
    def wants(self) -> bool:
        """A snapshot has to be fetched."""
        return self.depth.wants

    def start(self, snapshot: BookSnapshot) -> bool:
        """The snapshot asked for; false if another is due."""
        self._moved = True
        return self.depth.start(snapshot)

    def flush(self, _now_ns: int) -> list[FeedEvent]:
        """What can be handed on now."""
        ready, self.out = self.out, []
        if self._moved:
            self._moved = False
            top = self.depth.top()
            if top is not None:
                ready.append(top)
        return ready


Channel = Tape | Tops | Candles | Levels


def _overtaken(quote: Quote, last: Quote) -> bool:
    behind_ns = last.at_ns - quote.at_ns
    if behind_ns == 0:
        return quote.sequence < last.sequence
    return 0 < behind_ns < OVERTAKEN_NS


def _came(channel: Channel, now_ns: int) -> None:
    age_ns = channel.silence.age_ns(now_ns)
    if channel.silence.data(now_ns):
        channel.out.append(FeedState(now_ns, channel.topic.text, "live", age_ns))


class Intake:
    """The channels of all topics."""

    def __init__(self, topics: Iterable[Topic], settle_ns: int, band: float, now_ns: int) -> None:
        self.channels: dict[str, Channel] = {}
        self._settle_ns = settle_ns
        self._band = band
        for topic in topics:
            self.add(topic, now_ns)
        self._touched: dict[str, Channel] = {}
        self.wanting: set[str] = set()
        """Topics whose channel waits for something from REST: the newest trades, a book."""

    def add(self, topic: Topic, now_ns: int) -> None:
        """From now on the topic's pushes are taken."""
        self.channels[topic.text] = _channel(topic, self._settle_ns, self._band, now_ns)

    def take(self, frame: Frame, now_ns: int) -> bool:
        """A push; false if nobody asked for its topic. Raises `BadFrame` for one of no use."""
        name = frame.topic
        channel = self.channels.get(name)
        if channel is None:
            return False
        self._touched[name] = channel
        channel.take(frame, now_ns)
        return True

    def touch(self, channel: Channel) -> None:
        """Something other than a push changed the channel."""
        self._touched[channel.topic.text] = channel

    @property
    def waiting(self) -> bool:
        """Something may be handed on at the next flush."""
        return bool(self._touched)

    def flush(self, now_ns: int) -> list[FeedEvent]:
        """What can be handed on now, channel by channel."""
        ready: list[FeedEvent] = []
        kept: dict[str, Channel] = {}
        for name, channel in self._touched.items():
            if name not in self.channels:
                continue  # dropped meanwhile
            ready += channel.flush(now_ns)
            if isinstance(channel, Tape | Levels) and channel.wants:
                self.wanting.add(name)
            if isinstance(channel, Tape) and channel.sequencer.due:
                kept[name] = channel
        self._touched = kept
        return ready

    def tapes(self) -> list[Tape]:
        """The channels of trades."""
        return [channel for channel in self.channels.values() if isinstance(channel, Tape)]


def _channel(topic: Topic, settle_ns: int, band: float, now_ns: int) -> Channel:
    silence = Silence(now_ns)
    match topic.kind:
        case "trades":
            return Tape(topic, silence, Sequencer(settle_ns), Band(band))
        case "candles":
            return Candles(topic, silence)
        case "depth":
            return Levels(topic, silence, Depth(topic.symbol))
        case _:
            return Tops(topic, silence)


def hole(symbol: str, span: Span) -> Hole:
    """A span of lost ticks as an event, without candles yet."""
    return Hole(symbol, span.from_ns, span.to_ns, span.why)
