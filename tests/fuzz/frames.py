"""Broken frames by the million into the feed's intake: refused whole, or events without a flaw.

`python -m tests.fuzz.frames --frames 1000000 --seed 1` prints one line of JSON. Every frame is a
real push of some kind, or a reply, changed in a few ways; the seed decides how, so that whatever
fails does it again.
"""

import argparse
import json
import math
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import Bar, Candle, FeedEvent, FeedState, Late, Quote, Tick
from liveopt.kucoin.depth import BookSnapshot
from liveopt.kucoin.intake import Intake, Levels, Tape
from liveopt.kucoin.topics import Topic, parse
from liveopt.kucoin.wire import BadFrame, Delta, read_frame
from tests.unit.kucoin.test_wire import PUSHES

Path = tuple[str | int, ...]


def topic_of(push: str) -> Topic:
    topic = parse(read_frame(push).topic)
    assert topic is not None
    return topic


MESSAGES: Final = [push for push, _ in PUSHES]
REPLIES: Final = (
    '{"id":"hQvf8jkno","type":"welcome"}',
    '{"id":"1545910660739","type":"ack"}',
    '{"id":"p28","type":"error","code":404,"data":"topic does not exist"}',
)
TOPICS: Final = {topic.text: topic for topic in map(topic_of, MESSAGES)}
SYMBOLS: Final = {topic.symbol for topic in TOPICS.values()}
FIRSTS: Final = {
    read_frame(push).topic: said.first for push, said in PUSHES if isinstance(said, Delta)
}
"""Where the changes of a book begin."""
BIDS: Final = [(10_000.0, 1.0)]
ASKS: Final = [(100_000.0, 1.0)]

KINDS: Final = (Tick, Quote, Candle, Late, FeedState)
ANEW: Final = 1_000
"""After so many frames another intake begins, or one mad price would decide over all others."""
SETTLE_NS: Final = 1_000_000
FROM_NS: Final = 1_262_304_000 * SECOND_NS
TO_NS: Final = 4_102_444_800 * SECOND_NS
LEAST: Final = 1e-18
MOST: Final = 1e18

TOKENS: Final = [
    token.encode("utf-8", "surrogateescape")
    for token in (
        *("NaN", '"NaN"', '"nan"', "Infinity", '"-inf"', "1e999", '"1e999"', "1e-400", "1e300"),
        *("0", '"0"', "-0", '"-0"', "-1", '"-1"', "1e18", "1e19", "1e-18", "1e-19", "1.5"),
        *('"1_0"', '" 1"', '"0x1"', '"01"', '"1."', '"\u0661"', '"\uff11"', '"1,5"', '"+1"'),
        *("true", "false", '"true"', "null", '"null"', '""', '"text"', '"\\u0000"', '"\\ud800"'),
        *("[]", "{}", "[[]]", '[["1","1"]]', '["1","1"]', '[["NaN","1"]]', '{"asks":[],"bids":[]}'),
        *("[" * 500, "{" * 500, "[" * 300 + "]" * 300, "9" * 400, "9" * 4299, "9" * 5000),
        *(f'"{"9" * 400}"', f'"{"9" * 4299}"', str(2**63 - 1), str(2**63), str(-(2**63))),
        *("1731898619", "1731898619520", "1731898619520000000", '"1731898619520000000"'),
        *('"buy"', '"67523,buy,1"', '"67523,buy,NaN"', '"nan,sell,1"', '"67523,sell,-1"'),
        *("", ",", ":", '"', "\\", "}", "]", " ", "\x00", "e5", "\\ud800"),
        *("\udcff\udcfe", "\udced\udca0\udc80"),  # bytes that are no text
    )
]


