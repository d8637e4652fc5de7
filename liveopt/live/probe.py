"""A silent topic: is the market quiet, or is the feed dead? The exchange's REST knows."""

import asyncio
from collections.abc import Sequence
from typing import Final, assert_never

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import FeedState, Tick
from liveopt.kucoin.depth import BookSnapshot
from liveopt.kucoin.intake import Candles, Channel, Levels, Tape, Tops
from liveopt.kucoin.rest import Denied, Garbled, Rest, RestError
from liveopt.kucoin.sequence import BACKWARDS_NS
from liveopt.kucoin.watch import Silence
from liveopt.live.clock import Clock

GRACE_S: Final = 0.5
"""What the exchange just knew may still be on its way to us."""
PUSH_NS_MAX: Final = 6 * SECOND_NS // 5
"""Pushes of candles are gathered for about a second."""
BEHIND: Final = "the exchange has newer data"


async def look(channel: Channel, rest: Rest, clock: Clock) -> FeedState | None:
    """Asks the exchange about a silence; what there is to say of it, if anything.

    Raises `Denied` if the exchange does not know the symbol.
    """
    silence = channel.silence
    since_ns = silence.since_ns
    if isinstance(channel, Tape):
        channel.sequencer.doubtful = True  # REST may be as blind as the socket: check what comes
    try:
        behind = await _behind(channel, rest, clock.now_ns())
    except Denied:
        raise
    except RestError:
        await asyncio.sleep(GRACE_S)
        return None  # nothing is concluded; a dead socket is found by its pongs
    if behind:
        await asyncio.sleep(GRACE_S)
    now_ns = clock.now_ns()
    if silence.since_ns != since_ns:
        return None
    if behind:
        silence.stale()
        return FeedState(now_ns, channel.topic.text, "stale", silence.age_ns(now_ns), BEHIND)
    if silence.quiet(now_ns):
        return FeedState(now_ns, channel.topic.text, "quiet", silence.age_ns(now_ns))
    return None


async def _behind(channel: Channel, rest: Rest, now_ns: int) -> bool:
    """The exchange has something that the channel has not."""
    match channel:
        case Tape():
            return await _is_tape_behind(channel, rest, now_ns)
        case Tops() | Levels():
            return _is_book_behind(channel, await rest.book(channel.topic.symbol))
        case Candles(silence=silence):
            # Every trade moves a candle, so one that is younger than the last push tells.
            history = await rest.trades(channel.topic.symbol)
            return await _traded_since(history, silence, rest, now_ns)
        case _:
            assert_never(channel)


async def _is_tape_behind(tape: Tape, rest: Rest, now_ns: int) -> bool:
    order = tape.sequencer
    history = await rest.trades(tape.topic.symbol)
    if order.last is None:
        return await _traded_since(history, tape.silence, rest, now_ns)
    if not _reaches(history, order.last):
        raise Garbled("the exchange's history is older than its stream")
    return not order.knows(history[-1])


def _is_book_behind(channel: Tops | Levels, book: BookSnapshot) -> bool:
    if isinstance(channel, Tops):
        if not book.bids or not book.asks:
            return False
        top = (
            (*book.bids[0], *book.asks[0]) if channel.whole else (book.bids[0][0], book.asks[0][0])
        )
        if channel.known is None:
            channel.known = top  # nothing is pushed before something changes
        return channel.known != top
    if not channel.depth.sequence:
        channel.start(book)  # it waits for one anyway
        return False
    return book.sequence > channel.depth.sequence


def _reaches(history: Sequence[Tick], last: Tick) -> bool:
    """The history is as new as what we have, by its count or, if that began anew, by its time."""
    newest = history[-1] if history else None
    return newest is not None and (
        newest.sequence >= last.sequence or newest.at_ns > last.at_ns + BACKWARDS_NS
    )


async def _traded_since(history: Sequence[Tick], silence: Silence, rest: Rest, now_ns: int) -> bool:
    """Something traded since the last push, and not so lately that its push is under way."""
    now_at_ns = await rest.server_now_ns()
    since_ns = now_at_ns - silence.age_ns(now_ns)
    return any(since_ns < tick.at_ns < now_at_ns - PUSH_NS_MAX for tick in history)
