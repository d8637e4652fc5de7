"""After a cut: what the exchange's REST knows of the time we were away."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from liveopt.core.bars import MINUTE_NS, floor_ns
from liveopt.core.events import Bar, FeedEvent, Hole
from liveopt.kucoin.intake import Levels, Tape
from liveopt.kucoin.rest import Rest, RestError
from liveopt.kucoin.sequence import Span
from liveopt.live.clock import Clock

log = structlog.get_logger()

PAUSES_S: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""The exchange's history may lag behind its stream; this is how long we wait for it."""
JOIN_S_MAX: Final = 8.0
CANDLES_S_MAX: Final = 3.0
"""What is held must not be held for long: better a hole than prices of long ago."""
BARS_MAX: Final = 200
"""A longer hole comes with the candles of its last minutes."""


class _NoHistory(Exception):
    """The exchange could not say what we missed."""


Emit = Callable[[Iterable[FeedEvent]], None]


async def join(tape: Tape, rest: Rest, clock: Clock, emit: Emit) -> None:
    """Holds the tape's ticks until the history has shown what lies before them.

    What it does not show is lost: that is said by a `Hole`, with the candles of its span.
    """
    order = tape.sequencer
    order.held = True
    span = await _join(tape, rest, clock)
    if span is None:
        return
    order.held, cuts = True, order.cuts  # the hole is told before the ticks after it
    bars = await _candles(tape.topic.symbol, span, rest)
    emit([*tape.flush(clock.now_ns()), Hole(tape.topic.symbol, *_said(span), bars)])
    if order.cuts == cuts:
        order.held = False  # otherwise there was another cut, which its own join ends


async def _join(tape: Tape, rest: Rest, clock: Clock) -> Span | None:
    try:
        async with asyncio.timeout(JOIN_S_MAX):
            return await _ask(tape, rest, clock)
    except _NoHistory as error:
        why = str(error)
    except TimeoutError:
        why = "no history in time"
    try:
        async with asyncio.timeout(CANDLES_S_MAX):
            now_at_ns = await rest.server_now_ns()
    except (RestError, TimeoutError):
        now_at_ns = 0  # then the hole ends with the first tick after it, or is not known to end
    return tape.sequencer.give_up(why, now_at_ns)


async def _ask(tape: Tape, rest: Rest, clock: Clock) -> Span | None:
    why = "the exchange's history stays behind its stream"
    for pause_s in PAUSES_S:
        try:
            history = await rest.trades(tape.topic.symbol)
        except RestError as error:
            why = f"no history: {error}"
        else:
            verdict, span = tape.join(history, clock.now_ns())
            if verdict != "again":
                return span
        await asyncio.sleep(pause_s)
    raise _NoHistory(why)


def _said(span: Span) -> tuple[int, int, str]:
    return span.from_ns, max(span.from_ns, span.to_ns), span.why


async def _candles(symbol: str, span: Span, rest: Rest) -> tuple[Bar, ...]:
    """The minutes that the span touches, as far as they are closed."""
    from_ns = floor_ns(span.from_ns, MINUTE_NS)
    to_ns = floor_ns(span.to_ns, MINUTE_NS) + MINUTE_NS
    from_ns = max(from_ns, to_ns - BARS_MAX * MINUTE_NS)
    try:
        async with asyncio.timeout(CANDLES_S_MAX):
            return tuple(await rest.candles(symbol, MINUTE_NS, from_ns, to_ns))
    except (RestError, TimeoutError) as error:
        log.warning("no candles for a hole", symbol=symbol, why=str(error))
        return ()


async def start_book(levels: Levels, rest: Rest) -> bool:
    """Fetches the snapshot that a book waits for; false if none fits, or none can be had."""
    for pause_s in PAUSES_S:
        try:
            if levels.start(await rest.book(levels.topic.symbol)):
                return True
        except RestError as error:
            log.warning("no book", symbol=levels.topic.symbol, why=str(error))
        await asyncio.sleep(pause_s)
    return False
