"""The exchange: does its REST answer, does a socket open, are the clocks together?"""

import asyncio
from collections.abc import Iterator

from liveopt.cli import exchange
from liveopt.cli.doctor.row import Row
from liveopt.cli.fit import is_recording
from liveopt.cli.show import Failure
from liveopt.config import Settings
from liveopt.kucoin.rest import Denied, Garbled, Rest, RestError, Unreachable
from liveopt.kucoin.wire import BadFrame, read_frame
from liveopt.live.clock import Clock
from liveopt.live.line import NOT_OPENED, address, opening
from liveopt.optimize.parameters import BadParameter

ALL_S_MAX = 40.0
WELCOME_S_MAX = 10.0
SKEW_S_MAX = 1.0
OFFLINE = 'check the network and its proxy; live.feed = "sim" and `liveopt demo` need none'
NOT_KUCOIN = "is it KuCoin? see kucoin.spot_url and kucoin.futures_url; else try again later"
AFTER_REST = ("clock", "symbols", "socket")


def exchange_rows(settings: Settings, *, offline: bool) -> Iterator[Row]:
    """Only public data is asked for; no order, no key."""
    feed = settings.live.feed
    if offline:
        yield Row("exchange", "skip", "not asked (--offline)")
    elif feed == "sim":
        yield Row("exchange", "skip", "live.feed is sim: the exchange is in this machine")
    elif is_recording(feed):
        yield Row("exchange", "skip", f"live.feed is a recording: {feed}")
    else:
        yield from exchange.run(_asked(settings))


async def _asked(settings: Settings) -> list[Row]:
    rows: list[Row] = []
    try:
        async with (
            asyncio.timeout(ALL_S_MAX),
            exchange.reach(settings.live.feed, settings.live.symbols, settings) as there,
        ):
            await _ask(there.rest, settings, rows)
    except BadParameter as error:
        rows.append(Row("exchange", "fail", str(error), "mend [live] in the settings"))
    except TimeoutError:
        rows.append(Row("exchange", "warn", f"no end in {ALL_S_MAX:.0f} s", "try again later"))
    return rows


async def _ask(rest: Rest, settings: Settings, rows: list[Row]) -> None:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        await rest.server_time_ms()
    except RestError as error:
        rows.append(_no_answer(error))
        rows += [Row(name, "skip", "REST did not answer") for name in AFTER_REST]
        return
    took_ms = (loop.time() - began_s) * 1e3
    rows.append(Row("rest", "ok", f"{rest.base_url} answered in {took_ms:.0f} ms"))
    rows.append(_clock(rest))
    rows.append(await _listed(rest, settings))
    rows.append(await _socket(rest))


def _no_answer(error: RestError) -> Row:
    """Without a network that is no fault of the machine; who answers otherwise is no KuCoin."""
    if isinstance(error, Unreachable):
        return Row("rest", "warn", str(error), OFFLINE)
    if isinstance(error, Denied | Garbled):
        return Row("rest", "fail", str(error), NOT_KUCOIN)
    return Row("rest", "warn", str(error), "wait a while: the exchange is busy, or was asked a lot")


async def _listed(rest: Rest, settings: Settings) -> Row:
    try:
        await exchange.check_listed(rest, settings.live.symbols)
    except BadParameter as error:
        text = str(error).removeprefix("--symbol ")
        return Row("symbols", "fail", text, "set live.symbols")
    except Failure as error:
        return Row("symbols", "warn", str(error), "try again later")
    return Row("symbols", "ok", f"{', '.join(settings.live.symbols)}: listed")


def _clock(rest: Rest) -> Row:
    """This machine's clock less the exchange's, which came with the last answer."""
    assert rest.offset_ns is not None
    clock = Clock()
    skew_s = (clock.wall() - clock.now_ns() - rest.offset_ns) / 1e9
    text = f"{skew_s:+.2f} s beside the exchange's"
    if abs(skew_s) > SKEW_S_MAX:
        return Row("clock", "warn", text, "let NTP set this machine's clock")
    return Row("clock", "ok", text)


async def _socket(rest: Rest) -> Row:
    """A fresh token, a connection, and the exchange's welcome."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        bullet = await rest.bullet()
        async with (
            asyncio.timeout(WELCOME_S_MAX),
            opening(address(bullet, "liveopt-doctor")) as socket,
        ):
            frame = read_frame(await socket.recv(decode=False))
    except (*NOT_OPENED, RestError, BadFrame) as error:
        text = f"no socket: {type(error).__name__}"  # the error's own words may hold the token
        return Row("socket", "fail", text, "a proxy or firewall may let no WebSocket through")
    if frame.type != "welcome":
        return Row("socket", "fail", f"{frame.type} instead of a welcome", "try again later")
    return Row("socket", "ok", f"welcome after {(loop.time() - began_s) * 1e3:.0f} ms")
