"""A silent topic: is the market quiet, or is the feed dead? The exchange's REST knows."""

import asyncio
from typing import Final, assert_never

from liveopt.core.bars import SECOND_NS, floor_ns
from liveopt.core.events import FeedState
from liveopt.kucoin.intake import Candles, Channel, Levels, Tape, Tops
from liveopt.kucoin.rest import Denied, Rest, RestError
from liveopt.live.clock import Clock

GRACE_S: Final = 0.3
"""What the exchange just knew may still be on its way to us."""
CANDLE_GRACE_S: Final = 1.5
"""Pushes of candles are gathered for about a second."""
DEAF_NS: Final = 10 * SECOND_NS
"""Silent for this long and REST does not answer either: the connection is given up."""


async def look(channel: Channel, rest: Rest, clock: Clock) -> FeedState | None:
    """Asks the exchange about a silence; what there is to say of it, if anything.

    Raises `Denied` if the exchange does not know the symbol.
    """
    silence = channel.silence
    since_ns = silence.since_ns
    try:
        behind = await _behind(channel, rest)
    except RestError as error:
        denied = isinstance(error, Denied)
        if not denied and silence.age_ns(clock.now_ns()) < silence.allowed_ns + DEAF_NS:
            await asyncio.sleep(GRACE_S)
            return None
        raise
    if behind:
        await asyncio.sleep(CANDLE_GRACE_S if isinstance(channel, Candles) else GRACE_S)
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


async def _behind(channel: Channel, rest: Rest) -> bool:
    """The exchange has something that the channel has not."""
    symbol = channel.topic.symbol
    match channel:
        case Tape(sequencer=order):
            history = await rest.trades(symbol)
            return bool(history) and not order.knows(history[-1])
        case Tops(last=last):
            book = await rest.book(symbol)
            if not book.bids or not book.asks:
                return False
            return last is None or (last.bid, last.ask) != (book.bids[0][0], book.asks[0][0])
        case Levels(depth=depth):
            return (await rest.book(symbol)).sequence > depth.sequence
        case Candles(last=newest):
            step_ns = channel.topic.interval_ns
            open_ns = floor_ns(await rest.server_now_ns(), step_ns)
            bars = await rest.candles(symbol, step_ns, open_ns - step_ns, open_ns)
            return bool(bars) and (newest is None or bars[-1].at_ns > newest.bar.at_ns)
        case _:
            assert_never(channel)
