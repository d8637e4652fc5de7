"""A silent topic: is the market quiet, or is the feed dead? The exchange's REST knows."""

import asyncio
from collections.abc import Sequence
from typing import Final, assert_never

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import FeedState, Tick
from liveopt.kucoin.intake import Candles, Channel, Levels, Tape, Tops
from liveopt.kucoin.rest import Denied, Garbled, Rest, RestError
from liveopt.kucoin.sequence import BACKWARDS_NS
from liveopt.kucoin.watch import Silence
from liveopt.live.clock import Clock

GRACE_S: Final = 0.3
"""What the exchange just knew may still be on its way to us."""
PUSH_NS_MAX: Final = 3 * SECOND_NS // 2
"""Pushes of candles are gathered for about a second."""
DEAF_NS: Final = 10 * SECOND_NS
"""Silent for this long and REST does not answer either: the connection is given up."""


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
    except RestError as error:
        denied = isinstance(error, Denied)
        if not denied and silence.age_ns(clock.now_ns()) < silence.allowed_ns + DEAF_NS:
            await asyncio.sleep(GRACE_S)
            return None
        raise
    if behind:
        await asyncio.sleep(GRACE_S)
    now_ns = clock.now_ns()
    if silence.since_ns != since_ns:
        return None
    if behind:
        silence.stale()
        why = "the exchange has newer data"
        return FeedState(now_ns, channel.topic.text, "stale", silence.age_ns(now_ns), why)
    if silence.quiet(now_ns):
        return FeedState(now_ns, channel.topic.text, "quiet", silence.age_ns(now_ns))
    return None


async def _behind(channel: Channel, rest: Rest, now_ns: int) -> bool:
    """The exchange has something that the channel has not."""
    symbol = channel.topic.symbol
    match channel:
        case Tape(sequencer=order):
            history = await rest.trades(symbol)
            if order.last is None:
                return await _traded_since(history, channel.silence, rest, now_ns)
            if not _reaches(history, order.last):
                raise Garbled("the exchange's history is older than its stream")
            return not order.knows(history[-1])
        case Tops(last=last):
            book = await rest.book(symbol)
            if not book.bids or not book.asks:
                return False
            return last is None or (last.bid, last.ask) != (book.bids[0][0], book.asks[0][0])
        case Levels(depth=depth):
            return (await rest.book(symbol)).sequence > depth.sequence
        case Candles(silence=silence):
            # Every trade moves a candle, so one that is younger than the last push tells.
            return await _traded_since(await rest.trades(symbol), silence, rest, now_ns)
        case _:
            assert_never(channel)


def _reaches(history: Sequence[Tick], last: Tick) -> bool:
    """The history is as new as what we have, by its count or, if that began anew, by its time."""
    newest = history[-1] if history else None
    return newest is not None and (
        newest.sequence >= last.sequence or newest.at_ns > last.at_ns + BACKWARDS_NS
    )


async def _traded_since(history: Sequence[Tick], silence: Silence, rest: Rest, now_ns: int) -> bool:
    """A trade is younger than the silence is long, and not so young that its push is under way."""
    since_ns = await rest.server_now_ns() - silence.age_ns(now_ns)
    return bool(history) and history[-1].at_ns > since_ns + PUSH_NS_MAX