def paths_in(value: object, path: Path = ()) -> list[Path]:
    """The ways to every value inside, however deep."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    found: list[Path] = []
    for key, child in inner:
        found += [(*path, key), *paths_in(child, (*path, key))]
    return found


PATHS: Final = [paths_in(json.loads(push)["data"], ("data",)) for push in MESSAGES]


def place_of(message: Any, path: Path) -> tuple[Any, str | int]:
    """The container of a value, and its key there."""
    for key in path[:-1]:
        message = message[key]
    return message, path[-1]


def following(luck: random.Random, number: int) -> tuple[Any, list[Path]]:
    """A message, mostly newer than those before it, and the ways into it."""
    which = luck.randrange(len(MESSAGES))
    message = json.loads(MESSAGES[which])
    data = message["data"]
    if "sequence" in data and luck.random() < 0.8:
        sequence = int(data["sequence"]) + number - luck.randrange(9)
        data["sequence"] = type(data["sequence"])(sequence)
    return message, PATHS[which]


def hostile(luck: random.Random, number: int) -> bytes:
    """A value of a message is replaced by what does not belong there or cannot be, or is gone."""
    message, paths = following(luck, number)
    if luck.random() < 0.1:  # in the envelope
        container, key = message, luck.choice(list(message))
    else:
        container, key = place_of(message, luck.choice(paths))
    if luck.random() < 0.1:
        del container[key]
    else:
        container[key] = "@"
    return msgspec.json.encode(message).replace(b'"@"', luck.choice(TOKENS), 1)


def plausible(luck: random.Random, number: int) -> bytes:
    """Some numbers of a message are changed, and stay what a message may hold."""
    message, paths = following(luck, number)
    for _ in range(luck.randrange(3)):
        container, key = place_of(message, luck.choice(paths))
        container[key] = nudged(container[key], luck)
    if luck.random() < 0.02:  # what another topic would say
        message["data"] = json.loads(luck.choice(MESSAGES))["data"]
    return msgspec.json.encode(message)


def nudged(value: object, luck: random.Random) -> object:
    """Another number of the same type; what is no number stays."""
    text = str(value)
    if not text.replace(".", "", 1).isdigit():
        return value
    if "." in text:
        other = repr(float(text) * luck.choice((0.0, 1e-9, 0.5, 0.999, 1.001, 1.3, 1e9)))
    else:
        steps = (-1, 1, 2, 1_000, 10**6, 3 * 10**9, -(10**9), 10**13)
        other = str(max(0, int(text) + luck.choice(steps)))
    return other if isinstance(value, str) else json.loads(other)


def broken(frame: bytearray, luck: random.Random) -> None:
    """Bits flipped, tokens put in, pieces cut out, doubled, or taken over from another frame."""
    at = luck.randrange(len(frame) + 1)
    upto = at + luck.randrange(1, 24)
    match luck.randrange(6):
        case 0 if at < len(frame):
            frame[at] ^= 1 << luck.randrange(8)
        case 1:
            frame[at:at] = luck.choice(TOKENS)
        case 2:
            frame[at:upto] = luck.choice(TOKENS)
        case 3:
            del frame[at:upto]
        case 4:
            frame[at:at] = frame[at : at + luck.randrange(200)]
        case _:
            other = luck.choice(MESSAGES).encode()
            frame[at:] = other[luck.randrange(len(other)) :]


def mutated(luck: random.Random, number: int) -> str | bytes:
    """The frame of that number, as text or as bytes."""
    kind = luck.random()
    if kind < 0.35:
        frame = hostile(luck, number)
    elif kind < 0.65:
        frame = plausible(luck, number)
    else:
        source = MESSAGES if kind < 0.97 else REPLIES
        piece = bytearray(luck.choice(source).encode())
        for _ in range(luck.randrange(1, 5)):
            broken(piece, luck)
        frame = bytes(piece)
    # As text with what no text may hold, where the bytes were none.
    return frame.decode("utf-8", "surrogateescape") if luck.random() < 0.2 else frame


# What an event has to be, whatever came.


def is_size(value: object) -> bool:
    return type(value) is float and math.isfinite(value) and 0.0 <= value <= MOST


def is_price(value: object) -> bool:
    return type(value) is float and math.isfinite(value) and LEAST <= value <= MOST


def is_whole(value: object, least: int = 0, most: int = 2**63 - 1) -> bool:
    return type(value) is int and least <= value <= most


def is_time(value: object) -> bool:
    return is_whole(value, FROM_NS + 1, TO_NS - 1)


def is_tick(tick: Tick) -> bool:
    numbers = is_price(tick.price) and is_price(tick.size) and is_whole(tick.sequence, 1)
    return is_time(tick.at_ns) and numbers and tick.side in (1, -1) and tick.symbol in SYMBOLS


def is_quote(quote: Quote) -> bool:
    prices = is_price(quote.bid) and is_price(quote.ask) and quote.bid <= quote.ask
    sizes = is_size(quote.bid_size) and is_size(quote.ask_size)
    numbers = is_time(quote.at_ns) and is_whole(quote.sequence)
    return prices and sizes and numbers and quote.symbol in SYMBOLS


def is_bar(bar: Bar) -> bool:
    prices = (bar.low, bar.open, bar.close, bar.high)
    ordered = bar.low == min(prices) and bar.high == max(prices)
    return all(map(is_price, prices)) and ordered and is_size(bar.volume) and is_time(bar.at_ns)


def is_sound(event: FeedEvent) -> bool:
    """Of the right types, finite, in order, and of this century."""
    match event:
        case Tick():
            return is_tick(event)
        case Late():
            return is_tick(event.tick)
        case Quote():
            return is_quote(event)
        case Candle():
            return is_bar(event.bar) and event.symbol in SYMBOLS and is_whole(event.interval_ns, 1)
        case FeedState():
            return is_whole(event.at_ns) and is_whole(event.age_ns) and event.topic in TOPICS
        case _:
            return False


def has_nonfinite(value: object) -> bool:
    """A float that is none, anywhere inside."""
    if isinstance(value, msgspec.Struct):
        return any(map(has_nonfinite, msgspec.structs.astuple(value)))
    return isinstance(value, float) and not math.isfinite(value)


@dataclass(slots=True)
class Fuzz:
    """One run: what came in, and what came of it."""

    luck: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    flaws: list[tuple[FeedEvent, str | bytes]] = field(default_factory=list)
    """Events that should not be, each with the frame before it."""
    now_ns: int = 0

    def play(self, frames: int) -> None:
        """So many frames; any error but `BadFrame` ends it."""
        intake = self.begin()
        for done in range(1, frames + 1):
            raw = mutated(self.luck, done)
            self.now_ns += self.luck.randrange(2 * SETTLE_NS)
            self.counts[self.take(intake, raw)] += 1
            for event in intake.flush(self.now_ns):
                self.counts[type(event).__name__] += 1
                if not is_sound(event):
                    self.flaws.append((event, raw))
            self.answer(intake)
            if done % ANEW == 0:
                intake = self.begin()

    def begin(self) -> Intake:
        """An intake that knows nothing yet; some believe any price. Some topics were silent."""
        band = self.luck.choice((0.0, 0.2))
        intake = Intake(TOPICS.values(), SETTLE_NS, band, self.now_ns)
        for channel in intake.channels.values():
            if self.luck.random() < 0.5:
                channel.silence.quiet(self.now_ns)
        return intake

    def take(self, intake: Intake, raw: str | bytes) -> str:
        """What became of a frame: it was refused, accepted, or not about any of our topics."""
        try:
            frame = read_frame(raw)
            if frame.type == "message" and intake.take(frame, self.now_ns):
                return "accepted"
        except BadFrame:
            return "refused"
        return "passed_over"

    def answer(self, intake: Intake) -> None:
        """Who asks for a book gets one; who asks for trades is told to go on without."""
        for name in intake.wanting:
            channel = intake.channels[name]
            if isinstance(channel, Levels):
                book = BookSnapshot(name, FIRSTS[name] - 1, FROM_NS + 1, BIDS, ASKS)
                if not channel.start(book):
                    channel.depth.drop()
            elif isinstance(channel, Tape) and self.luck.random() < 0.2:
                channel.sequencer.give_up("no answer", FROM_NS + 1)
            intake.touch(channel)
        intake.wanting.clear()


def run(frames: int, seed: int) -> Fuzz:
    """A whole run."""
    fuzz = Fuzz(random.Random(seed))
    fuzz.play(frames)
    return fuzz


def main() -> None:
    """Run as many as asked for; ends with an error if an event has a flaw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    begun_s = time.perf_counter()
    fuzz = run(options.frames, options.seed)
    seconds = time.perf_counter() - begun_s
    report = {
        "frames": options.frames,
        "seed": options.seed,
        **{key: fuzz.counts[key] for key in ("refused", "accepted", "passed_over")},
        "frames/s": round(options.frames / seconds),
        "nonfinite": sum(has_nonfinite(event) for event, _ in fuzz.flaws),
        "flaws": len(fuzz.flaws),
        "events": {kind.__name__: fuzz.counts[kind.__name__] for kind in KINDS},
    }
    print(json.dumps(report))
    if fuzz.flaws:
        raise SystemExit(f"the first of the flaws: {fuzz.flaws[0]}")


if __name__ == "__main__":
    main()
